"""One reading: scans run one after another, their rows handed out as they come, faults kept per day."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from threading import Timer

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from dayfill.errors import ConnectorError, Permanent, Transient
from dayfill.sources.files import faults, paths, query
from dayfill.sources.files.connection import Connection
from dayfill.sources.files.plan import Plan
from dayfill.sources.files.query import Scan

_BATCH_ROWS = 65_536


class Deadline:
    """Ends a reading when its time is over: interrupts the engine, and says so between batches."""

    def __init__(self, con: Connection, seconds: float) -> None:
        self._ends = time.monotonic() + seconds
        self._timer = Timer(max(seconds, 0), con.interrupt)
        self._timer.daemon = True
        self._timer.start()

    @property
    def over(self) -> bool:
        return time.monotonic() >= self._ends

    def check(self) -> None:
        if self.over:
            raise faults.timed_out()

    def stop(self) -> None:
        self._timer.cancel()


class FilesRead:
    """The days of one table; meets ``DaysRead``. Rows of a failed day may come before its fault is found."""

    def __init__(
        self,
        con: Connection,
        plan: Plan,
        scans: Sequence[Scan],
        deadline: Deadline,
        failed_days: Mapping[date, ConnectorError],
    ) -> None:
        self._con, self._plan, self._scans, self._deadline = con, plan, scans, deadline
        self._failed = dict(failed_days)
        self.failed_days: Mapping[date, ConnectorError] = self._failed
        self.date_column = plan.date_column
        self.complete = False
        self.stated_rows: int | None = None
        self.requests = 0
        self.reader = pa.RecordBatchReader.from_batches(plan.schema, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        try:
            for scan in self._scans:
                yield from self._scan(scan)
            self.complete = True
        finally:
            self._deadline.stop()
            self._con.close()

    def _scan(self, scan: Scan) -> Iterator[pa.RecordBatch]:
        self.requests += 1
        bad: set[date] = set()
        try:
            for batch in self._rows(scan):
                days, marks = batch.column(batch.num_columns - 2), batch.column(batch.num_columns - 1)
                if days.null_count:
                    self._fail(scan.days, faults.undated(self._con, self._plan, scan))
                    return
                if marks.true_count:
                    bad.update(pc.unique(days.filter(marks)).to_pylist())
                    batch = batch.filter(pc.invert(marks))
                yield self._shaped(batch)
            self._check_unchanged(scan)
            if bad:
                self._failed.update(faults.misfits(self._con, self._plan, scan, sorted(bad)))
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            self._check_unchanged(scan)
            self._engine_failed(scan, error)
        except Permanent as error:
            self._fail(scan.days, error)

    def _rows(self, scan: Scan) -> Iterator[pa.RecordBatch]:
        self._deadline.check()
        for batch in self._con.sql(query.reading(self._plan, scan)).to_arrow_reader(_BATCH_ROWS):
            self._deadline.check()
            if batch.num_rows:
                yield batch

    def _shaped(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        schema = self._plan.schema
        arrays = batch.columns[: len(schema)]
        return pa.RecordBatch.from_arrays(
            [
                array if array.type == field.type else array.cast(field.type)
                for array, field in zip(arrays, schema, strict=True)
            ],
            schema=schema,
        )

    def _engine_failed(self, scan: Scan, error: Exception) -> None:
        if self._deadline.over:
            raise faults.timed_out() from None
        fault = faults.from_engine(error, scan.paths)
        if isinstance(fault, Transient):
            raise fault from None
        self._fail(scan.days, fault)

    def _fail(self, days: Sequence[date], fault: ConnectorError) -> None:
        self._failed.update(dict.fromkeys(days, fault))

    def _check_unchanged(self, scan: Scan) -> None:
        for file in scan.files:
            if not paths.unchanged(file):
                raise Transient("SOURCE", f"{file.path} changed while it was read.")
