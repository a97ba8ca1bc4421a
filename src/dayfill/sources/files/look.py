"""What columns a file has, found out once per state of the file."""

from __future__ import annotations

import csv
import gzip
import json
import os
import re
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from threading import Lock
from typing import TextIO, TypeVar

import duckdb

from dayfill.domain.sql import name, struct, text, texts
from dayfill.errors import Permanent, misconfigured
from dayfill.sources.files.connection import Connection
from dayfill.sources.files.options import Options, TextForm
from dayfill.sources.files.paths import Stamp, damaged_gzip, unreadable

_ENDINGS = {
    "csv": ("csv", "tsv", "txt"),
    "json": ("json", "jsonl", "ndjson"),
    "parquet": ("parquet", "pq"),
}
_REMEMBERED = 10_000
_MOST_COLUMNS, _MOST_ROW_GROUPS = 10_000, 100_000
_LONGEST_LINE, _LONGEST_FOOTER = 2_000_000, 1 << 26
"""A line of text in characters, as long as the engine reads one; the end of a Parquet file in bytes."""
T = TypeVar("T")
csv.field_size_limit(_LONGEST_LINE)


class Memory:
    """The last answers about files, by file state: a changed file has a new key, so an answer is never stale."""

    def __init__(self, size: int) -> None:
        self._answers: OrderedDict[object, object] = OrderedDict()
        self._turns: dict[object, Lock] = {}
        self._lock, self._size = Lock(), size

    def get(self, key: object, find: Callable[[], T]) -> T:
        """The answer for a key, found now if it is not known; slices that start together wait for one of them."""
        with self._lock:
            turn = self._turns.setdefault(key, Lock())
        with turn:
            with self._lock:
                if key in self._answers:
                    self._answers.move_to_end(key)
                    self._turns.pop(key, None)
                    return self._answers[key]  # type: ignore[return-value]
            answer = find()
            with self._lock:
                self._answers[key] = answer
                self._turns.pop(key, None)
                while len(self._answers) > self._size:
                    self._answers.popitem(last=False)
        return answer


_memory = Memory(_REMEMBERED)


@dataclass(frozen=True, slots=True)
class Look:
    """The shape of a file. columns: name -> DuckDB type; VARCHAR for every column of CSV and JSON. is_packed: gzip."""

    format: str
    columns: tuple[tuple[str, str], ...]
    form: TextForm
    is_packed: bool = False

    @property
    def types(self) -> dict[str, str]:
        return dict(self.columns)


def format_of(path: str, options: Options) -> str:
    """csv, json or parquet, by the setting or by the file's ending."""
    if options.format != "auto":
        return options.format
    ending = re.sub(r"\.gz$", "", path.lower()).rpartition(".")[2]
    for kind, endings in _ENDINGS.items():
        if ending in endings:
            return kind
    raise misconfigured(f"The format of {path} does not show in its name; set format to csv, json or parquet.")


def look(con: Connection, stamp: Stamp, options: Options) -> Look:
    """The columns of one file.

    Raises:
        Permanent: it cannot be read, or has no columns.
        duckdb.Error: it is damaged.
    """
    kind = format_of(stamp.path, options)
    if kind == "csv":
        delimiter = options.text.delimiter or ("\t" if ".tsv" in os.path.basename(stamp.path).lower() else ",")
        form = TextForm(delimiter, options.text.header, options.text.null_values)
        return _memory.get((stamp, form), lambda: Look(kind, _csv_columns(stamp, form), form, is_packed(stamp)))
    find = _json_columns if kind == "json" else _parquet_columns
    return _memory.get((stamp, kind), lambda: Look(kind, find(con, stamp), TextForm(), is_packed(stamp)))


@contextmanager
def lines(stamp: Stamp) -> Iterator[Iterator[str]]:
    """The lines of a text file, unpacked if its name ends in .gz."""
    path = stamp.path
    try:
        opener = gzip.open if is_packed(stamp) else open
        with opener(stamp.opened, "rt", encoding="utf-8-sig", errors="replace", newline="") as file:
            yield _bounded(path, file)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise damaged_gzip(path) from error
    except csv.Error:
        raise Permanent("DATA", f"{path} has a quote that is not closed for {_LONGEST_LINE:,} characters.") from None
    except OSError as error:
        raise unreadable(path, error) from error


def _bounded(path: str, file: TextIO) -> Iterator[str]:
    """A file of holes, or a packed one that unfolds without end, may be one line that no memory holds."""
    for number in count(1):
        line = file.readline(_LONGEST_LINE + 1)
        if len(line) > _LONGEST_LINE:
            raise _endless(path, number)
        if not line:
            return
        yield line


def _endless(path: str, number: int) -> Permanent:
    return Permanent("DATA", f"{path} row {number}: longer than {_LONGEST_LINE:,} characters, so it is not a row.")


def is_packed(stamp: Stamp) -> bool:
    return stamp.path.lower().endswith(".gz")


