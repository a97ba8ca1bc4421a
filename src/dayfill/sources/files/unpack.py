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
from dayfill.sources.files.paths import Stamp, damaged_gzip, unreadable
from dayfill.sources.files.selection import Selection

_PIECE = 1 << 20


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
            _unpack(file.path, copy, clock)
            copies[file] = replace(file, unpacked=str(copy))
        except Permanent as error:
            found.fail(file, error)
    found.swap(copies)


def _unpack(path: str, copy: Path, clock: Deadline) -> None:
    try:
        with gzip.open(path) as source, copy.open("wb") as target:
            while piece := source.read(_PIECE):
                clock.check()
                target.write(piece)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise damaged_gzip(path) from error
    except OSError as error:
        raise unreadable(path, error) from error
