"""Files that people name: whether they lie in an allowed folder, and opened so that no link leads out of it.

A path is resolved once and must then lie below a root. It is opened folder by folder without following a link, so
what is swapped in after that is refused, and what is checked is the open file, not its name.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dayfill.domain.installation import SPOOL
from dayfill.domain.reach import Reach
from dayfill.errors import Permanent, misconfigured
from dayfill.secrets import is_private

Identity = tuple[int, int]
"""Device and inode: what stays when a file is renamed, and differs when another takes its name."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_THROUGH = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC
"""To go through a folder needs less than to list it."""
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_DESCRIPTORS = "/proc/self/fd"
HAS_DESCRIPTORS = os.path.isdir(_DESCRIPTORS)
"""Whether an open file can be opened again by its descriptor, whatever its name leads to by then."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads: ``parts`` below ``root``, free of links when it was resolved. named: as it was asked for."""

    named: str
    root: str
    parts: tuple[str, ...]
    home: str = field(default="", compare=False)

    @property
    def path(self) -> str:
        return os.path.join(self.root, *self.parts)


def placed(path: str, reach: Reach) -> Place:
    """Where a path leads. Nothing is said of what lies outside of the roots, not even whether it exists.

    Raises:
        Permanent: cause CONFIG; it is not a path, or leads out of the roots.
    """
    named = absolute(path)
    roots = [(root, os.path.realpath(root)) for root in reach.roots]
    if any(_is_below(named, root) for pair in roots for root in pair):
        real = os.path.realpath(named)
        for _, root in roots:
            if _is_below(real, root) and not is_closed(real, root, reach):
                parts = tuple(real.removeprefix(root).strip("/").split("/")) if real != root else ()
                return Place(named, root, parts, reach.home)
    raise _outside(path, reach)


def is_closed(real: str, root: str, reach: Reach) -> bool:
    """Whether a path below a root lies in a folder of another team there."""
    folders = (os.path.realpath(folder) for folder in reach.closed)
    return any(folder != root and _is_below(folder, root) and _is_below(real, folder) for folder in folders)


def absolute(path: str) -> str:
    """The path from the root of the disk; a relative one starts at the working directory of the server.

    Raises:
        Permanent: cause CONFIG; it is not a path, or goes up by ``..``.
    """
    # Only one's own ~, as that of others would tell who has an account here.
    expanded = os.path.expanduser(path) if path == "~" or path.startswith("~/") else path
    try:
        os.fsencode(expanded)
        whole = os.path.join(os.getcwd(), expanded)
    except (OSError, ValueError):
        whole = "\0"
    if "\0" in whole or ".." in whole.split("/"):
        raise misconfigured(f"{path[:200]!r} cannot be used as a path: write it without '..' and control characters.")
    return "/" + os.path.normpath(whole).lstrip("/")


def seen(place: Place) -> os.stat_result:
    """How the file looks now, without opening it.

    Raises:
        OSError: it is not there, or may not be seen. Permanent: it is a file that dayfill lives by.
    """
    with _holder(place) as (folder, name):
        return _looked_at(place, folder, name)


@contextmanager
def held(place: Place) -> Iterator[int]:
    """The descriptor of the file, open for reading.

    Raises:
        OSError: it is not there, or may not be read. Permanent: it is not a file, or is one that dayfill lives by.
    """
    with _holder(place) as (folder, name):
        found = _looked_at(place, folder, name)
        refuse_other_than_files(place, found)  # before it is opened, as that may wind a tape or wait for a writer
        descriptor = os.open(name, _FILE, dir_fd=folder)
    try:
        opened = os.fstat(descriptor)
        refuse_other_than_files(place, opened)
        if identity(opened) != identity(found):
            raise Permanent("SOURCE", f"{place.named} was replaced while it was opened.")
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def folder(place: Place) -> Iterator[int]:
    """The descriptor of a place that is a folder, to be listed."""
    descriptor = _walked(place.root, place.parts, _FOLDER)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def subfolder(name: str, within: int) -> int:
    """The descriptor of a folder within another one; a link does not count as one."""
    return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=within)


def refuse_private(place: Place, found: os.stat_result) -> None:
    """Raises Permanent for a file by which an installation lives, by whatever name."""
    linked = found.st_nlink > 1 and place.home and identity(found) in _own(place.home)
    if linked or is_private(Path(place.path)):
        raise misconfigured(f"{place.named} is a file that dayfill itself lives by: choose another path.")


def refuse_other_than_files(place: Place, found: os.stat_result) -> None:
    """Raises Permanent for a folder, a pipe or a device: to open it could wait for ever."""
    if not stat.S_ISREG(found.st_mode):
        kind, way = "a link, pipe or device", "Name a file."
        if stat.S_ISDIR(found.st_mode):
            kind = "a folder"
            way = f"Name a file in it, or files by a pattern such as {place.named}/*.csv where the source takes one."
        raise Permanent("SOURCE", f"{place.named} is not a file: it is {kind}. {way}")


def identity(found: os.stat_result) -> Identity:
    return found.st_dev, found.st_ino


def holds(wanted: Identity) -> bool:
    """Whether this process has the file open; True where that cannot be found out."""
    if not HAS_DESCRIPTORS:
        return True
    for number in os.listdir(_DESCRIPTORS):
        try:
            if identity(os.fstat(int(number))) == wanted:
                return True
        except OSError:  # closed a moment ago
            continue
    return False


def by_descriptor(place: Place, descriptor: int) -> str:
    """A path that leads to the open file itself; its name where there is no such path."""
    return f"{_DESCRIPTORS}/{descriptor}" if HAS_DESCRIPTORS else place.path


@contextmanager
def _holder(place: Place) -> Iterator[tuple[int, str]]:
    """The folder of a file and its name therein."""
    *above, name = place.parts or (".",)
    descriptor = _walked(place.root, above, _THROUGH)
    try:
        yield descriptor, name
    finally:
        os.close(descriptor)


def _walked(root: str, parts: Sequence[str], last: int) -> int:
    here = os.open(root, _THROUGH if parts else last)
    for number, part in enumerate(parts, 1):
        flags = last if number == len(parts) else _THROUGH
        try:
            there = os.open(part, flags | os.O_NOFOLLOW, dir_fd=here)
        finally:
            os.close(here)
        here = there
    return here


def _looked_at(place: Place, folder: int, name: str) -> os.stat_result:
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    refuse_private(place, found)
    return found


def _own(home: str) -> set[Identity]:
    found: set[Identity] = set()
    for place in (home, os.path.join(home, SPOOL)):
        try:
            found |= {identity(entry.stat(follow_symlinks=False)) for entry in os.scandir(place)}
        except OSError:
            continue
    return found


def _is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")


def _outside(path: str, reach: Reach) -> Permanent:
    if not reach.roots:
        return misconfigured(
            "No folder is open to files: the server was started in / and DAYFILL_FILE_ROOTS is not set. The"
            " administrator can set it to the folders that hold data."
        )
    return misconfigured(
        f"{path[:200]} is outside the folders that files may be in: {', '.join(reach.roots)}. Put it there, or have the"
        " administrator add its folder to DAYFILL_FILE_ROOTS."
    )
