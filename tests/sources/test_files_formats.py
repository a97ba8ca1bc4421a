"""What comes out of CSV, JSON lines and Parquet files, and of which files."""

from __future__ import annotations

import gzip
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dayfill import sources
from dayfill.domain.transfer import Field, Table
from dayfill.errors import Permanent
from dayfill.roots import placed
from dayfill.sources import SourceConfig
from dayfill.sources.files import infer
from dayfill.sources.files.connection import Idle
from dayfill.sources.files.paths import Stamp
from reaching import TEMP

FIRST, SECOND, THIRD = date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)
EVERY_TYPE = {
    "d": "DATE",
    "s": "STRING",
    "i": "INTEGER",
    "f": "FLOAT",
    "b": "BOOLEAN",
    "t": "TIMESTAMP",
    "z": "TIMESTAMPTZ",
    "n": "DECIMAL(18,6)",
}
EXPECTED = {
    "d": SECOND,
    "s": 'Zoë, "quoted"\tü\n🙂',
    "i": -9223372036854775808,
    "f": 0.1,
    "b": True,
    "t": datetime(2024, 3, 31, 2, 30, 0, 123456),  # noqa: DTZ001  naive on purpose, in a DST gap
    "z": datetime(2024, 2, 29, 21, 30, tzinfo=UTC),
    "n": Decimal("-0.000001"),
}


def _csv(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def _every_type(path: Path) -> Path:
    """One row with a value of every type, one with none."""
    name = path.name.removesuffix(".gz")
    if name.endswith(".csv"):
        text = (
            "d,s,i,f,b,t,z,n\n"
            '2024-02-29,"Zoë, ""quoted""\tü\n🙂",-9223372036854775808,0.1,true,2024-03-31 02:30:00.123456,'
            "2024-02-29T23:30:00+02:00,-0.000001\n"
            "2024-03-01,,,,,,,\n"
        )
    else:
        text = (
            '{"d":"2024-02-29","s":"Zoë, \\"quoted\\"\\t\\u00fc\\n🙂","i":-9223372036854775808,"f":0.1,"b":true,'
            '"t":"2024-03-31 02:30:00.123456","z":"2024-02-29T23:30:00+02:00","n":"-0.000001"}\n'
            '\n{"d":"2024-03-01","s":null}\n'
        )
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.jsonl", "a.ndjson.gz"])
def test_every_type_comes_as_declared(name, tmp_path, read_files) -> None:
    got = read_files(_every_type(tmp_path / name), [SECOND, THIRD], EVERY_TYPE, date_column="d")
    assert got.complete and not got.failed
    assert got.date_column == "d"
    first, second = sorted(got.rows.to_pylist(), key=lambda row: row["d"])
    assert first == EXPECTED
    assert second == dict.fromkeys(EXPECTED) | {"d": THIRD}
    assert got.rows.schema.field("z").type == pa.timestamp("us", "UTC")
    assert got.rows.schema.field("n").type == pa.decimal128(18, 6)


@pytest.mark.parametrize("packed", [False, True])
def test_parquet_comes_as_it_is(packed, tmp_path, read_files) -> None:
    schema = pa.schema(
        {
            "d": pa.date32(), "s": pa.string(), "i": pa.int64(), "f": pa.float64(), "b": pa.bool_(),
            "t": pa.timestamp("us"), "z": pa.timestamp("us", "UTC"), "n": pa.decimal128(18, 6),
        }
    )  # fmt: skip
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist([EXPECTED, {"d": THIRD}], schema), path)
    if packed:
        path.with_suffix(".parquet.gz").write_bytes(gzip.compress(path.read_bytes()))
        path = path.with_suffix(".parquet.gz")
    got = read_files(path, [SECOND, THIRD], date_column="d")
    assert got.rows.schema == schema
    assert sorted(got.rows.to_pylist(), key=lambda row: row["d"])[0] == EXPECTED


def test_parquet_types_without_a_type_of_ours_lose_nothing(tmp_path, read_files) -> None:
    rows = pa.table(
        {
            "d": pa.array([FIRST]),
            "u": pa.array([2**64 - 1], pa.uint64()),
            "small": pa.array([-128], pa.int8()),
            "list": pa.array([[1, 2]]),
            "struct": pa.array([{"a": "x"}]),
            "bytes": pa.array(["ü".encode()], pa.binary()),
        }
    )
    pq.write_table(rows, tmp_path / "a.parquet")
    got = read_files(tmp_path / "a.parquet", [FIRST], date_column="d")
    assert got.rows.to_pylist() == [
        {"d": FIRST, "u": Decimal(2**64 - 1), "small": -128, "list": "[1,2]", "struct": '{"a":"x"}', "bytes": "ü"}
    ]
    assert got.rows.schema.field("small").type == pa.int64()


