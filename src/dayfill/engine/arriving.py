"""A large day that goes into its destination while it is still being read: through the spool, which a thread fills."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from threading import Condition, Thread

import pyarrow as pa

from dayfill.engine.spool import Spool, SpooledRows, SpoolFile, stream

Fill = Callable[[Callable[[pa.RecordBatch], None]], str]
"""Writes all batches of a reading, checked, by what it is given; returns the hash of the day."""


class ArrivingRows:
    """Rows on their way into a spool file; meets `dayfill.destinations.Rows`.

    They can be read from the beginning at any time, as fast as they come; what is known at their end only waits for it.
    Both raise what went wrong on the way. error: that, from the moment at which it happened.
    """

    def __init__(self, spool: Spool, day: date, schema: pa.Schema, fill: Fill) -> None:
        self.schema = schema
        self.error: BaseException | None = None
        self._file: SpoolFile | None = None
        self._end: tuple[SpooledRows, str] | None = None
        self._is_given_up = False
        self._news = Condition()
        self._thread = Thread(target=self._read, args=(spool, day, fill), name="dayfill-reading", daemon=True)
        spool.before_deletion(self._give_up)
        self._thread.start()

    @property
    def num_rows(self) -> int:
        return self._ended()[0].num_rows

    @property
    def nbytes(self) -> int:
        return self._ended()[0].nbytes

    def content_hash(self) -> str:
        return self._ended()[1]

    def to_reader(self) -> pa.RecordBatchReader:
        """The rows from the beginning; the last of them only once the reading has proved complete."""
        return pa.RecordBatchReader.from_batches(self.schema, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        if (file := self._grown(0)) is not None:
            with stream(file.path) as reader:
                given = 0
                while self._grown(given) is not None:
                    yield reader.read_next_batch()
                    given += 1

    def _grown(self, known: int) -> SpoolFile | None:
        """The file, once it holds more batches than are known; None if it never will."""
        with self._news:
            self._news.wait_for(lambda: self._is_over() or (self._file is not None and self._file.batches > known))
            if self.error is not None:
                raise self.error
            return self._file if self._file is not None and self._file.batches > known else None

    def _ended(self) -> tuple[SpooledRows, str]:
        with self._news:
            self._news.wait_for(self._is_over)
            if self._end is None:
                raise self.error or AssertionError("a reading ended with neither rows nor an error")
            return self._end

    def _is_over(self) -> bool:
        return self._end is not None or self.error is not None

    def _read(self, spool: Spool, day: date, fill: Fill) -> None:
        try:
            with spool.file(day, self.schema) as file:
                content_hash = fill(lambda batch: self._write(file, batch))
            with self._news:
                self._end = file.whole(), content_hash
                self._news.notify_all()
        except BaseException as error:  # it belongs to whoever waits for the rows
            with self._news:
                self.error = error.with_traceback(None)  # which would hold the reading
                self._news.notify_all()

    def _write(self, file: SpoolFile, batch: pa.RecordBatch) -> None:
        if self._is_given_up:
            raise RuntimeError("nobody wants the rest of this reading")
        file.write(batch)
        with self._news:
            self._file = file
            self._news.notify_all()

    def _give_up(self) -> None:
        """Wait until the thread is done; it does not read on."""
        self._is_given_up = True
        self._thread.join()
