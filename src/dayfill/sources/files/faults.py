"""From a failed row to a sentence that names the file, the row, the column and the value."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from dayfill.errors import ConnectorError, Permanent
from dayfill.sources.files import query
from dayfill.sources.files.connection import Connection
from dayfill.sources.files.look import Look, lines
from dayfill.sources.files.paths import Stamp
from dayfill.sources.files.plan import Plan
from dayfill.sources.files.query import SHOWN, Scan


def misfits(con: Connection, plan: Plan, scan: Scan, days: Sequence[date]) -> dict[date, ConnectorError]:
    """The error of each of these days: its first row with a value that does not fit."""
    found: dict[date, ConnectorError] = {}
    for file in scan.files:
        one, path = replace(scan, files=(file,)), file.path
        for row, day, place, shown, many in con.sql(query.misfits(plan, one, days)).fetchall():
            column = plan.columns[place]
            more = f" ({many - 1} more rows of this day do not fit either.)" if many > 1 else ""
            what = f"column {column.source}: {_cut(shown)} is not {_article(column.data_type)} {column.data_type}."
            advice = f" Correct the value, or declare the column with a type that holds it.{more}"
            message = f"{path} row {line_of(file, scan.shape, row)}: {what}{advice}"
            found.setdefault(day, Permanent("DATA", message, day=day))
    return found


def undated(con: Connection, plan: Plan, scan: Scan) -> Permanent:
    """The error for a row whose day is not known: it could belong to any of the days."""
    for file in scan.files:
        rows = con.sql(query.undated(plan, replace(scan, files=(file,)))).fetchall()
        if rows:
            row, *values = rows[0]
            pairs = (f"{column.source} is {_cut(value)}" for column, value in zip(plan.day.inputs, values, strict=True))
            where = f"{file.path} row {line_of(file, scan.shape, row)}"
            what = f"no data date from {scan.period[0]} to {scan.period[1]}" if scan.period else "no data date"
            return Permanent("DATA", f"{where}: {what}: {', '.join(pairs)}. Correct the row or leave it out.")
    return Permanent("DATA", f"{scan.files[0].path} has a row without a data date.")


def line_of(file: Stamp, shape: Look, row: int) -> int:
    """The line, from 1, on which a text file's row starts; of Parquet the row itself."""
    if shape.format == "parquet":
        return row
    with lines(file) as read:
        if shape.format == "json":
            filled = (number for number, line in enumerate(read, start=1) if line.strip())
            return next((number for i, number in enumerate(filled, start=1) if i == row), row)
        reader, before = csv.reader(read, delimiter=shape.form.delimiter or ","), 0
        left = row + shape.form.header
        for cells in reader:
            left -= bool(cells) or len(shape.columns) == 1
            if left == 0:
                return before + 1
            before = reader.line_num
    return row


def _cut(shown: str | None) -> str:
    if shown is None:
        return "empty"
    return repr(shown) if len(shown) <= SHOWN else repr(shown[:SHOWN]) + "..."


def _article(data_type: str) -> str:
    return "an" if data_type == "INTEGER" else "a"
