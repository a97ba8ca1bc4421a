"""A large day that goes into its destination while a thread is still reading it; beyond some size through the spool."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from threading import Condition, Thread

import pyarrow as pa

from dayfill.engine.spool import Spool, SpoolFile, stream

Fill = Callable[[Callable[[pa.RecordBatch], None]], str]
"""Writes all batches of a reading, checked, by what it is given; returns the hash of the day."""


@dataclass(frozen=True, slots=True)
class _End:
    rows: int
    size_bytes: int
    content_hash: str


class ArrivingRows:
    """Rows on their way into memory, and from there on into a spool file; meets `dayfill.destinations.Rows`.

    They can be read from the beginning at any time, as fast as they come; what is known at their end only waits for it.
    Both raise what went wrong on the way. most: bytes that memory holds. error: what went wrong, from then on.
    """

    def __init__(self, spool: Spool, day: date, schema: pa.Schema, most: int, fill: Fill) -> None:
        self.schema = schema
        self.error: BaseException | None = None
        self._held: list[pa.RecordBatch] = []
        self._file: SpoolFile | None = None
        self._rows = self._size = 0
        self._most = most
        self._end: _End | None = None
        self._is_given_up = False
        self._news = Condition()
        self._thread = Thread(target=self._read, args=(spool, day, fill), name="dayfill-reading", daemon=True)
        spool.before_deletion(self._give_up)
        self._thread.start()

    @property
    def num_rows(self) -> int:
        return self._ended().rows

    @property
    def nbytes(self) -> int:
        return self._ended().size_bytes

    def content_hash(self) -> str:
        return self._ended().content_hash

    def to_reader(self) -> pa.RecordBatchReader:
        """The rows from the beginning; the last of them only once the reading has proved complete."""
        return pa.RecordBatchReader.from_batches(self.schema, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        given, spooled = 0, None
        with ExitStack() as closing:
            while self._has_more_than(given):
                if given < len(self._held):
                    yield self._held[given]
                else:
                    assert self._file is not None, "what is not held is in the file"
                    spooled = spooled or closing.enter_context(stream(self._file.path))
                    yield spooled.read_next_batch()
                given += 1

    def _has_more_than(self, given: int) -> bool:
        """Whether there are more batches, once that is known."""
        with self._news:
            self._news.wait_for(lambda: self._is_over() or self._came() > given)
            if self.error is not None:
                raise self.error
            return self._came() > given

    def _came(self) -> int:
        return len(self._held) + (self._file.batches if self._file is not None else 0)

    def _ended(self) -> _End:
        with self._news:
            self._news.wait_for(self._is_over)
            if self._end is None:
                raise self.error or AssertionError("a reading ended with neither rows nor an error")
            return self._end

    def _is_over(self) -> bool:
        return self._end is not None or self.error is not None

    def _read(self, spool: Spool, day: date, fill: Fill) -> None:
        try:
            with ExitStack() as closing:
                content_hash = fill(lambda batch: self._write(batch, spool, day, closing))
            with self._news:
                self._end = _End(self._rows, self._size, content_hash)
                self._news.notify_all()
        except BaseException as error:  # it belongs to whoever waits for the rows
            with self._news:
                self.error = error.with_traceback(None)  # which would hold the reading
                self._news.notify_all()

    def _write(self, batch: pa.RecordBatch, spool: Spool, day: date, closing: ExitStack) -> None:
        if self._is_given_up:
            raise RuntimeError("nobody wants the rest of this reading")
        file = self._file
        if file is None and self._size + batch.nbytes > self._most:
            file = closing.enter_context(spool.file(day, self.schema))
        if file is not None:
            file.write(batch)
        with self._news:
            if file is None:
                self._held.append(batch)
            self._file = file
            self._rows += batch.num_rows
            self._size += batch.nbytes
            self._news.notify_all()

    def _give_up(self) -> None:
        """Wait until the thread is done; it does not read on."""
        self._is_given_up = True
        self._thread.join()
