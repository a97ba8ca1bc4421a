"""What goes wrong at a database while it is read: what may pass, what will not, and what is told of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
import pytest

from databases import HERE, Source, file_source
from dayfill import sources
from dayfill.domain.transfer import Table
from dayfill.errors import ConnectorError, Permanent, Transient
from dayfill.outgoing import postgresql
from dayfill.outgoing.postgresql import Server, Session

DAY = date(2024, 1, 1)
MANY = "SELECT :start AS day, n, repeat('x', 100) AS x FROM generate_series(1, 1000000) AS n WHERE :end > '2024-01-01'"
END_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE $1"


@pytest.fixture
def source(postgresql_source: Source) -> Source:
    postgresql_source.run("CREATE TABLE visits (id INTEGER, day DATE)", "INSERT INTO visits VALUES (1, '2024-01-01')")
    return postgresql_source


@contextmanager
def beside(source: Source) -> Iterator[Session]:
    """Another session at the same database."""
    with postgresql.session(Server.of(source.config().settings, None, HERE, "DESTINATION")) as other:
        yield other


def fault(source: Source, deadline: float = 60, **settings: object) -> ConnectorError:
    with pytest.raises(ConnectorError) as raised:
        found = sources.get("SQL").read_days(source.config(**settings), Table("t"), [DAY], deadline)
        found.reader.read_all()
    assert source.settings["host"] in raised.value.message or isinstance(raised.value, Transient)
    return raised.value


def test_a_server_that_goes_away_half_way_is_asked_again_on_a_new_connection(source: Source) -> None:
    found = source.begin([DAY], query=MANY)
    found.reader.read_next_batch()
    with beside(source) as other:
        assert other.rows(END_ALL, "COPY%generate_series%") == [(True,)]
    with pytest.raises(Transient, match="broke off") as lost:
        found.reader.read_all()
    assert lost.value.cause == "SOURCE" and not found.complete
    assert source.ids(source.read([DAY])) == [1]


def test_a_table_that_is_locked_is_waited_for_until_the_deadline(source: Source) -> None:
    with beside(source) as other:
        other.begin("ISOLATION LEVEL READ COMMITTED")
        other.execute("LOCK TABLE visits IN ACCESS EXCLUSIVE MODE")
        late = fault(source, 0.3, table="visits")
        other.roll_back()
    assert (type(late), late.cause) == (Transient, "TIMEOUT")
    assert source.ids(source.read([DAY])) == [1]


def test_what_the_login_may_not_see_stops_all_days(source: Source) -> None:
    user = f"reader_{source.settings['database']}"
    source.run(f"CREATE ROLE {user} LOGIN")
    try:
        refused = fault(source, table="visits", user=user)
    finally:
        source.run(f"DROP ROLE {user}")
    assert isinstance(refused, Permanent) and refused.fatal
    assert refused.cause == "AUTH" and "permission denied for table visits" in refused.message


def test_rows_are_not_locked_to_be_read(source: Source) -> None:
    query = "SELECT id, day FROM visits WHERE day >= :start AND day < :end FOR UPDATE"
    refused = fault(source, query=query)
    assert isinstance(refused, Permanent) and refused.fatal
    assert refused.cause == "CONFIG" and refused.message.endswith("a query may only read.")


def test_a_value_that_cannot_be_worked_out_is_the_days_fault(source: Source) -> None:
    source.run("INSERT INTO visits VALUES (0, '2024-01-01')")
    broken = fault(source, query="SELECT day, 1 / id AS n FROM visits WHERE day >= :start AND day < :end")
    assert isinstance(broken, Permanent) and not broken.fatal
    assert broken.cause == "DATA" and "division by zero" in broken.message


def test_a_query_beyond_the_limits_of_the_database_is_not_tried_again(source: Source) -> None:
    many = ", ".join(f"1 AS c{n}" for n in range(1_664))
    refused = fault(source, query=f"SELECT day, {many} FROM visits WHERE day >= :start AND day < :end")
    assert isinstance(refused, Permanent) and refused.cause == "CONFIG" and "at most 1664 entries" in refused.message


def test_a_duckdb_file_that_is_written_is_read_later(tmp_path: Path) -> None:
    source = file_source("duckdb", tmp_path)
    source.run("CREATE TABLE visits (id INTEGER, day DATE)")
    with duckdb.connect(source.settings["path"]), pytest.raises(Transient, match="open for writing"):
        source.read([DAY])
    assert source.read([DAY]).num_rows == 0


@pytest.mark.parametrize(
    "value", ["[t, 'infinity']", "{'a': t, 'b': {'c': [t, 'infinity']}}", "map([1, 2], [t, 'infinity'])"]
)
def test_infinity_is_found_wherever_duckdb_holds_it(tmp_path: Path, value: str) -> None:
    source = file_source("duckdb", tmp_path)
    made = f"SELECT DATE '2024-01-01' AS day, {value} AS value FROM (SELECT TIMESTAMP '2024-01-01' AS t)"
    source.run(f"CREATE TABLE visits AS {made.replace('infinity', '2024-01-02')} UNION ALL {made}")
    with pytest.raises(Permanent, match="Column value, row 2 of the reading: infinity"):
        source.read([date(2024, 1, 1)])


def test_what_sqlite_keeps_beside_the_declared_type_is_refused(tmp_path: Path) -> None:
    source = file_source("sqlite", tmp_path)
    source.run("CREATE TABLE visits (id INTEGER, day DATE)", "INSERT INTO visits VALUES ('many', '2024-01-01')")
    with pytest.raises(Permanent, match="Column id holds a value that is not int64") as refused:
        source.read([DAY])
    assert refused.value.cause == "DATA"


def test_a_text_that_is_no_day_is_refused(tmp_path: Path) -> None:
    source = file_source("sqlite", tmp_path)
    source.run("CREATE TABLE visits (id INTEGER, day TEXT)", "INSERT INTO visits VALUES (1, '2024-01-01 or so')")
    assert source.ids(source.read([DAY])) == [1], "what follows a day is its time"
    query = "SELECT id, 'yesterday' AS day FROM visits WHERE day >= :start AND day < :end"
    with pytest.raises(Permanent, match="must hold dates as YYYY-MM-DD") as refused:
        source.read([DAY], {"id": "INTEGER", "day": "STRING"}, query=query)
    assert refused.value.cause == "DATA"


def test_a_path_through_a_file_is_told(tmp_path: Path) -> None:
    source = file_source("sqlite", tmp_path)
    source.run("CREATE TABLE visits (id INTEGER, day DATE)")
    with pytest.raises(Permanent, match="cannot be read: Not a directory") as refused:
        source.read([DAY], path=f"{source.settings['path']}/days.sqlite")
    assert refused.value.fatal


PASSING = (
    "canceling statement due to conflict with recovery",
    "canceling statement due to lock timeout",
    "deadlock detected",
    "out of memory",
    'could not write to file "base/pgsql_tmp/pgsql_tmp1.0": No space left on device',
)


@pytest.mark.parametrize("said", PASSING)
def test_what_is_no_fault_of_the_query_is_tried_again(postgresql_source: Source, said: str) -> None:
    """A standby gives up a query that is in the way of its replication; while rows come no error has a code."""
    postgresql_source.run(
        "CREATE FUNCTION fail() RETURNS integer LANGUAGE plpgsql AS"
        f" $$BEGIN RAISE EXCEPTION USING MESSAGE = '{said}'; END$$"
    )
    found = fault(postgresql_source, query="SELECT DATE '2024-01-01' AS day, fail() AS x WHERE :start < :end")
    assert (type(found), found.cause) == (Transient, "SOURCE") and said in found.message


def test_a_reading_that_waits_for_its_destination_is_not_ended_by_a_setting_of_its_role(
    postgresql_source: Source,
) -> None:
    database = postgresql_source.settings["database"]
    postgresql_source.run(f"ALTER DATABASE {database} SET idle_in_transaction_session_timeout = '5s'")
    query = "SELECT DATE '2024-01-01' AS day, current_setting('idle_in_transaction_session_timeout') AS x"
    rows = postgresql_source.read([DAY], query=f"{query} WHERE :start < :end")
    assert rows.column("x").to_pylist() == ["1min"], "the deadline, as for a statement"
