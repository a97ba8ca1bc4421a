"""Readings too large for memory wait here until their day is loaded: Arrow streams in private files, one per table."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from dayfill.errors import Transient

_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")
"""Half the bytes on the disk, at no cost in time."""
_PIECE_ROWS = 16_384
"""Of a batch, so that a source that sends everything at once is at least not read back so."""


@dataclass(frozen=True, slots=True)
class SpooledRows:
    """Rows in a spool file; meets `dayfill.destinations.Rows`. nbytes: their size in memory."""

    path: Path
    schema: pa.Schema
    num_rows: int
    nbytes: int

    def to_reader(self) -> pa.RecordBatchReader:
        """The rows from the beginning, in batches as they were written."""
        return pa.RecordBatchReader.from_batches(self.schema, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        with stream(self.path) as batches:
            yield from batches


@contextmanager
def stream(path: Path) -> Iterator[pa.ipc.RecordBatchStreamReader]:
    """The batches of a file. One that is still being written can be read as far as `SpoolFile.batches` says.

    Raises:
        Transient: it cannot be read.
    """
    with _told(path), pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as batches:
        yield batches


class SpoolFile:
    """One file while it is being written. rows, size_bytes, batches: what was written so far, and is in the file."""

    def __init__(self, path: Path, schema: pa.Schema, sink: BinaryIO, stream: pa.ipc.RecordBatchStreamWriter) -> None:
        self.path, self._schema, self._sink, self._stream = path, schema, sink, stream
        self.rows = self.size_bytes = self.batches = 0

    def write(self, batch: pa.RecordBatch) -> None:
        with _told(self.path):
            for start in range(0, batch.num_rows, _PIECE_ROWS):
                self._stream.write_batch(batch.slice(start, _PIECE_ROWS))
            self._sink.flush()
        self.batches += -(-batch.num_rows // _PIECE_ROWS)
        self.rows += batch.num_rows
        self.size_bytes += batch.nbytes

    def whole(self) -> SpooledRows:
        return SpooledRows(self.path, self._schema, self.rows, self.size_bytes)


class Spool:
    """The spool files of one slice, deleted when its block ends.

    names: how the files of each day are named; the names of two readings must never be the same.
    """

    def __init__(self, folder: Path, names: Mapping[date, str]) -> None:
        self._folder, self._names = folder, names
        self._paths: list[Path] = []
        self._closing = ExitStack()

    def before_deletion(self, done: Callable[[], None]) -> None:
        """What is called before the files are deleted."""
        self._closing.callback(done)

    @contextmanager
    def file(self, day: date, schema: pa.Schema) -> Iterator[SpoolFile]:
        """A new file for rows of this day, complete when the block ends.

        Raises:
            Transient: the folder cannot be written, or its disk is full.
        """
        path, closing = self._folder / f"{self._names[day]}-{len(self._paths)}.arrow", ExitStack()
        with _told(path):
            number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            self._paths.append(path)
            sink = closing.enter_context(os.fdopen(number, "wb"))
            writer = closing.enter_context(pa.ipc.new_stream(sink, schema, options=_OPTIONS))
        try:
            yield SpoolFile(path, schema, sink, writer)
        except BaseException:
            with suppress(OSError):  # the first error counts
                closing.close()
            raise
        with _told(path):
            closing.close()

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        """Delete the files: their days are done."""
        self._closing.close()
        while self._paths:
            with suppress(OSError):  # what cannot be deleted now goes at the next start
                self._paths.pop().unlink()


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """An error of the disk leaves as one that says what to do."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        why = (isinstance(error, OSError) and error.strerror) or str(error)
        raise Transient(
            "SPOOL",
            f"A reading too large for memory could not be kept in {path.parent}: {why}. Free some space on that disk,"
            " or let the server's user write there.",
        ) from error
