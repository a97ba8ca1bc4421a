"""Which files a path, a pattern or a path with the date stands for, and how they looked when they were found."""

from __future__ import annotations

import errno
import glob
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from dayfill import roots
from dayfill.domain.reach import Reach
from dayfill.errors import Permanent, Transient
from dayfill.outgoing import is_url
from dayfill.roots import Identity, Place
from dayfill.sources.files.pattern import matching

_DATE = re.compile(r"\{date(?::([^{}]*))?\}")
_DIRECTIVE = re.compile(r"%-?[A-Za-z]")
_DIGITS = {"%Y": 4, "%m": 2, "%d": 2, "%y": 2, "%j": 3}
_DAY = timedelta(days=1)
_SAMPLES = (date(2023, 2, 3), date(2023, 2, 4), date(2023, 3, 3), date(2024, 2, 3), date(2024, 3, 2))
"""Days that any directive of a date tells apart, but that of the century."""
_EARLY, _LATE = date(1900, 1, 1), date(2099, 12, 31)


@dataclass(frozen=True, slots=True)
class Stamp:
    """One file as it was found: its path as it is named, where that leads, size in bytes, time of change.

    opened: the path by which the reading engine opens it, once it is held open or copied.
    """

    path: str
    place: Place
    size: int
    mtime_ns: int
    identity: Identity
    opened: str = field(default="", compare=False)


def is_template(path: str) -> bool:
    """Whether the path holds ``{date}`` or ``{date:<strftime>}``."""
    return _DATE.search(path) is not None


def of_day(template: str, day: date) -> str:
    """The path of one day; ``{date}`` alone is YYYY-MM-DD."""
    escape = str if is_url(template) else glob.escape
    return _DATE.sub(lambda match: escape(day.strftime(match[1])) if match[1] else day.isoformat(), template)


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


def find(path: str, reach: Reach, said: str | None = None) -> tuple[Stamp, ...]:
    """The files that a path or pattern stands for, sorted by name. said: the path as the setting has it, for the error.

    Raises:
        Permanent: there is none, it may not be seen, or is out of reach.
    """
    absolute = roots.absolute(path)
    if not glob.has_magic(absolute):
        return (stamp(roots.placed(path, reach)),)
    names = sorted(matching(absolute, reach), key=lambda found: found[0])
    if not names:
        raise Permanent("SOURCE", f"No file matches {said or absolute}: put one there, or correct the setting path.")
    return tuple(_stamp(*found) for found in names)


def stamp(place: Place) -> Stamp:
    """How a file looks now.

    Raises:
        Permanent: it is not there, or not a file, or may not be seen.
    """
    try:
        seen = roots.seen(place)
    except OSError as error:
        raise unreadable(place.named, error) from error
    roots.refuse_other_than_files(place, seen)
    return _stamp(place.named, place, seen)


def _stamp(path: str, place: Place, seen: os.stat_result) -> Stamp:
    return Stamp(path, place, seen.st_size, seen.st_mtime_ns, roots.identity(seen))


def unchanged(file: Stamp) -> bool:
    """Whether a file is still there and looks as it did."""
    try:
        return stamp(file.place) == file
    except Permanent:
        return False


@contextmanager
def opened(files: Sequence[Stamp]) -> Iterator[tuple[Stamp, ...]]:
    """The files, held open: whatever takes their names meanwhile, `Stamp.opened` leads to what was found.

    Raises:
        Permanent: one may not be read. Transient: one has changed since it was found.
    """
    with ExitStack() as closing:
        yield tuple(file if file.opened else closing.enter_context(_held(file)) for file in files)


@contextmanager
def _held(file: Stamp) -> Iterator[Stamp]:
    with ExitStack() as closing:
        try:
            descriptor = closing.enter_context(roots.held(file.place))
        except (FileNotFoundError, NotADirectoryError, Permanent):  # gone, or a link or something else by now
            raise changed(file.path) from None
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise changed(file.path) from None
            raise unreadable(file.path, error) from error
        if _stamp(file.path, file.place, os.fstat(descriptor)) != file:
            raise changed(file.path)
        yield replace(file, opened=roots.by_descriptor(file.place, descriptor))


def changed(path: str) -> Transient:
    """The error of a file that did not stay as it was found."""
    return Transient("SOURCE", f"{path} changed while it was read.")


def unreadable(path: str, error: OSError) -> Permanent:
    """Why the operating system does not give a file to us, in plain words."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return Permanent("SOURCE", f"There is no file {path}: put it there, or correct the setting path.")
    if isinstance(error, PermissionError):
        return Permanent("SOURCE", f"The server may not read {path}: permission denied.")
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return Permanent("SOURCE", f"{path}: the server may not open more files at once; raise its limit (ulimit -n).")
    return Permanent("SOURCE", f"{path} cannot be read: {error.strerror or 'input or output error'}.")


def damaged_gzip(path: str) -> Permanent:
    """A packed file that ends too early or is not packed at all."""
    return Permanent("SOURCE", f"{path} is cut off or damaged: its gzip stream does not end as it must.")
