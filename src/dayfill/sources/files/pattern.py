"""The files that a pattern stands for, found below a root and within caps: none may search a disk for minutes."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dayfill import roots
from dayfill.domain.reach import Reach
from dayfill.errors import Permanent
from dayfill.roots import Place

MOST_ENTRIES, MOST_SECONDS, DEEPEST = 200_000, 30.0, 32
Found = tuple[str, Place, os.stat_result]


def matching(pattern: str, reach: Reach) -> Iterator[Found]:
    """Every file that meets an absolute pattern: its path as the pattern writes it, its place, how it looks.

    Folders that are links are not gone through. A file that is a link counts, and must lead to one within the roots.

    Raises:
        Permanent: the pattern or a file leads out of the roots, or goes through too much.
    """
    parts = pattern.strip("/").split("/")
    fixed = next(number for number, part in enumerate(parts) if glob.has_magic(part))
    base = roots.placed("/" + "/".join(parts[:fixed]), reach)
    walk = _Walk(pattern, reach, base)
    try:
        with roots.folder(base) as here:
            yield from walk.below(here, (), tuple(parts[fixed:]))
    except (FileNotFoundError, NotADirectoryError):
        return  # a folder that is not there holds no file


@dataclass(slots=True)
class _Walk:
    pattern: str
    reach: Reach
    base: Place
    entries: int = 0
    ends: float = field(default_factory=lambda: time.monotonic() + MOST_SECONDS)

    def below(self, here: int, above: tuple[str, ...], parts: Sequence[str]) -> Iterator[Found]:
        """The files below an open folder that meet the rest of the pattern. above: names from the base to here."""
        first, rest = parts[0], parts[1:]
        if first == "**" and not rest:
            rest = ("*",)
        if first == "**":
            yield from self.below(here, above, rest)
        fits = re.compile(fnmatch.translate("*" if first == "**" else first)).match
        for entry in self._listed(here, above):
            hidden = entry.name.startswith(".") and not first.startswith(".")
            if hidden or not fits(entry.name):
                continue
            way = (*above, entry.name)
            if first != "**" and not rest:
                yield from self._file(entry, here, way)
            elif entry.is_dir(follow_symlinks=False):
                yield from self._folder(entry.name, here, way, parts if first == "**" else rest)

    def _folder(self, name: str, here: int, way: tuple[str, ...], parts: Sequence[str]) -> Iterator[Found]:
        if roots.is_closed(os.path.join(self.base.path, *way), self.base.root, self.reach):
            return  # as if it were not there
        try:
            there = roots.subfolder(name, here)
        except OSError:  # gone, not ours to see, or a link by now
            return
        try:
            yield from self.below(there, way, parts)
        finally:
            os.close(there)

    def _file(self, entry: os.DirEntry[str], here: int, way: tuple[str, ...]) -> Iterator[Found]:
        named = os.path.join(self.base.named, *way)
        if entry.is_symlink():
            place = roots.placed(named, self.reach)
            try:
                seen = roots.seen(place)
            except OSError:  # it leads to nothing
                return
        else:
            place = Place(named, self.base.root, (*self.base.parts, *way), self.base.home)
            seen = os.stat(entry.name, dir_fd=here, follow_symlinks=False)
            if stat.S_ISREG(seen.st_mode):
                roots.refuse_private(place, seen)
        if stat.S_ISREG(seen.st_mode):
            yield named, place, seen

    def _listed(self, here: int, above: tuple[str, ...]) -> list[os.DirEntry[str]]:
        if len(above) > DEEPEST:
            raise self._too_much(f"more than {DEEPEST} folders deep")
        with os.scandir(here) as entries:
            found = []
            for entry in entries:
                self.entries += 1
                if self.entries > MOST_ENTRIES:
                    raise self._too_much(f"through more than {MOST_ENTRIES:,} files and folders")
                if time.monotonic() > self.ends:
                    raise self._too_much(f"on for more than {MOST_SECONDS:g} seconds")
                found.append(entry)
        return found

    def _too_much(self, how: str) -> Permanent:
        return Permanent(
            "SOURCE", f"The pattern {self.pattern} goes {how}: name the folder of the files, or use fewer **."
        )
