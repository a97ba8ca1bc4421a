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

DAY, ROW, FILE = '"raw:day"', '"raw:row"', '"raw:file"'
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


def reading(plan: Plan, scans: Sequence[Scan]) -> str:
    """Columns ``c0``.. in the plan's order, then ``day`` and ``misfit``; rows of the wanted days or without a day.

    scans: of one shape, read one after the other.
    """
    shape = scans[0].shape
    raws = _raws(shape)
    whole: list[str] = []
    values, marks = [], []
    known = {(column.source, column.data_type): name(column.target) for column in plan.day.inputs}
    for i, column in enumerate(plan.columns):
        raw, source_type = raws.get(column.source), shape.types.get(column.source, "")
        if raw is None:
            values.append(f"CAST(NULL AS {sql_type(column.data_type)}) AS c{i}")
            continue
        value = known.get((column.source, column.data_type)) or _value(raw, source_type, column.data_type, whole)
        values.append(f"{value} AS c{i}")
        mark = misfit(raw, f"c{i}", source_type, column.data_type)
        marks += [mark] if mark else []
    marks += [not_whole(whole)] if whole else []
    inner = f"SELECT {', '.join([*raws.values(), DAY, *values])} FROM ({_rows(plan, scans)}) WHERE {_wanted(scans)}"
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
    rows = f"({_rows(plan, [scan], numbered=True)}) WHERE {DAY} IN ({listed})"
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
    return (
        f"SELECT {ROW}{inputs} FROM ({_rows(plan, [scan], numbered=True)}) WHERE {DAY} IS NULL ORDER BY {ROW} LIMIT 1"
    )


def _raws(shape: Look) -> dict[str, str]:
    return {column: f'"raw:{i}"' for i, (column, _) in enumerate(shape.columns)}


def _rows(plan: Plan, scans: Sequence[Scan], numbered: bool = False) -> str:
    """All rows with their day. numbered: with their number in the file, from 1; for a single file."""
    shape = scans[0].shape
    rows = scan_sql(shape, [file for scan in scans for file in scan.files], named=len(scans) > 1)
    if numbered:
        rows = f"SELECT row_number() OVER () AS {ROW}, * FROM ({rows})"
    if plan.day.sql is None:
        return f"SELECT *, {_of_file(scans, [scan.days[0] for scan in scans])} AS {DAY} FROM ({rows})"
    raws, types = _raws(shape), shape.types
    inputs: list[str] = []
    whole: list[str] = []
    day = plan.day.sql
    for column in plan.day.inputs:
        raw, source_type = raws[column.source], types[column.source]
        value = _value(raw, source_type, column.data_type, whole)
        if source_type == "VARCHAR" and column.data_type == "DATE" and len(scans) == len(scans[0].days) == 1:
            # Nearly every row of such a file has this text; to take it to pieces is a third of the reading.
            (known,) = scans[0].days
            value = f"CASE WHEN {raw} = {text(known.isoformat())} THEN {_date(known)} ELSE {value} END"
        inputs.append(f"{value} AS {name(column.target)}")
    if whole:
        day = f"CASE WHEN {not_whole(whole)} THEN NULL ELSE {day} END"
    periods = [scan.period for scan in scans if scan.period]
    if periods:
        first, last = (_of_file(scans, ends) for ends in zip(*periods, strict=True))
        day = f"CASE WHEN {day} BETWEEN {first} AND {last} THEN {day} END"
    return f"SELECT *, {day} AS {DAY} FROM (SELECT *, {', '.join(inputs)} FROM ({rows}))"


def _of_file(scans: Sequence[Scan], dates: Sequence[date]) -> str:
    """SQL of the date of the scan that a row is from. dates: one for each scan."""
    if len(scans) == 1:
        return _date(dates[0])
    pairs = ((file, day) for scan, day in zip(scans, dates, strict=True) for file in scan.files)
    return f"CASE {FILE} {' '.join(f'WHEN {text(file.opened)} THEN {_date(day)}' for file, day in pairs)} END"


def _value(raw: str, source_type: str, data_type: str, whole: list[str]) -> str:
    """SQL of a raw column, typed. whole: grows by the columns that `not_whole` is to be asked about."""
    if source_type == "VARCHAR" and data_type == "INTEGER":
        whole.append(raw)
        return rounded(raw)
    return from_value(raw, source_type, data_type)


def _wanted(scans: Sequence[Scan]) -> str:
    days = sorted({day for scan in scans for day in scan.days})
    first, last = _date(days[0]), _date(days[-1])
    gaps = days[-1] - days[0] != timedelta(days=len(days) - 1)
    listed = ", ".join(_date(day) for day in days)
    if scans[0].shape.format == "parquet":  # plain comparisons let DuckDB leave out row groups by their statistics
        wanted = f"{DAY} BETWEEN {first} AND {last}" + (f" AND {DAY} IN ({listed})" if gaps else "")
        return f"({wanted}) OR {DAY} IS NULL"
    known = f"coalesce({DAY}, {first})"  # one look at the day: DuckDB works it out once per mention
    return f"{known} BETWEEN {first} AND {last}" + (f" AND {known} IN ({listed})" if gaps else "")


def _date(day: date) -> str:
    return f"DATE {text(day.isoformat())}"
