"""Files at a URL: taken into a private folder, where they stay as long as one reading."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from dayfill import outgoing
from dayfill.domain.reach import Reach
from dayfill.domain.transfer import Table
from dayfill.errors import Permanent, Transient
from dayfill.outgoing import Answer
from dayfill.roots import Place, identity, seen
from dayfill.sources.files import paths
from dayfill.sources.files.deadline import Deadline
from dayfill.sources.files.options import Options
from dayfill.sources.files.paths import Stamp
from dayfill.sources.files.selection import Selection

MOST_BYTES = 20 << 30
_BUSY = frozenset((408, 425, 429, 500, 502, 503, 504))
_GONE, _SAME = (404, 410), 304
_ASKED_BY = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}
"""Marks of a version -> the header that asks for the file unless it has this mark. A HEAD would ask for less, but an
address that is signed for GET refuses it.
"""


def select(options: Options, table: Table, days: Sequence[date], clock: Deadline, closing: ExitStack) -> Selection:
    """The files of these days, copied here. Where the URL names the day, a day without its file fails alone.

    Raises:
        Permanent: there is no file, and the URL is the same for every day, or it leads to where nothing may be read.
        Transient: the server is busy, cannot be reached, or breaks off; or the deadline passed.
    """
    days = sorted(set(days))
    here = _Here(Path(closing.enter_context(TemporaryDirectory(prefix="dayfill-"))), options.reach, clock)
    if not paths.is_template(options.path):
        files = (here.fetched(options.path),)
        return Selection({files: days} if days else {}, files, by_day=False)
    found = Selection({}, (), by_day=True)
    for day in days:
        try:
            found.groups.setdefault((here.fetched(paths.of_day(options.path, day)),), []).append(day)
        except Permanent as error:
            if error.fatal:
                raise
            found.failed[day] = error
    if not days and not table.fields:
        raise Permanent("SCHEMA", "Its URL names the day, so without a day there are no columns: declare the fields.")
    if days and not found.groups:
        raise found.failed[days[0]]
    found.every = tuple(file for files in found.groups for file in files)
    return found


@dataclass(slots=True)
class _Here:
    folder: Path
    reach: Reach
    clock: Deadline
    known: dict[str, Stamp] = field(default_factory=dict)

    def fetched(self, url: str) -> Stamp:
        """The file at a URL, copied once."""
        if url not in self.known:
            self.known[url] = self._copied(url, f"{len(self.known)}")
        return self.known[url]

    def _copied(self, url: str, name: str) -> Stamp:
        shown = outgoing.parsed(url).shown
        place = Place(shown, os.path.realpath(self.folder), (name,))
        with outgoing.get(url, self.reach, self.clock.left) as answer:
            _refuse(shown, answer)
            marks = _marks(answer)
            try:
                with open(place.path, "wb") as copy:
                    for chunk in answer.chunks:
                        if copy.tell() > MOST_BYTES:
                            raise Permanent("DATA", f"{shown} is larger than {MOST_BYTES:,} bytes.")
                        copy.write(chunk)
            except OSError as error:
                raise Transient("SOURCE", f"{shown} cannot be kept for reading: {error.strerror}.") from error
        self._check_unchanged(url, shown, marks)
        found = seen(place)
        return Stamp(shown, place, found.st_size, found.st_mtime_ns, identity(found), place.path)

    def _check_unchanged(self, url: str, shown: str, marks: Mapping[str, str]) -> None:
        """Whether the file is still what it was at the copy's first byte: one that is written over while it is sent
        would be half the old one and half the new. A server that names no mark of a version leaves nothing to ask.
        """
        if not marks:
            return
        conditions = {_ASKED_BY[mark]: said for mark, said in marks.items()}
        with outgoing.get(url, self.reach, self.clock.left, conditions) as answer:
            if answer.status == _SAME:
                return
            if answer.status in _GONE:
                raise paths.changed(shown)
            _refuse(shown, answer)
            if _marks(answer) != marks:
                raise paths.changed(shown)


def _marks(answer: Answer) -> dict[str, str]:
    """What the server says by which a version of the file is known."""
    return {name: answer.headers[name] for name in _ASKED_BY if name in answer.headers}


def _refuse(shown: str, answer: Answer) -> None:
    """Raises for every answer that is not a whole file."""
    status, headers = answer.status, answer.headers
    if status in _GONE:
        raise Permanent("SOURCE", f"There is no file {shown} ({status}): put it there, or correct the setting path.")
    if status in _BUSY:
        cause = "RATE_LIMIT" if status == 429 else "SOURCE"
        raise Transient(cause, f"{shown} cannot be had now: {status}.", retry_after=answer.retry_after)
    if status in (401, 403):
        raise Permanent("SOURCE", f"{shown} may not be read without a login ({status}).")
    if status != 200:
        raise Permanent("SOURCE", f"{shown} is answered with {status} and no file: correct the setting path.")
    if "content-length" not in headers and "chunked" not in headers.get("transfer-encoding", "").lower():
        raise Permanent(
            "SOURCE", f"{shown}: its server does not say how long it is, so a part could pass for the whole."
        )
    if headers.get("content-encoding", "identity") != "identity" and not shown.lower().endswith(".gz"):
        raise Permanent("SOURCE", f"{shown}: its server packs it without being asked; name a file that ends in .gz.")
