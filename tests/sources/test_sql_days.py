"""Days of an SQL source: the same from every kind of database, by a table and by a query."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from databases import Source, file_source
from dayfill import sources
from dayfill.domain.days import WHOLE
from dayfill.domain.transfer import Field, Partition, Table
from dayfill.errors import ConnectorError, Permanent, Transient

DAYS = [date(2024, 1, 1) + timedelta(days) for days in range(4)]
QUERY = "SELECT id, day, label FROM visits WHERE day >= :start AND day < :end -- not ':end;'"


def test_a_table_gives_the_rows_of_its_days_and_no_others(source: Source) -> None:
    rows = source.read(DAYS[:2])
    assert source.ids(rows) == [1, 2, 3]
    assert source.read([DAYS[2]]).num_rows == 0
    assert source.ids(source.read([DAYS[0], DAYS[3]])) == [1, 2, 4], "days with a gap between them"


def test_days_in_one_reading_are_the_same_as_one_by_one(source: Source) -> None:
    whole = source.read(DAYS)
    single = [row for day in DAYS for row in source.read([day]).to_pylist()]
    assert sorted(whole.to_pylist(), key=repr) == sorted(single, key=repr)


def test_every_row_carries_its_day_whatever_the_column_is(source: Source) -> None:
    for column in ("day", "seen_at"):
        found = source.begin(
            DAYS, date_column=column, query="SELECT id, seen_at, day FROM visits WHERE day >= :start AND day < :end"
        )
        rows = found.reader.read_all()
        by_id = dict(zip(rows["id"].to_pylist(), rows[found.date_column].to_pylist(), strict=True))
        assert by_id == {1: DAYS[0], 2: DAYS[0], 3: DAYS[1], 4: DAYS[3]}


def test_a_table_is_bounded_by_the_type_of_its_date_column(source: Source) -> None:
    found = source.begin([DAYS[0]], date_column="seen_at")
    assert found.date_column == "data_date"
    assert source.ids(found.reader.read_all()) == [1, 2]


def test_a_query_reads_a_slice_of_days(source: Source) -> None:
    assert source.ids(source.read(DAYS[:2], query=QUERY + "\n;")) == [1, 2, 3]


def test_declared_types_are_cast_without_loss_or_refused(source: Source) -> None:
    rows = source.read(DAYS[:1], {"id": "DECIMAL(5,1)", "label": "STRING", "day": "DATE"})
    assert {(row["id"], row["label"], row["day"]) for row in rows.to_pylist()} == {
        (Decimal("1.0"), "a", DAYS[0]),
        (Decimal("2.0"), None, DAYS[0]),
    }
    with pytest.raises(Permanent, match="Column label: a value among rows 1 to"):
        source.read(DAYS[:1], {"label": "INTEGER"})
    with pytest.raises(Permanent, match="no column nothing; its columns are id, day"):
        source.read(DAYS[:1], {"nothing": "STRING"})


def test_the_schema_is_told_without_reading(source: Source) -> None:
    schema = sources.get("SQL").schema(source.config(table="visits"), Table("t"))
    assert schema.names[:5] == ["id", "day", "seen_at", "label", "price"]
    assert source.read(DAYS).schema == schema
    sources.get("SQL").check(source.config(table="visits"), Table("t"))


WRITES = (
    "DELETE FROM visits",
    "SELECT id, day FROM visits WHERE day >= :start AND day < :end; DELETE FROM visits",
    "SELECT id, day FROM visits) AS x; DELETE FROM visits; SELECT * FROM (SELECT :start, :end",
    "WITH gone AS (DELETE FROM visits RETURNING *) SELECT * FROM gone WHERE day >= :start AND day < :end",
    "INSERT INTO visits SELECT * FROM visits WHERE day >= :start AND day < :end",
    "DROP TABLE visits /* :start */",
)


@pytest.mark.parametrize("query", WRITES)
def test_a_query_cannot_write(source: Source, query: str) -> None:
    with pytest.raises(Permanent) as refused:
        source.read(DAYS, query=query)
    assert refused.value.cause == "CONFIG"
    assert source.ids(source.read(DAYS)) == [1, 2, 3, 4]


def test_a_table_without_days_is_read_as_a_whole(source: Source) -> None:
    table = Table("t", partition=Partition.NONE)
    for settings in ({"table": "visits"}, {"query": "SELECT id, label FROM visits"}):
        found = sources.get("SQL").read_days(source.config(**settings, date_column=""), table, [WHOLE], 60)
        rows = found.reader.read_all()
        assert source.ids(rows) == [1, 2, 3, 4] and set(rows[found.date_column].to_pylist()) == {WHOLE}
    with pytest.raises(Permanent, match="has no bounds"):
        sources.get("SQL").schema(source.config(query="SELECT :start AS a"), table)


def test_a_query_that_is_wrong_is_told(source: Source) -> None:
    for query, says in (
        ("SELECT * FROM visits WHERE day >= :start", "must hold both :start"),
        ("SELECT * FROM visits WHERE day >= :begin AND :start < :end", "names :begin"),
        ("SELECT nothing FROM visits WHERE day >= :start AND day < :end", "nothing"),
    ):
        with pytest.raises(Permanent, match=says):
            source.read(DAYS, query=query)
    with pytest.raises(Permanent, match=r"(?i)nowhere"):
        source.read(DAYS, table="nowhere")


SLOW = {
    "postgresql": "SELECT day, id, pg_sleep(60)::text AS s FROM visits WHERE day >= :start AND day < :end",
    "mysql": "SELECT day, id, sleep(60) AS s FROM visits WHERE day >= :start AND day < :end",
    "sqlite": "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n)"
    " SELECT day, count(*) AS id FROM n, visits WHERE day >= :start AND day < :end GROUP BY day",
    "duckdb": "SELECT DATE '2024-01-01' AS day, count(*) AS id FROM range(100000000) a, range(100000000) b"
    " WHERE (a.range + b.range) % 7 = 3 AND DATE '2024-01-01' >= :start AND DATE '2024-01-01' < :end",
}


def test_a_query_ends_at_the_deadline(source: Source) -> None:
    config = source.config(query=SLOW[source.kind])
    fields = Table("t", (Field("id", "id", "INTEGER"), Field("day", "day", "DATE")))
    with pytest.raises(Transient) as late:
        found = sources.get("SQL").read_days(config, fields, DAYS, 0.5)
        found.reader.read_all()
    assert late.value.cause == "TIMEOUT"
    assert source.ids(source.read(DAYS)) == [1, 2, 3, 4]


def test_many_rows_come_in_batches(source: Source) -> None:
    ten = " UNION ALL ".join(f"SELECT {number} AS n" for number in range(10))
    many = ", ".join(f"({ten}) AS t{place}" for place in range(5))
    source.run(f"INSERT INTO visits (id, day) SELECT t0.n, '2024-01-03' FROM {many}")
    found = source.begin([DAYS[2]])
    sizes = [batch.num_rows for batch in found.reader]
    assert sum(sizes) == 100_000 and found.complete
    assert len(sizes) > 1 or source.kind == "postgresql", "whose driver takes 16 MB at once"


def test_a_reading_that_is_given_up_holds_nothing(source: Source) -> None:
    found = source.begin(DAYS)
    found.reader.read_next_batch()
    del found
    source.run("DELETE FROM visits")
    assert source.read(DAYS).num_rows == 0


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_a_file_that_is_none_is_told(kind: str, tmp_path: Path) -> None:
    source = file_source(kind, tmp_path)
    with pytest.raises(Permanent, match="no file"):
        source.read(DAYS)
    Path(source.settings["path"]).write_text("no database at all, " * 400)
    with pytest.raises(Permanent, match="is no"):
        source.read(DAYS)
    with pytest.raises(ConnectorError, match=r"DAYFILL_FILE_ROOTS|folder"):
        source.read(DAYS, path="/etc/passwd")


@pytest.mark.parametrize("bounds", ["date", "timestamp", "timestamptz"])
def test_a_day_of_moments_is_that_of_the_account_wherever_the_server_is(postgresql_source: Source, bounds: str) -> None:
    """A date is compared with a moment in the time zone of the session, which was that of the role or the server."""
    database = postgresql_source.settings["database"]
    postgresql_source.run(
        f"ALTER DATABASE {database} SET timezone = 'Asia/Tokyo'",
        "CREATE TABLE seen (id integer, at timestamptz)",
        "INSERT INTO seen SELECT i, TIMESTAMPTZ '2024-03-09T00:30-05:00' + i * interval '1 hour'"
        " FROM generate_series(0, 80) i",
    )
    query = "SELECT * FROM seen WHERE at >= :start AND at < :end"
    for day, hours in ((date(2024, 3, 9), range(24)), (date(2024, 3, 10), range(24, 47))):
        asked = {"query": query, "date_column": "at", "bounds": bounds}
        assert postgresql_source.ids(postgresql_source.read([day], zone="America/New_York", **asked)) == list(hours)
