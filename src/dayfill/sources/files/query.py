"""The SQL of a scan: the rows of the wanted days, typed, with a mark on rows that have a value that does not fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from dayfill.domain.sql import name, text
from dayfill.sources.files.fit import from_value, misfit, not_whole, rounded, sql_type
from dayfill.sources.files.look import Look, scan_sql
from dayfill.sources.files.paths import Stamp
from dayfill.sources.files.plan import Plan

DAY, ROW = '"raw:day"', '"raw:row"'
SHOWN = 60


@dataclass(frozen=True, slots=True)
class Scan:
    """Files of one shape that are read in one go for these days.

    period: the first and last day that a path with the date stands for; a row of another day would never be read.
    """

    shape: Look
    files: tuple[Stamp, ...]
    days: tuple[date, ...]
    period: tuple[date, date] | None = None


def reading(plan: Plan, scan: Scan) -> str:
    """Columns ``c0``.. in the plan's order, then ``day`` and ``misfit``; rows of the wanted days or without a day."""
    raws = _raws(scan.shape)
    whole: list[str] = []
    values, marks = [], []
    known = {(column.source, column.data_type): name(column.target) for column in plan.day.inputs}
    for i, column in enumerate(plan.columns):
        raw, source_type = raws.get(column.source), scan.shape.types.get(column.source, "")
        if raw is None:
            values.append(f"CAST(NULL AS {sql_type(column.data_type)}) AS c{i}")
            continue
        value = known.get((column.source, column.data_type)) or _value(raw, source_type, column.data_type, whole)
        values.append(f"{value} AS c{i}")
        mark = misfit(raw, f"c{i}", source_type, column.data_type)
        marks += [mark] if mark else []
    marks += [not_whole(whole)] if whole else []
    inner = f"SELECT {', '.join([*raws.values(), DAY, *values])} FROM ({_rows(plan, scan)}) WHERE {_wanted(scan)}"
    names = [f"c{i}" for i in range(len(plan.columns))]
    return f"SELECT {', '.join(names)}, {DAY} AS day, {' OR '.join(marks) or 'false'} AS misfit FROM ({inner})"


def misfits(plan: Plan, scan: Scan, days: Sequence[date]) -> str:
    """Of one file, each of these days' first row with a misfit: row, day, column number, text, number of such rows."""
    raws, cases, texts = _raws(scan.shape), [], []
    for i, column in enumerate(plan.columns):
        raw, source_type = raws.get(column.source), scan.shape.types.get(column.source, "")
        if raw is None:
            continue
        mark = misfit(raw, from_value(raw, source_type, column.data_type), source_type, column.data_type)
        if mark:
            cases.append(f"WHEN {mark} THEN {i}")
            texts.append(f"WHEN {i} THEN left(CAST({raw} AS VARCHAR), {SHOWN + 1})")
    listed = ", ".join(_date(day) for day in days)
    rows = f"({_rows(plan, scan, numbered=True)}) WHERE {DAY} IN ({listed})"
    marked = f"SELECT *, CASE {' '.join(cases)} END AS place FROM {rows}"
    shown = f"CASE place {' '.join(texts)} END"
    return (
        f"SELECT {ROW}, {DAY}, place, {shown}, count(*) OVER (PARTITION BY {DAY}) FROM ({marked}) "
        f"WHERE place IS NOT NULL QUALIFY row_number() OVER (PARTITION BY {DAY} ORDER BY {ROW}) = 1"
    )


def undated(plan: Plan, scan: Scan) -> str:
    """The first row of one file that has no day: its row, then the text of each column that its day is made of."""
    raws = _raws(scan.shape)
    inputs = "".join(f", left(CAST({raws[column.source]} AS VARCHAR), {SHOWN + 1})" for column in plan.day.inputs)
    return f"SELECT {ROW}{inputs} FROM ({_rows(plan, scan, numbered=True)}) WHERE {DAY} IS NULL ORDER BY {ROW} LIMIT 1"


def _raws(shape: Look) -> dict[str, str]:
    return {column: f'"raw:{i}"' for i, (column, _) in enumerate(shape.columns)}


def _rows(plan: Plan, scan: Scan, numbered: bool = False) -> str:
    """All rows with their day. numbered: with their number in the file, from 1; for a single file."""
    rows = scan_sql(scan.shape, scan.files)
    if numbered:
        rows = f"SELECT row_number() OVER () AS {ROW}, * FROM ({rows})"
    if plan.day.sql is None:
        return f"SELECT *, {_date(scan.days[0])} AS {DAY} FROM ({rows})"
    raws, types = _raws(scan.shape), scan.shape.types
    inputs: list[str] = []
    whole: list[str] = []
    day = plan.day.sql
    for column in plan.day.inputs:
        raw, source_type = raws[column.source], types[column.source]
        value = _value(raw, source_type, column.data_type, whole)
        if source_type == "VARCHAR" and column.data_type == "DATE" and len(scan.days) == 1:
            # Nearly every row of such a file has this text; to take it to pieces is a third of the reading.
            value = f"CASE WHEN {raw} = {text(scan.days[0].isoformat())} THEN {_date(scan.days[0])} ELSE {value} END"
        inputs.append(f"{value} AS {name(column.target)}")
    if whole:
        day = f"CASE WHEN {not_whole(whole)} THEN NULL ELSE {day} END"
    if scan.period:
        first, last = scan.period
        day = f"CASE WHEN {day} BETWEEN {_date(first)} AND {_date(last)} THEN {day} END"
    return f"SELECT *, {day} AS {DAY} FROM (SELECT *, {', '.join(inputs)} FROM ({rows}))"


def _value(raw: str, source_type: str, data_type: str, whole: list[str]) -> str:
    """SQL of a raw column, typed. whole: grows by the columns that `not_whole` is to be asked about."""
    if source_type == "VARCHAR" and data_type == "INTEGER":
        whole.append(raw)
        return rounded(raw)
    return from_value(raw, source_type, data_type)


def _wanted(scan: Scan) -> str:
    days = sorted(scan.days)
    first, last = _date(days[0]), _date(days[-1])
    gaps = days[-1] - days[0] != timedelta(days=len(days) - 1)
    listed = ", ".join(_date(day) for day in days)
    if scan.shape.format == "parquet":  # plain comparisons let DuckDB leave out row groups by their statistics
        wanted = f"{DAY} BETWEEN {first} AND {last}" + (f" AND {DAY} IN ({listed})" if gaps else "")
        return f"({wanted}) OR {DAY} IS NULL"
    known = f"coalesce({DAY}, {first})"  # one look at the day: DuckDB works it out once per mention
    return f"{known} BETWEEN {first} AND {last}" + (f" AND {known} IN ({listed})" if gaps else "")


def _date(day: date) -> str:
    return f"DATE {text(day.isoformat())}"