def _csv_columns(stamp: Stamp, form: TextForm) -> tuple[tuple[str, str], ...]:
    path = stamp.path
    with lines(stamp) as read:
        first = next((row for row in csv.reader(read, delimiter=form.delimiter or ",") if row), None)
    if first is None:
        raise Permanent("SCHEMA", f"{path} is empty: not even a line of column names. Write it anew.")
    names = [cell.strip() if form.header else "" for cell in first]
    names = [cell or f"column{i}" for i, cell in enumerate(names)]
    twice = sorted({cell for cell in names if names.count(cell) > 1})
    if twice:
        raise Permanent("SCHEMA", f"{path} has more than one column named {', '.join(twice)}: rename one.")
    return _typed(stamp, [(cell, "VARCHAR") for cell in names])


def _typed(stamp: Stamp, columns: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Names with their types, of not too many columns."""
    if len(columns) > _MOST_COLUMNS:
        raise Permanent("SCHEMA", f"{stamp.path} has {len(columns):,} columns; at most {_MOST_COLUMNS:,} can be read.")
    return tuple(columns)


def _json_columns(con: Connection, stamp: Stamp) -> tuple[tuple[str, str], ...]:
    """All keys of the top level, wherever in the file they first appear; none for a file without lines."""
    how = f"format = 'newline_delimited', records = 'true', maximum_depth = 1, {_compression(is_packed(stamp))}"
    scan = f"read_json({text(stamp.opened)}, {how}, "
    try:
        rows = con.sql(f"DESCRIBE SELECT * FROM {scan} sample_size = -1, map_inference_threshold = -1)").fetchall()
    except duckdb.BinderException:  # no line at all, or one that is not an object with keys
        line = broken_json_line(stamp)
        if line is None:
            return ()
        raise Permanent("DATA", f"{stamp.path} row {line}: not a JSON object with keys.") from None
    return _typed(stamp, [(str(row[0]), "VARCHAR") for row in rows])


def broken_json_line(stamp: Stamp) -> int | None:
    """The number of the first line that is not a JSON object with keys, from 1; None if there is no such line."""
    with lines(stamp) as read:
        for number, line in enumerate(read, start=1):
            if line.strip() and not _is_object(line):
                return number
    return None


def _is_object(line: str) -> bool:
    try:
        value = json.loads(line)
    except ValueError:
        return False
    return isinstance(value, dict) and bool(value)


def _parquet_columns(con: Connection, stamp: Stamp) -> tuple[tuple[str, str], ...]:
    _check_footer(stamp)
    ((groups,),) = con.sql(f"SELECT num_row_groups FROM parquet_file_metadata({text(stamp.opened)})").fetchall()
    if groups > _MOST_ROW_GROUPS:
        raise Permanent("DATA", f"{stamp.path} has {groups:,} row groups; at most {_MOST_ROW_GROUPS:,} can be read.")
    rows = con.sql(f"DESCRIBE SELECT * FROM read_parquet({text(stamp.opened)})").fetchall()
    return _typed(stamp, [(str(row[0]), str(row[1])) for row in rows])


def _check_footer(stamp: Stamp) -> None:
    """The engine takes the whole footer into memory, as long as the file itself says that it is."""
    with open(stamp.opened, "rb") as file:
        file.seek(-min(8, file.seek(0, os.SEEK_END)), os.SEEK_END)
        end = file.read(8)
    if end[4:] == b"PAR1" and (length := int.from_bytes(end[:4], "little")) > _LONGEST_FOOTER:
        raise Permanent("DATA", f"{stamp.path} states a footer of {length:,} bytes: it is damaged, or not Parquet.")


def _compression(is_packed: bool) -> str:
    """Said and not guessed, since the engine does not see the names."""
    return "compression = 'gzip'" if is_packed else "compression = 'none'"


def scan_sql(shape: Look, files: Sequence[Stamp], *, named: bool = False) -> str:
    """SQL of a scan of files of one shape; the columns come as ``raw:0``, ``raw:1``, ...

    named: ``raw:file`` comes with them, as which the file was opened.
    """
    raws = {column: f"raw:{i}" for i, (column, _) in enumerate(shape.columns)}
    listed = texts(file.opened for file in files) + (", filename = 'raw:file'" if named else "")
    if shape.format == "csv":
        return f"SELECT * FROM read_csv({listed}, {_csv_options(shape.form, raws)}, {_compression(shape.is_packed)})"
    columns = ", ".join(f"{name(column)} AS {name(raw)}" for column, raw in raws.items())
    columns += ', "raw:file"' if named else ""
    if shape.format == "parquet":
        return f"SELECT {columns} FROM read_parquet({listed})"
    types = struct(dict(shape.columns))
    options = f"format = 'newline_delimited', records = 'true', columns = {types}, {_compression(shape.is_packed)}"
    return f"SELECT {columns} FROM read_json({listed}, {options})"


_BUFFER_BYTES = 2_100_000
"""A fifteenth of DuckDB's own choice, without loss of time: the first rows come sooner, and several threads have work
in a file of a few megabytes. A line may have 2,000,000."""


def _csv_options(form: TextForm, raws: Mapping[str, str]) -> str:
    header = "true" if form.header else "false"
    return (
        f"auto_detect = false, header = {header}, delim = {text(form.delimiter or ',')}, quote = '\"', escape = '\"', "
        f"columns = {struct(dict.fromkeys(raws.values(), 'VARCHAR'))}, "
        f"nullstr = {texts(form.null_values)}, allow_quoted_nulls = false, buffer_size = {_BUFFER_BYTES}"
    )
