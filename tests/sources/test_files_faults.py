"""What is said, and which days fail, when a file is not as it should be."""

from __future__ import annotations

import gzip
import os
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dayfill import sources
from dayfill.domain.transfer import Table
from dayfill.errors import Permanent, Transient
from dayfill.sources import SourceConfig
from dayfill.sources.files import reading
from reaching import TEMP

FIRST, SECOND, THIRD = date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)
CORRECT = "Correct the name in the transfer, or the columns of the file."
TYPES = {"d": "DATE", "s": "STRING", "i": "INTEGER"}


def _write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def _message(got, day: date) -> str:
    error = got.failed[day]
    assert isinstance(error, Permanent) and not error.fatal
    return error.message


@pytest.mark.parametrize("packed", [False, True])
def test_a_value_that_does_not_fit_fails_its_day_only(packed, tmp_path, read_files) -> None:
    text = 'd,s,i\n2024-02-28,"two\nlines",1\n\n2024-02-29,a,abc\n2024-02-29,b,2\n2024-02-29,c,1.75\n2024-03-01,c,3\n'
    path = tmp_path / ("a.csv.gz" if packed else "a.csv")
    _write(path, gzip.compress(text.encode()) if packed else text)
    got = read_files(path, [FIRST, SECOND, THIRD], TYPES, date_column="d")
    assert got.complete
    assert (got.of("i", FIRST), got.of("i", THIRD)) == ([1], [3])
    assert list(got.failed) == [SECOND]
    assert got.failed[SECOND].cause == "DATA" and got.failed[SECOND].day == SECOND
    assert _message(got, SECOND).startswith(f"{path} row 5: column i: 'abc' is not an INTEGER.")
    assert "1 more row" in _message(got, SECOND)


def test_a_wrong_value_outside_of_the_wanted_days_does_not_matter(tmp_path, read_files) -> None:
    path = _write(tmp_path / "a.csv", "d,s,i\n2024-02-28,a,1\n2024-02-29,a,abc\n")
    got = read_files(path, [FIRST], TYPES, date_column="d")
    assert got.of("i") == [1] and not got.failed


def test_json_and_parquet_name_line_and_row(tmp_path, read_files) -> None:
    path = _write(tmp_path / "a.jsonl", '{"d":"2024-02-28","i":1}\n\n{"d":"2024-02-29","i":1.75}\n')
    got = read_files(path, [FIRST, SECOND], {"d": "DATE", "i": "INTEGER"}, date_column="d")
    assert _message(got, SECOND).startswith(f"{path} row 3: column i: '1.75' is not an INTEGER.")
    assert got.of("i") == [1]
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"d": [FIRST, SECOND], "i": [1.0, 1.75]}), path)
    got = read_files(path, [FIRST, SECOND], {"d": "DATE", "i": "INTEGER"}, date_column="d")
    assert _message(got, SECOND).startswith(f"{path} row 2: column i: '1.75' is not an INTEGER.")
    assert got.of("i") == [1]


def test_the_file_of_a_pattern_is_named_and_a_long_value_is_cut(tmp_path, read_files) -> None:
    _write(tmp_path / "a.csv", "d,s,i\n2024-02-28,a,1\n")
    bad = _write(tmp_path / "b.csv", f"d,s,i\n2024-02-29,a,{'x' * 500}\n")
    got = read_files(tmp_path / "*.csv", [FIRST, SECOND], TYPES, date_column="d")
    assert _message(got, SECOND).startswith(f"{bad} row 2: column i: '{'x' * 60}'... is not an INTEGER.")


def test_strays_fail_their_day_in_an_inferred_column_too(tmp_path, read_files) -> None:
    lines = "".join(f"2024-02-28,{i}\n" for i in range(20))
    path = _write(tmp_path / "a.csv", f"d,i\n{lines}2024-02-29,abc\n")
    got = read_files(path, [FIRST, SECOND], date_column="d")
    assert got.rows.schema.field("i").type == pa.int64()
    assert _message(got, SECOND).startswith(f"{path} row 22: column i: 'abc' is not an INTEGER.")
    assert len(got.of("i", FIRST)) == 20


@pytest.mark.parametrize("cell", ["", "soon", "2024-02-30", "2024-02-28 11:00"])
def test_a_row_without_a_date_fails_every_day(cell, tmp_path, read_files) -> None:
    path = _write(tmp_path / "a.csv", f"d,s,i\n2024-02-28,a,1\n{cell},b,2\n2024-02-29,c,3\n")
    got = read_files(path, [FIRST, SECOND], TYPES, date_column="d")
    shown = repr(cell) if cell else "empty"
    for day in (FIRST, SECOND):
        assert _message(got, day) == f"{path} row 3: no data date: d is {shown}. Correct the row or leave it out."


