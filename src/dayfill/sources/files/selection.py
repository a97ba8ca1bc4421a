"""Which files a reading opens for which days, and what their columns must be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from dayfill.domain.transfer import Table
from dayfill.errors import ConnectorError, Permanent
from dayfill.sources.files import paths, translated
from dayfill.sources.files.connection import Connection
from dayfill.sources.files.deadline import Deadline
from dayfill.sources.files.fit import never_joined
from dayfill.sources.files.look import Look, look
from dayfill.sources.files.options import Options
from dayfill.sources.files.paths import Stamp
from dayfill.sources.files.plan import Plan, missing_column
from dayfill.sources.files.query import Scan

Seen = tuple[Stamp, Look]
_AT_ONCE, _SMALL_BYTES = 64, 4_000_000


@dataclass(slots=True)
class Selection:
    """groups: files that are read together, with their days. every: the files that types are inferred from."""

    groups: dict[tuple[Stamp, ...], list[date]]
    every: tuple[Stamp, ...]
    by_day: bool
    failed: dict[date, ConnectorError] = field(default_factory=dict)

    @property
    def files(self) -> list[Stamp]:
        return list(dict.fromkeys((*(file for files in self.groups for file in files), *self.every)))

    def fail(self, file: Stamp, error: ConnectorError) -> None:
        """Leave out the days of a file that cannot be read.

        Raises:
            ConnectorError: the same, where the path is the same for every day.
        """
        if not self.by_day:
            raise error
        for files in [files for files in self.groups if file in files]:
            self.failed.update(dict.fromkeys(self.groups.pop(files), error))
        self.every = tuple(other for other in self.every if other != file)

    def swap(self, copies: Mapping[Stamp, Stamp]) -> None:
        """Read unpacked copies in place of their files."""
        self.groups = {tuple(copies.get(file, file) for file in files): days for files, days in self.groups.items()}
        self.every = tuple(copies.get(file, file) for file in self.every)


def select(options: Options, table: Table, days: Sequence[date]) -> Selection:
    """The files of these days. Where the path names the day, a day without its file fails alone.

    Raises:
        Permanent: there is no file, and the path is the same for every day.
    """
    days = sorted(set(days))
    if not paths.is_template(options.path):
        files = paths.find(options.path, options.reach)
        return Selection({files: days} if days else {}, files, by_day=False)
    found = Selection({}, (), by_day=True)
    for day in days:
        try:
            found.groups.setdefault(paths.find(paths.of_day(options.path, day), options.reach), []).append(day)
        except Permanent as error:
            found.failed[day] = error
    if days and table.fields and not (options.date_column or options.date_expression):
        found.every = tuple(file for files in found.groups for file in files)  # nothing is left to be inferred
    else:
        found.every = paths.find(paths.of_any_day(options.path), options.reach, options.path)
    return found


def looked_at(con: Connection, found: Selection, options: Options, clock: Deadline) -> list[Seen]:
    """The files of a selection that can be looked at, with their columns. A file that cannot fails its own days.

    Raises:
        ConnectorError: such a file, where the path is the same for every day. Transient: the deadline passed.
    """
    seen = []
    for file in found.every:
        clock.check()
        try:
            seen.append((file, _look(con, file, options)))
        except ConnectorError as error:
            found.fail(file, error)
    return seen


def _look(con: Connection, file: Stamp, options: Options) -> Look:
    with translated.opened([file]) as (held,):
        return look(con, held, options)


def scans(found: Selection, seen: Sequence[Seen], options: Options, plan: Plan) -> list[list[Scan]]:
    """The scans of a selection: files with the same columns are read together, and so are the scans of a list.

    Raises:
        Permanent: a file lacks a column, where the path is the same for every day; else its own days fail.
    """
    shapes, result = dict(seen), []
    template = options.path if found.by_day and plan.day.sql else None
    for files, days in found.groups.items():
        try:
            parts: dict[Look, list[Stamp]] = {}
            for file in files:
                _check_columns(plan, file, shapes[file])
                parts.setdefault(shapes[file], []).append(file)
        except Permanent as error:
            if not found.by_day:
                raise
            found.failed.update(dict.fromkeys(days, error))
            continue
        for shape, members in parts.items():
            if shape.columns:
                period = paths.period(template, days[0]) if template else None
                result += [Scan(shape, part, tuple(days), period) for part in _parts(members)]
    return _together(result) if found.by_day else [[scan] for scan in result]


def _together(scans: Sequence[Scan]) -> list[list[Scan]]:
    """Small files of several days: to plan the reading of one takes longer than to read it."""
    groups: list[list[Scan]] = []
    for scan in scans:
        if not groups or not _are_read_as_one([*groups[-1], scan]):
            groups.append([])
        groups[-1].append(scan)
    return groups


def _are_read_as_one(scans: Sequence[Scan]) -> bool:
    """A file that is in two of them would have two days."""
    files = [file for scan in scans for file in scan.files]
    is_small = len(files) <= _AT_ONCE and sum(file.size for file in files) <= _SMALL_BYTES
    return is_small and len(set(files)) == len(files) and len({scan.shape for scan in scans}) == 1


def compare(found: Selection, seen: Sequence[Seen], plan: Plan) -> None:
    """See that files whose days are not named have the columns: all of them, or the last where the path names the day.

    Raises:
        Permanent: one lacks a column.
    """
    for file, shape in seen[-1:] if found.by_day else seen:
        _check_columns(plan, file, shape)


def _parts(files: Sequence[Stamp]) -> list[tuple[Stamp, ...]]:
    """Files that are held open together; more slices than one do so at a time, and the system counts them all."""
    return [tuple(files[start : start + _AT_ONCE]) for start in range(0, len(files), _AT_ONCE)]


def _check_columns(plan: Plan, file: Stamp, shape: Look) -> None:
    """A file without any column holds no row (JSON lines); every other has what was declared and what the day needs."""
    types = shape.types
    for column in (*(plan.columns if plan.declared else ()), *plan.day.inputs):
        if not types:
            return
        if column.source not in types:
            raise missing_column(file.path, column.source, shape)
        if never_joined(types[column.source], column.data_type):
            raise Permanent(
                "SCHEMA",
                f"{file.path} column {column.source} is {types[column.source]} and cannot become {column.data_type}: "
                "one has a time zone, the other has none.",
            )
