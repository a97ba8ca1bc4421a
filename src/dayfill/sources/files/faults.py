"""From a failed scan to a sentence that names the file, the row, the column and the value."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from dayfill.errors import ConnectorError, Permanent, Transient
from dayfill.sources.files import query
from dayfill.sources.files.connection import Connection
from dayfill.sources.files.deadline import timed_out
from dayfill.sources.files.look import Look, broken_json_line, opened
from dayfill.sources.files.paths import Stamp, damaged_gzip
from dayfill.sources.files.plan import Plan
from dayfill.sources.files.query import SHOWN, Scan

_LINE = re.compile(r"CSV Error on Line: (\d+)")
_COUNTS = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")
_FILE = re.compile(r"^\s*file = (.+)$", re.MULTILINE)


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
            message = f"{path} row {line_of(path, scan.shape, row)}: {what}{advice}"
            found.setdefault(day, Permanent("DATA", message, day=day))
    return found


def undated(con: Connection, plan: Plan, scan: Scan) -> Permanent:
    """The error for a row whose day is not known: it could belong to any of the days."""
    for file in scan.files:
        rows = con.sql(query.undated(plan, replace(scan, files=(file,)))).fetchall()
        if rows:
            row, *values = rows[0]
            pairs = (f"{column.source} is {_cut(value)}" for column, value in zip(plan.day.inputs, values, strict=True))
            where = f"{file.path} row {line_of(file.path, scan.shape, row)}"
            what = f"no data date from {scan.period[0]} to {scan.period[1]}" if scan.period else "no data date"
            return Permanent("DATA", f"{where}: {what}: {', '.join(pairs)}. Correct the row or leave it out.")
    return Permanent("DATA", f"{scan.files[0].path} has a row without a data date.")


def line_of(path: str, shape: Look, row: int) -> int:
    """The line, from 1, on which a text file's row starts; of Parquet the row itself."""
    if shape.format == "parquet":
        return row
    with opened(path) as file:
        if shape.format == "json":
            filled = (number for number, line in enumerate(file, start=1) if line.strip())
            return next((number for i, number in enumerate(filled, start=1) if i == row), row)
        reader, before = csv.reader(file, delimiter=shape.form.delimiter or ","), 0
        left = row + shape.form.header
        for cells in reader:
            left -= bool(cells) or len(shape.columns) == 1
            if left == 0:
                return before + 1
            before = reader.line_num
    return row


def from_engine(error: Exception, files: Sequence[Stamp]) -> ConnectorError:
    """What an error of the reading engine means, in our words. files: those that were being read."""
    said = str(error)
    match = _FILE.search(said)
    guilty = match[1].strip() if match else next((file.opened for file in files if file.opened in said), "")
    path = next((file.path for file in files if file.opened == guilty), files[0].path)
    if "Interrupted" in said or "INTERRUPT" in said:
        return timed_out()
    if line := _LINE.search(said):
        return Permanent("DATA", f"{path} row {line[1]}: {_csv_fault(said)}")
    if "state machine reached an invalid state" in said:
        return Permanent("DATA", f"{path}: its lines do not all end alike, or its quotes do not match.")
    if "JSON" in said and (number := broken_json_line(path)):
        return Permanent("DATA", f"{path} row {number}: not a JSON object with keys.")
    if "GZIP" in said:
        return damaged_gzip(path)
    if "Out of Memory" in said:
        return Transient("SOURCE", f"{path} needs more memory to be read than there is now.")
    return Permanent(
        "SOURCE", f"{path} is damaged or not what its name says: {_first_line(said).replace(guilty, path)}"
    )


def _csv_fault(said: str) -> str:
    if counts := _COUNTS.search(said):
        return f"{counts[2]} columns where the file has {counts[1]}; check the delimiter and the quotes."
    if "unterminated quote" in said:
        return "a quote is opened and not closed as it must be."
    if "unicode" in said:
        return "not UTF-8; save the file as UTF-8."
    return _first_line(re.sub(r"^.*?Original Line:[^\n]*\n", "", said, flags=re.DOTALL))


def _first_line(said: str) -> str:
    return re.sub(r"^[A-Z][\w ]* Error: ", "", said.strip()).partition("\n")[0][:200]


def _cut(shown: str | None) -> str:
    if shown is None:
        return "empty"
    return repr(shown) if len(shown) <= SHOWN else repr(shown[:SHOWN]) + "..."


def _article(data_type: str) -> str:
    return "an" if data_type == "INTEGER" else "a"
