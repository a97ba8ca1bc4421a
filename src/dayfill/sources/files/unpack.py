"""Parquet packed with gzip: read from an unpacked copy, because Parquet is read from its end."""

from __future__ import annotations

import gzip
import zlib
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from dayfill.errors import Permanent
from dayfill.sources.files.deadline import Deadline
from dayfill.sources.files.look import format_of
from dayfill.sources.files.options import Options
from dayfill.sources.files.paths import Stamp, damaged_gzip, opened, unreadable
from dayfill.sources.files.selection import Selection

_PIECE = 1 << 20
_MOST_TIMES, _MOST_MORE = 50, 1 << 26
"""A packed file may become so many times its size and so many bytes more; Parquet hardly shrinks by packing."""


def unpack(found: Selection, options: Options, clock: Deadline, closing: ExitStack) -> None:
    """Swap each packed Parquet file of a selection for a copy that lives as long as ``closing``.

    Raises:
        ConnectorError: a file is damaged and its path is the same for every day, or the deadline passed.
    """
    packed = [
        file for file in found.files if file.path.lower().endswith(".gz") and format_of(file.path, options) == "parquet"
    ]
    if not packed:
        return
    place = Path(closing.enter_context(TemporaryDirectory(prefix="dayfill-")))
    copies: dict[Stamp, Stamp] = {}
    for number, file in enumerate(packed):
        copy = place / f"{number}.parquet"
        try:
            _unpack(file, copy, clock)
            copies[file] = replace(file, opened=str(copy))
        except Permanent as error:
            found.fail(file, error)
    found.swap(copies)


def _unpack(file: Stamp, copy: Path, clock: Deadline) -> None:
    left = most = file.size * _MOST_TIMES + _MOST_MORE
    try:
        with opened([file]) as (held,), gzip.open(held.opened) as source, copy.open("wb") as target:
            while piece := source.read(_PIECE):
                clock.check()
                left -= target.write(piece)
                if left < 0:
                    raise Permanent("DATA", f"{file.path} unpacks to more than {most:,} bytes, so it holds no data.")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise damaged_gzip(file.path) from error
    except OSError as error:
        raise unreadable(file.path, error) from error
