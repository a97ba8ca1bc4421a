"""A date expression is one scalar expression over the columns, and reaches nothing else."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from dayfill.errors import Permanent
from dayfill.sources.files.connection import connect

DAY = date(2024, 2, 29)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.csv"
    path.write_text("year,month,day,s,ts,Odd name\n2024,2,29,29.02.2024,2024-02-28T23:30:00Z,20240229\n")
    return path


@pytest.mark.parametrize(
    "expression",
    [
        "make_date(year, month, day)",
        'make_date("year", month, day) -- the flight\'s day',
        "strptime(s, '%d.%m.%Y')",
        "CAST(strptime(s, '%d.%m.%Y') AS DATE)",
        "ts AT TIME ZONE 'Europe/Helsinki'",
        "date_trunc('day', ts + INTERVAL 1 DAY)",
        "strptime(CAST(\"Odd name\" AS VARCHAR), '%Y%m%d')::DATE",
        "CASE WHEN month BETWEEN 1 AND 12 AND day IN (29, 30) THEN make_date(year, month, day) ELSE NULL END",
        "(substr(s, 7) || '-' || lpad(month::VARCHAR, 2, '0') || '-' || left(s, 2))::DATE",
        "coalesce(try_strptime(s, '%Y'), try_strptime(s, '%d.%m.%Y'))",
        "make_date(YEAR, Month, day)",
        r"CAST(regexp_replace(s, '^(..).(..).(....)$', '\3-\2-\1') AS DATE)",
        "strptime(replace(replace(s, '.', '-'), '-2024', '-24'), '%d-%m-%y')",
    ],
)
def test_expressions_that_people_write(expression, path, read_files) -> None:
    got = read_files(path, [DAY], {"day": "INTEGER"}, date_expression=expression)
    assert got.rows.to_pylist() == [{"day": 29, "data_date": DAY}], got.failed


@pytest.mark.parametrize(
    "expression",
    [
        "(SELECT max(d) FROM read_csv('/etc/passwd') t(d))",
        "make_date(year, month, day)) FROM read_text('/etc/passwd') --",
        "make_date(year, month, day) AS x, (SELECT 1",
        "1); DROP TABLE t; SELECT (1",
        "year); ATTACH '/tmp/x.db'; SELECT (year",
        "getenv('HOME')::DATE",
        "current_setting('secret_directory')::DATE",
        "getvariable('x')",
        "main.make_date(year, month, day)",
        "read_text('/etc/passwd')",
        "EXISTS (SELECT 1)",
        "year IN (SELECT 1)",
        "[x FOR x IN (SELECT year)]",
        "list_transform([year], x -> x)",
        "COLUMNS(*)",
        "*",
        "max(year)",
        "row_number() OVER ()",
        "count(*) FILTER (year > 1)",
        "?",
        "$1",
        "#1",
        "a.year",
        "year COLLATE nocase",
        "current_date",
        "today()",
        "now()",
        "random()",
        "date '2024-02-29'",
        "make_date(2024, 2, 29)",
        "year::mytype",
        "year::STRUCT(a INTEGER)",
        "repeat(s, 1000000000)::DATE",
        "error('x')",
        "query('select 1')",
        "nosuch",
        "filename",
        "make_date(year, month",
        "",
        "year",
        "s",
        "make_date(s, s, s)",
        "year = 2024",
        "x" * 2_001,
    ],
)
def test_everything_else_is_refused_before_a_row_is_read(expression, path, read_files) -> None:
    with pytest.raises(Permanent) as caught:
        read_files(path, [DAY], {"day": "INTEGER"}, date_expression=expression)
    assert caught.value.cause in ("CONFIG", "SCHEMA")


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("(SELECT make_date(year, month, day))", "subquery is not allowed"),
        ("max(make_date(year, month, day)) OVER ()", "window is not allowed"),
        ("make_date(year, month, day)) FROM (SELECT 1", "must be one expression"),
        ("make_date(year, month, day)), (1", "must be one expression"),
        ("make_date(year, month, day)) LIMIT (1", "must be one expression"),
        ("make_date(year, month, day)) UNION ALL SELECT (1", "must be one expression"),
        ("getenv(s)::DATE", "the function getenv is not allowed"),
        ("strptime(s, '%d.%m.%Y')::JSON", "the type JSON is not allowed"),
        ("make_date(t.year, month, day)", "t.year is not a column"),
        ("strptime(lpad(s, 2000000000, 'x'), '%Y')", "the length in lpad must be a number up to 100"),
        ("strptime(lpad(s, 101, 'x'), '%Y')", "the length in lpad"),
        ("strptime(lpad(s, year::INT * year::INT, 'x'), '%Y')", "the length in lpad"),
        (
            "strptime(replace(replace(replace(s, '2', '0000000000'), '0', s), '0', s), '%Y')",
            "replace takes plain texts",
        ),
        (f"strptime(replace(replace(s, '2', '{'0' * 40}'), '0', '{'0' * 40}'), '%Y')", "could become too long"),
        (
            r"strptime(regexp_replace(regexp_replace(s, '.', '" + r"\0" * 20 + r"'), '.', '" + r"\0" * 20 + "'), '%Y')",
            "too long",
        ),
        ("strptime(replace(s || s || s, '2', '" + "0" * 400 + "'), '%Y')", "could become too long"),
    ],
)
def test_the_refusal_comes_from_the_tree_not_from_luck(expression, said, path, read_files) -> None:
    with pytest.raises(Permanent, match=said):
        read_files(path, [DAY], {"day": "INTEGER"}, date_expression=expression)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM '/etc/passwd'",
        "COPY (SELECT 1) TO '{dir}/out.csv'",
        "COPY (SELECT 1) TO '{dir}/a.csv/../out.csv'",
        "ATTACH '{dir}/x.db'",
        "EXPORT DATABASE '{dir}/x'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET allowed_paths = ['/etc/passwd']",
        "RESET lock_configuration",
        "SELECT * FROM sniff_csv('/etc/passwd')",
        "SELECT * FROM parquet_metadata('/etc/passwd')",
        "CREATE SECRET s (TYPE s3)",
        "SELECT * FROM path",
    ],
)
def test_the_engine_itself_reaches_only_the_files_of_the_reading(sql, path) -> None:
    con = connect([str(path)])
    with pytest.raises(duckdb.Error):
        con.execute(sql.replace("{dir}", str(path.parent)))
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_name_with_quotes_is_only_a_name(tmp_path, read_files) -> None:
    path = tmp_path / 'it\'s "odd"; --.csv'
    path.write_text('d,"a\'b""c"\n2024-02-29,1\n')
    assert read_files(path, [DAY], date_column="d").rows.to_pylist() == [{"d": DAY, "a_b_c": 1}]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "which day a row belongs to"),
        ({"date_column": "year", "date_expression": "year"}, "not both"),
        ({"date_column": "ts", "format": "xml"}, "must be one of auto, csv, json, parquet"),
        ({"date_column": "ts", "delimiter": "::"}, "must be one character"),
        ({"date_column": "ts", "header": "yes"}, "header must be true or false"),
        ({"date_column": 5}, "date_column must be a text"),
        ({"date_column": "ts", "path": ""}, "path is missing"),
        ({"date_column": "ts", "path": "/data/x.dat"}, "outside the folders"),
        ({"date_column": "ts", "zone": "Mars/Base"}, "no time zone 'Mars/Base'"),
    ],
)
def test_settings_that_cannot_work(settings, said, path, read_files) -> None:
    given = {"path": path, **settings}
    with pytest.raises(Permanent, match=f"(?i){said}"):
        read_files(given.pop("path"), [DAY], **given)