def test_an_empty_text_is_not_null(tmp_path, read_files) -> None:
    path = _csv(tmp_path / "a.csv", "d,s,i", '2024-02-28,"",1', "2024-02-28,,2", '2024-02-28,"NA",3', "2024-02-28,NA,4")
    got = read_files(path, [FIRST], date_column="d", null_values="NA, -")
    assert {row["i"]: row["s"] for row in got.rows.to_pylist()} == {1: "", 2: None, 3: "NA", 4: None}


def test_an_empty_quoted_cell_is_no_number(tmp_path, read_files) -> None:
    got = read_files(
        _csv(tmp_path / "a.csv", "d,i", '"2024-02-28",""'), [FIRST], {"d": "DATE", "i": "INTEGER"}, date_column="d"
    )
    assert got.rows.to_pylist() == [{"d": FIRST, "i": None}] and not got.failed


def test_a_day_without_rows_is_complete(tmp_path, read_files) -> None:
    path = _csv(tmp_path / "a.csv", "d,i", "2024-02-28,1", "2024-03-01,2")
    got = read_files(path, [SECOND], date_column="d")
    assert got.complete and got.rows.num_rows == 0 and not got.failed


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_only_the_wanted_days_come_back(ending, tmp_path, read_files) -> None:
    days = [FIRST, SECOND, THIRD, date(2024, 3, 2)]
    path = tmp_path / f"a.{ending}"
    if ending == "csv":
        _csv(path, "d,i", *(f"{day},{i}" for i, day in enumerate(days)))
    else:
        pq.write_table(pa.table({"d": days, "i": range(4)}), path)
    assert read_files(path, [days[3], days[1]], date_column="d").of("i") == [1, 3]
    assert read_files(path, [], date_column="d").rows.num_rows == 0


def test_other_delimiters_line_ends_and_a_byte_order_mark(tmp_path, read_files) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbfd;i\r\n2024-02-28;1\r\n2024-02-28;2")
    assert read_files(tmp_path / "a.csv", [FIRST], date_column="d", delimiter=";").of("i") == [1, 2]
    (tmp_path / "a.tsv").write_text("d\ti\n2024-02-28\t3\n")
    assert read_files(tmp_path / "a.tsv", [FIRST], date_column="d").of("i") == [3]
    (tmp_path / "bare.csv").write_text("2024-02-28,4\n")
    assert read_files(tmp_path / "bare.csv", [FIRST], date_column="column0", header=False).of("column1") == [4]


def test_a_timestamp_column_puts_in_the_date_of_the_zone(tmp_path, read_files) -> None:
    path = _csv(tmp_path / "a.csv", "z,i", "2024-02-28T23:30:00Z,1", "2024-02-29T12:00:00Z,2")
    got = read_files(path, [SECOND], date_column="z", zone="Europe/Helsinki")
    assert got.date_column == "data_date"
    assert got.rows.schema.names == ["z", "i", "data_date"]
    assert got.of("i") == [1, 2] and got.of("data_date") == [SECOND, SECOND]
    assert read_files(path, [SECOND], date_column="z").of("i") == [2]


def test_an_expression_puts_in_the_date_and_may_use_columns_that_are_not_loaded(tmp_path, read_files) -> None:
    path = _csv(tmp_path / "a.csv", "Year,month,day,i", "2024,2,29,1", "2023,2,28,2", "2024,3,1,3")
    got = read_files(path, [SECOND, THIRD], {"i": "INTEGER"}, date_expression="make_date(year, month, day)")
    assert got.rows.schema.names == ["i", "data_date"]
    assert got.of("i", SECOND) == [1] and got.of("i", THIRD) == [3]


def test_a_declared_field_keeps_its_target_name(tmp_path) -> None:
    path = _csv(tmp_path / "a.csv", "Day of report,x", "2024-02-28,1")
    table = Table("t", (Field("Day of report", "report_date", "DATE"), Field("x", "value", "INTEGER")))
    read = sources.get("FILES").read_days(
        SourceConfig({"path": str(path), "date_column": "Day of report"}, reach=TEMP), table, [FIRST], 60
    )
    assert read.reader.read_all().to_pylist() == [{"report_date": FIRST, "value": 1}]
    assert read.date_column == "report_date"


def test_a_pattern_reads_all_its_files_by_column_name(tmp_path, read_files) -> None:
    _csv(tmp_path / "a.csv", "d,i", "2024-02-28,1")
    _csv(tmp_path / "b.csv", "i,d,extra", "2,2024-02-28,x")
    _csv(tmp_path / "c.csv", "d,i", "2024-02-28,2.5")
    got = read_files(tmp_path / "*.csv", [FIRST], date_column="d")
    assert sorted(zip(got.of("i"), got.of("extra"), strict=True)) == [(1.0, None), (2.0, "x"), (2.5, None)]