def test_a_row_for_which_the_expression_gives_no_date_fails_every_day(tmp_path, read_files) -> None:
    path = _write(tmp_path / "a.csv", "y,m,d\n2024,2,28\n2024,13,1\n")
    got = read_files(path, [FIRST], date_expression="make_date(y, m, d)")
    assert f"{path} row 3: no data date: y is '2024', m is '13', d is '1'." in _message(got, FIRST)
    pq.write_table(pa.table({"d": [FIRST, None]}), tmp_path / "a.parquet")
    assert "row 2: no data date: d is empty" in _message(
        read_files(tmp_path / "a.parquet", [FIRST], date_column="d"), FIRST
    )


def test_a_part_of_a_date_is_not_rounded(tmp_path, read_files) -> None:
    path = _write(tmp_path / "a.csv", "y,m,d\n2024,2,28\n2024,2,27.75\n")
    got = read_files(path, [FIRST], dict.fromkeys("ymd", "INTEGER"), date_expression="make_date(y, m, d)")
    assert "row 3: no data date: y is '2024', m is '2', d is '27.75'." in _message(got, FIRST)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("2024-02-29,a,1,2", "row 3: 4 columns where the file has 3"),
        ("2024-02-29,a", "row 3: 2 columns where the file has 3"),
        ('2024-02-29,"a,1', "row 3: a quote is opened and not closed"),
        (b"2024-02-29,\xff\xfe,1", "row 3: not UTF-8"),
        ("2024-02-29,a,1\r", "lines do not all end alike"),
    ],
)
def test_a_broken_csv_line_fails_every_day_of_its_file(line, said, tmp_path, read_files) -> None:
    line = line if isinstance(line, bytes) else line.encode()
    text = b"d,s,i\n2024-02-28,a,1\n" + line + b"\n2024-03-01,b,2\n"
    path = _write(tmp_path / "a.csv", text)
    got = read_files(path, [FIRST, SECOND], TYPES, date_column="d")
    for day in (FIRST, SECOND):
        assert _message(got, day).startswith(str(path)) and said in _message(got, day)


def test_where_the_path_has_the_date_a_broken_file_fails_its_own_day(tmp_path, read_files) -> None:
    for day in (FIRST, SECOND, THIRD):
        _write(tmp_path / f"{day}.csv", "s,i\na,1\n" + ("b,2,3\n" if day == SECOND else ""))
    got = read_files(tmp_path / "{date}.csv", [FIRST, SECOND, THIRD], {"s": "STRING", "i": "INTEGER"})
    assert list(got.failed) == [SECOND] and "row 3: 3 columns" in _message(got, SECOND)
    assert (got.of("i", FIRST), got.of("i", THIRD)) == ([1], [1])
    _write(tmp_path / f"{SECOND}.csv", "s\na\n")
    got = read_files(tmp_path / "{date}.csv", [FIRST, SECOND], {"s": "STRING", "i": "INTEGER"})
    assert _message(got, SECOND) == f"{tmp_path}/{SECOND}.csv has no column i; its columns are s. {CORRECT}"
    assert got.of("i") == [1]


@pytest.mark.parametrize("template", ["{date}.csv", "{date:%Y-%m}.csv"])
def test_a_row_of_a_day_that_its_file_does_not_stand_for_would_never_be_read(template, tmp_path, read_files) -> None:
    for name in ("2024-02", "2024-02-28", "2024-02-29", "summary"):
        _write(tmp_path / f"{name}.csv", f"d,i\n{'2024-02-29' if name.endswith('9') else '2024-02-28'},1\n")
    path = _write(
        tmp_path / ("2024-02-28.csv" if "m" not in template else "2024-02.csv"), "d,i\n2024-02-28,1\n2024-03-01,2\n"
    )
    got = read_files(tmp_path / template, [FIRST], date_column="d")
    assert _message(got, FIRST).startswith(f"{path} row 3: no data date from 2024-02-")
    _write(path, "d,i\n2024-02-28,1\n")
    got = read_files(tmp_path / template, [FIRST], date_column="d")
    assert got.of("i") == [1] and not got.failed


@pytest.mark.parametrize("line", ['{"d": "2024-02-28"', "[1, 2]", "5", '{"d": "2024-02-28"} {"d": "2024-02-28"}'])
def test_a_broken_json_line_is_named(line, tmp_path, read_files) -> None:
    path = _write(tmp_path / "a.jsonl", '{"d":"2024-02-28","i":1}\n\n' + line + '\n{"d":"2024-02-28","i":1}\n')
    types = {"d": "DATE", "i": "INTEGER"}
    try:
        said = _message(read_files(path, [FIRST], types, date_column="d"), FIRST)
    except Permanent as error:
        said = error.message
    assert said == f"{path} row 3: not a JSON object with keys."


