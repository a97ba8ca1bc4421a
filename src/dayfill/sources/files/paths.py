"""Which files a path, a pattern or a path with the date stands for, and how they looked when they were found."""

from __future__ import annotations

import glob
import os
import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from dayfill.errors import Permanent
from dayfill.secrets import is_private

_DATE = re.compile(r"\{date(?::([^{}]*))?\}")
_DIRECTIVE = re.compile(r"%-?[A-Za-z]")
_DIGITS = {"%Y": 4, "%m": 2, "%d": 2, "%y": 2, "%j": 3}
_DAY = timedelta(days=1)
_SAMPLES = (date(2023, 2, 3), date(2023, 2, 4), date(2023, 3, 3), date(2024, 2, 3), date(2024, 3, 2))
"""Days that any directive of a date tells apart, but that of the century."""
_EARLY, _LATE = date(1900, 1, 1), date(2099, 12, 31)


@dataclass(frozen=True, slots=True)
class Stamp:
    """One file as it was found: absolute path, size in bytes, time of change. unpacked: a copy to read in its place."""

    path: str
    size: int
    mtime_ns: int
    inode: int
    unpacked: str | None = field(default=None, compare=False)

    @property
    def opened(self) -> str:
        """The path that the reading engine opens."""
        return self.unpacked or self.path


def is_template(path: str) -> bool:
    """Whether the path holds ``{date}`` or ``{date:<strftime>}``."""
    return _DATE.search(path) is not None


def of_day(template: str, day: date) -> str:
    """The path of one day; ``{date}`` alone is YYYY-MM-DD."""
    return _DATE.sub(lambda match: glob.escape(day.strftime(match[1])) if match[1] else day.isoformat(), template)


def of_any_day(template: str) -> str:
    """A pattern that the path of every day meets."""
    return _DATE.sub(lambda match: _DIRECTIVE.sub(_any, match[1] or "%Y-%m-%d"), template)


def _any(directive: re.Match[str]) -> str:
    return "[0-9]" * _DIGITS[directive[0]] if directive[0] in _DIGITS else "*"


def period(template: str, day: date) -> tuple[date, date]:
    """The first and last day that have the same path as this one."""
    path, first, last = of_day(template, day), day, day
    if path == of_day(template, _EARLY) == of_day(template, _LATE) and not _tells_days_apart(template):
        return date.min, date.max  # to walk through the calendar would take minutes
    while last < date.max and of_day(template, last + _DAY) == path:
        last += _DAY
    while first > date.min and of_day(template, first - _DAY) == path:
        first -= _DAY
    return first, last


def names_each_day(template: str) -> bool:
    """Whether different days have different paths."""
    return len(_of_samples(template)) == len(_SAMPLES)


def _tells_days_apart(template: str) -> bool:
    """Whether any two days have different paths."""
    return len(_of_samples(template)) > 1


def _of_samples(template: str) -> set[str]:
    return {of_day(template, day) for day in _SAMPLES}


def find(path: str, said: str | None = None) -> tuple[Stamp, ...]:
    """The files that a path or pattern stands for, sorted by name. said: the path as the setting has it, for the error.

    Raises:
        Permanent: there is none, or it may not be seen.
    """
    absolute = os.path.abspath(os.path.expanduser(path))
    if not glob.has_magic(absolute):
        return (stamp(absolute),)
    names = sorted(name for name in glob.glob(absolute, recursive=True) if os.path.isfile(name))
    if not names:
        raise Permanent("SOURCE", f"No file matches {said or absolute}: put one there, or correct the setting path.")
    return tuple(stamp(name) for name in names)


def stamp(path: str) -> Stamp:
    """How a file looks now.

    Raises:
        Permanent: it is not there, or not a file, or may not be seen.
    """
    try:
        seen = os.stat(path)
    except OSError as error:
        raise unreadable(path, error) from error
    if not os.path.isfile(path):
        raise Permanent("SOURCE", f"{path} is not a file.")
    if is_private(Path(path)):
        raise Permanent("SOURCE", f"{path} is a file that dayfill itself lives by: it cannot be read as data.")
    return Stamp(path, seen.st_size, seen.st_mtime_ns, seen.st_ino)


def unchanged(file: Stamp) -> bool:
    """Whether a file is still there and looks as it did."""
    try:
        return stamp(file.path) == file
    except Permanent:
        return False


def unreadable(path: str, error: OSError) -> Permanent:
    """Why the operating system does not give a file to us, in plain words."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return Permanent("SOURCE", f"There is no file {path}: put it there, or correct the setting path.")
    if isinstance(error, PermissionError):
        return Permanent("SOURCE", f"The server may not read {path}: permission denied.")
    return Permanent("SOURCE", f"{path} cannot be read: {error.strerror or 'input or output error'}.")


def damaged_gzip(path: str) -> Permanent:
    """A packed file that ends too early or is not packed at all."""
    return Permanent("SOURCE", f"{path} is cut off or damaged: its gzip stream does not end as it must.")