@pytest.mark.parametrize("template", ["{date}.csv", "{date:%Y/%m}/x-{date:%d}.csv", "*/{date:%Y%m%d}.csv"])
def test_a_path_with_the_date_opens_the_files_of_the_days(template, tmp_path, read_files) -> None:
    for i, day in enumerate((FIRST, THIRD)):
        name = template.replace("{date}", str(day)).replace("*", "sub")
        for part in ("%Y/%m", "%d", "%Y%m%d"):
            name = name.replace(f"{{date:{part}}}", day.strftime(part))
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        _csv(tmp_path / name, "i", str(i))
    got = read_files(tmp_path / template, [FIRST, SECOND, THIRD])
    assert got.complete
    assert (got.of("i", FIRST), got.of("i", THIRD)) == ([0], [1])
    assert list(got.failed) == [SECOND]
    assert got.failed[SECOND].cause == "SOURCE" and str(tmp_path) in got.failed[SECOND].message


def test_a_monthly_path_needs_a_date_column(tmp_path, read_files) -> None:
    _csv(tmp_path / "2024-02.csv", "d,i", "2024-02-28,1", "2024-02-29,2")
    got = read_files(tmp_path / "{date:%Y-%m}.csv", [FIRST, SECOND, THIRD], date_column="d")
    assert (got.of("i"), list(got.failed)) == ([1, 2], [THIRD])
    with pytest.raises(Permanent, match="same for several days"):
        read_files(tmp_path / "{date:%Y-%m}.csv", [FIRST])


def test_an_empty_json_file_is_a_day_without_rows(tmp_path, read_files) -> None:
    (tmp_path / "2024-02-28.jsonl").write_text('{"i": 1}\n')
    (tmp_path / "2024-02-29.jsonl").write_text("")
    got = read_files(tmp_path / "{date}.jsonl", [FIRST, SECOND])
    assert got.complete and not got.failed and got.of("data_date") == [FIRST]


def test_the_schema_does_not_depend_on_the_days(tmp_path, read_files) -> None:
    path = _csv(tmp_path / "a.csv", "d,i", "2024-02-28,1", "2024-02-29,1.5")
    config, source = SourceConfig({"path": str(path), "date_column": "d"}, reach=TEMP), sources.get("FILES")
    whole = source.schema(config, Table("t"))
    assert whole == pa.schema({"d": pa.date32(), "i": pa.float64()})
    assert read_files(path, [FIRST], date_column="d").rows.schema == whole


def test_a_file_that_grew_is_looked_at_again(tmp_path, read_files) -> None:
    path = _csv(tmp_path / "a.csv", "d,i", "2024-02-28,1")
    assert read_files(path, [FIRST], date_column="d").rows.schema.names == ["d", "i"]
    _csv(path, "d,i,j", "2024-02-28,1.5,2")
    assert read_files(path, [FIRST], date_column="d").rows.to_pylist() == [{"d": FIRST, "i": 1.5, "j": 2}]


def test_other_files_beside_those_with_a_date_do_not_matter(tmp_path, read_files) -> None:
    _csv(tmp_path / "2024-02-28.csv", "i", "1")
    _csv(tmp_path / "total-of-days.csv", "i,total", "x,1")
    got = read_files(tmp_path / "{date}.csv", [FIRST])
    assert got.rows.to_pylist() == [{"i": 1, "data_date": FIRST}]


def test_slices_that_start_together_infer_once(tmp_path, read_files, monkeypatch) -> None:
    path = _csv(tmp_path / "a.csv", "d,i", *(f"2024-02-28,{i}" for i in range(100)))
    calls = []
    count = infer._count
    monkeypatch.setattr(infer, "_count", lambda *given: calls.append(given) or count(*given))
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: read_files(path, [FIRST], date_column="d").rows.num_rows, range(12)))
    assert found == [100] * 12
    assert len(calls) == 4  # a sample and the whole, for the date column and for all columns


def test_large_files_are_read_by_one_thread_and_an_engine_that_is_closed_after_a_long_reading(tmp_path: Path) -> None:
    path, idle = str(tmp_path / "day.csv"), Idle(most=1)
    small, large = (Stamp(path, placed(path, TEMP), size, mtime_ns=1, identity=(1, 1)) for size in (10, 10**8))
    engine, alone = idle.take([small]), idle.take([large])
    assert alone.execute("SELECT current_setting('threads')").fetchall() == [(1,)]
    idle.give_back([large], alone, seconds=0.01)
    assert idle.take([large]) is alone
    idle.give_back([large], alone, seconds=10)
    idle.give_back([small], engine, seconds=10)
    assert idle.take([small]) is engine
    with pytest.raises(duckdb.ConnectionException):
        alone.execute("SELECT 1")
    engine.close()