@pytest.mark.parametrize("name", ["a.csv.gz", "a.jsonl.gz", "a.parquet", "a.parquet.gz"])
@pytest.mark.parametrize("declared", [False, True])
def test_half_a_file_is_never_half_a_day(name, declared, tmp_path, read_files) -> None:
    rows = [{"d": FIRST if i < 40_000 else SECOND, "i": i * 7919 % 1_000_003} for i in range(80_000)]
    path = tmp_path / name
    if "parquet" in name:
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif "csv" in name:
        _write(path, "d,i\n" + "".join(f"{row['d']},{row['i']}\n" for row in rows))
    else:
        _write(path, "".join(f'{{"d":"{row["d"]}","i":{row["i"]}}}\n' for row in rows))
    data = gzip.compress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
    _write(path, data[: len(data) * 9 // 10])
    types = {"d": "DATE", "i": "INTEGER"} if declared else None
    try:
        got = read_files(path, [FIRST, SECOND], types, date_column="d")
    except Permanent as error:
        said = {error.message}
    else:
        said = {_message(got, day) for day in (FIRST, SECOND)}
    assert len(said) == 1
    assert said.pop().startswith(f"{path} is ")


@pytest.mark.parametrize("pattern", ["no.csv", "*.csv", "no/a.csv", "{date}/*.csv"])
def test_a_file_that_is_not_there(pattern, tmp_path, read_files) -> None:
    try:
        error = read_files(tmp_path / pattern, [FIRST], {"i": "INTEGER"}).failed[FIRST] if "{" in pattern else None
        if error is None:
            read_files(tmp_path / pattern, [FIRST], date_column="d")
    except Permanent as raised:
        error = raised
    assert isinstance(error, Permanent) and error.cause == "SOURCE"
    assert str(tmp_path / pattern).replace("{date}", str(FIRST)) in error.message


def test_a_directory_is_not_a_file(tmp_path, read_files) -> None:
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(Permanent, match=r"a\.csv is not a file.*by a pattern such as \S+/a\.csv/\*\.csv"):
        read_files(tmp_path / "a.csv", [FIRST], date_column="d")


def test_a_file_that_may_not_be_read(tmp_path, read_files, monkeypatch) -> None:
    path = _write(tmp_path / "a.csv", "d\n2024-02-28\n")

    def refuse(*_args: object, **_named: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("dayfill.sources.files.look.open", refuse, raising=False)  # root may read everything
    with pytest.raises(Permanent, match=r"may not read .*a\.csv: permission denied"):
        read_files(path, [FIRST], date_column="d")


@pytest.mark.parametrize("change", ["append", "replace", "remove"])
def test_a_file_that_changes_while_it_is_read(change, tmp_path, read_files) -> None:
    path = _write(tmp_path / "a.csv", "d,i\n2024-02-28,1\n")
    read = sources.get("FILES").read_days(
        SourceConfig({"path": str(path), "date_column": "d"}, reach=TEMP), Table("t"), [FIRST], 60
    )
    if change == "remove":
        path.unlink()
    elif change == "append":
        with path.open("a") as file:
            file.write("2024-02-28,2\n")
    else:
        os.replace(_write(tmp_path / "b", "d,i\n2024-02-28,2\n"), path)
    with pytest.raises(Transient, match=r"a\.csv changed while it was read") as caught:
        read.reader.read_all()
    assert caught.value.cause == "SOURCE" and not read.complete


def test_a_passed_deadline_ends_the_reading(tmp_path) -> None:
    path = _write(tmp_path / "a.csv", "d,i\n2024-02-28,1\n")
    config = SourceConfig({"path": str(path), "date_column": "d"}, reach=TEMP)
    with pytest.raises(Transient) as caught:
        sources.get("FILES").read_days(config, Table("t"), [FIRST], 0).reader.read_all()
    assert caught.value.cause == "TIMEOUT"


def test_the_deadline_interrupts_a_scan_that_gives_no_rows(tmp_path, monkeypatch) -> None:
    path = _write(tmp_path / "a.csv", "d,i\n2024-02-28,1\n")
    files, config = sources.get("FILES"), SourceConfig({"path": str(path), "date_column": "d"}, reach=TEMP)
    files.schema(config, Table("t"))  # looks at the file, so that the deadline is left to the scan
    read = files.read_days(config, Table("t"), [FIRST], 1)
    endless = "SELECT sum(a.range * b.range) AS c0 FROM range(100_000_000) a, range(1_000_000) b"
    monkeypatch.setattr(reading.query, "reading", lambda _plan, _scan: endless)
    with pytest.raises(Transient, match="deadline"):
        read.reader.read_all()
    assert not read.complete
