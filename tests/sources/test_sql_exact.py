"""What PostgreSQL and MariaDB hold arrives exactly, in the account's days, or is refused with the column's name."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pyarrow as pa
import pytest

from databases import Source
from dayfill.domain.reach import NOTHING
from dayfill.domain.transfer import Table
from dayfill.errors import Permanent, Transient
from dayfill.sources import SourceConfig, get
from dayfill.sources.sql import statement
from dayfill.sources.sql.lexicon import POSTGRESQL
from dayfill.sources.sql.statement import Dialect

DAY = date(2024, 3, 31)
QUERY = "SELECT * FROM (SELECT DATE '2024-03-31' AS day, {}) AS one WHERE day >= :start AND day < :end"


@pytest.fixture
def source(postgresql_source: Source) -> Source:
    return postgresql_source


EXACT = [
    ("1.25::numeric(20,4)", pa.decimal128(20, 4), Decimal("1.2500")),
    ("('-0.000001')::numeric(18,6)", pa.decimal128(18, 6), Decimal("-0.000001")),
    ("123456::numeric(4,-2)", pa.decimal128(6, 0), Decimal("123500")),
    ("'0.00123'::numeric(3,5)", pa.decimal128(5, 5), Decimal("0.00123")),
    ("('-1e-38')::numeric(1,38)", pa.decimal128(38, 38), Decimal("-1e-38")),
    ("""'{"b": [1, null]}'::jsonb""", pa.json_(), '{"b": [1, null]}'),
    ("""'{"b":1, "b":2}'::json""", pa.string(), '{"b":1, "b":2}'),
    ("'00010203-0405-0607-0809-0a0b0c0d0e0f'::uuid", pa.uuid(), UUID(bytes=bytes(range(16)))),
    ("ARRAY[1, NULL, 3]::bigint[]", pa.list_(pa.int64()), [1, None, 3]),
    ("ARRAY['a', NULL]", pa.list_(pa.string()), ["a", None]),
    ("'{}'::int[]", pa.list_(pa.int32()), []),
    ("NULL::uuid[]", pa.list_(pa.uuid()), None),
    (
        "'2024-03-31 02:30:00.000001+02'::timestamptz",
        pa.timestamp("us", "UTC"),
        datetime(2024, 3, 31, 0, 30, 0, 1, UTC),
    ),
    ("'x'::bytea", pa.binary(), b"x"),
    ("NULL::smallint", pa.int16(), None),
]


@pytest.mark.parametrize(("expression", "of", "value"), EXACT, ids=lambda value: str(value)[:30])
def test_a_value_of_postgresql_keeps_its_type(source: Source, expression: str, of: pa.DataType, value: object) -> None:
    rows = source.read([DAY], query=QUERY.format(f"{expression} AS value"))
    assert rows.schema.field("value").type == of
    assert rows.column("value").to_pylist() == [value]


REFUSED = [
    ("1.5::numeric", "numeric without precision", "SCHEMA"),
    ("1e30::numeric(30,-9)", "with one beyond 38", "SCHEMA"),
    ("1.5::money", "is money", "SCHEMA"),
    ("'10.0.0.1'::inet", "is inet", "SCHEMA"),
    ("'NaN'::numeric(9,2)", "row 1 of the reading: NaN does not fit", "DATA"),
    ("'NaN'::numeric(20,2)", "among rows 1 to 1", "DATA"),
    ("'infinity'::timestamptz", "row 1 of the reading: infinity", "DATA"),
    ("'-infinity'::date", "row 1 of the reading: infinity", "DATA"),
    ("'2024-01-01'::timestamp + interval '9000 years'", "a year beyond", "DATA"),
    ("(ARRAY[1.5]::numeric(9,2)[])", r"Column value is an array of numeric, .* to_jsonb\(value\)", "SCHEMA"),
    ("ARRAY['10.0.0.1'::inet]", "Column value is an array of inet", "SCHEMA"),
    ("ARRAY[[1, 2], [3, 4]]", "Column value, row 1 of the reading: an array of more than one dimension", "DATA"),
    ("ARRAY['2024-01-01'::timestamptz, 'infinity']", "Column value, row 1 of the reading: infinity", "DATA"),
    ("ARRAY['-infinity'::date]", "Column value, row 1 of the reading: infinity", "DATA"),
    ("1/(random()*0)::int", "division by zero", "DATA"),
]


@pytest.mark.parametrize(("expression", "says", "cause"), REFUSED)
def test_a_value_that_cannot_be_kept_is_refused(source: Source, expression: str, says: str, cause: str) -> None:
    with pytest.raises(Permanent, match=says) as refused:
        source.read([DAY], query=QUERY.format(f"{expression} AS value"))
    assert refused.value.cause == cause


def test_the_row_of_an_array_is_named_and_its_neighbours_keep_their_names(source: Source) -> None:
    """The dimensions that come beside have a name as well."""
    rows = "(VALUES ('{1}'::int[], '{a,b}'::text[]), (NULL, '{}'), ('{2,3}', NULL))"
    query = f"SELECT DATE '2024-03-31' AS day, a AS array_ndims, b FROM {rows} AS v(a, b)"
    bounded = f"SELECT * FROM ({query}) AS made WHERE day >= :start AND day < :end"
    found = source.read([DAY], query=bounded)
    assert found.column_names == ["day", "array_ndims", "b"]
    assert found["array_ndims"].to_pylist() == [[1], None, [2, 3]] and found["b"].to_pylist() == [["a", "b"], [], None]
    with pytest.raises(Permanent, match="Column array_ndims, row 3 of the reading: an array of more than one"):
        source.read([DAY], query=bounded.replace("{2,3}", "{{2,3},{4,5}}"))


def test_a_numeric_of_any_size_is_read_as_it_is_declared(source: Source) -> None:
    query = QUERY.format("1.5::numeric AS value")
    assert source.read([DAY], {"value": "DECIMAL(5,2)"}, query=query)["value"].to_pylist() == [Decimal("1.50")]
    assert source.read([DAY], {"value": "STRING"}, query=query)["value"].to_pylist() == ["1.5"]


@pytest.mark.parametrize(("zone", "ids"), [("UTC", [2, 3]), ("Europe/Berlin", [1, 2]), ("America/New_York", [2, 3, 4])])
def test_days_are_those_of_the_accounts_time_zone(source: Source, zone: str, ids: list[int]) -> None:
    """In Berlin this day has 23 hours."""
    source.run(
        "CREATE TABLE moments (id int, at timestamptz)",
        "INSERT INTO moments VALUES (1, '2024-03-30 23:00Z'), (2, '2024-03-31 21:59Z'), (3, '2024-03-31 22:00Z'),"
        " (4, '2024-04-01 03:59Z'), (5, '2024-04-01 04:00Z')",
    )
    query = "SELECT * FROM moments WHERE at >= :start AND at < :end"
    for settings in ({"table": "moments"}, {"query": query, "bounds": "timestamptz"}):
        rows = source.read([DAY], zone=zone, date_column="at", **settings)
        assert source.ids(rows) == ids and set(rows["data_date"].to_pylist()) == {DAY}


def test_a_row_without_a_day_and_a_name_that_is_taken_are_refused(source: Source) -> None:
    source.run("CREATE TABLE odd (data_date date, at timestamp)", "INSERT INTO odd VALUES ('2024-03-31', '2024-03-31')")
    with pytest.raises(Permanent, match="data_date is taken"):
        source.read([DAY], table="odd", date_column="at")
    with pytest.raises(Permanent, match="is int32, not a date"):
        source.read([DAY], query=QUERY.format("5 AS n"), date_column="n")
    with pytest.raises(Permanent, match="no two alike"):
        source.read([DAY], query=QUERY.replace("SELECT * FROM", 'SELECT day, day AS "Day" FROM', 1).format("1 AS n"))


def test_a_server_that_is_not_there_and_settings_that_cannot_be(source: Source) -> None:
    with pytest.raises(Transient, match="cannot be reached"):
        source.read([DAY], table="t", port="1")
    with pytest.raises(Permanent, match="does not exist") as refused:
        source.read([DAY], table="t", user="nobody")
    assert refused.value.cause == "AUTH" and refused.value.fatal
    for settings, says in (
        ({"engine": "oracle"}, "must be one of postgresql"),
        ({"table": "t", "query": "q"}, "either table or query"),
        ({"table": ""}, "either table or query"),
        ({"table": "t", "date_column": ""}, "date_column is missing"),
        ({"table": "t", "bounds": "hours"}, "setting bounds is 'hours'"),
        ({"table": "t", "engine": "duckdb"}, "setting path is missing"),
        ({"table": "a.b.c.d"}, "NAME or SCHEMA"),
        ({"table": 5.5}, "must be a text"),
    ):
        with pytest.raises(Permanent, match=says):
            source.read([DAY], **settings)
    with pytest.raises(Permanent, match="no time zone"):
        source.read([DAY], table="t", zone="Mars/Base")
    outside = SourceConfig({**source.settings, "engine": "postgresql", "table": "t", "date_column": "d"}, reach=NOTHING)
    with pytest.raises(Permanent, match="connections may not go to"):
        get("SQL").read_days(outside, Table("t"), [DAY], 5)


def test_bounds_stand_where_a_value_can_stand_and_nowhere_else() -> None:
    text = """SELECT ':start', ":end", $$:start$$, a::start /* :end */ -- :start
    FROM t WHERE d >= :start AND d < :end"""
    made = statement._with_bounds(text, POSTGRESQL, {"start": "S", "end": "E"})
    assert made == text.replace("d >= :start AND d < :end", "d >= S AND d < E")


def test_names_and_moments_are_written_as_the_database_wants_them() -> None:
    assert Dialect(POSTGRESQL, quote="`").name("a`b") == "`a``b`" and Dialect(POSTGRESQL).name('a"b') == '"a""b"'
    noon = datetime(2024, 1, 1, 12, tzinfo=UTC)
    assert Dialect(POSTGRESQL).literal(noon) == "TIMESTAMPTZ '2024-01-01 12:00:00+00:00'"
    assert Dialect(POSTGRESQL, has_zones=False).literal(noon) == "TIMESTAMP '2024-01-01 12:00:00'"
    assert Dialect(POSTGRESQL, typed=False, has_zones=False).literal(noon) == "'2024-01-01 12:00:00'"
