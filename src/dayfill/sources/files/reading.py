"""One reading: scans run one after another, their rows handed out as they come, faults kept per day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from itertools import islice

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from dayfill.errors import ConnectorError, Permanent, Transient
from dayfill.sources.files import faults, paths, query, translated
from dayfill.sources.files.connection import Connection
from dayfill.sources.files.deadline import Deadline, timed_out
from dayfill.sources.files.plan import Plan
from dayfill.sources.files.query import Scan

_BATCH_ROWS = 16_384
"""The first of them are on their way while the others are read."""
_TOGETHER_BYTES = 32_000_000
"""Small files may unfold to any size."""


class FilesRead:
    """The days of one table; meets ``DaysRead``. Rows of a failed day may come before its fault is found.

    The reader's rows come from another object, so that nothing refers back to this one: a reading that is given up
    half way is closed when it is let go, its engine and its watch with it.
    """

    stated_rows: int | None = None

    def __init__(
        self,
        con: Connection,
        plan: Plan,
        scans: Sequence[Sequence[Scan]],
        deadline: Deadline,
        failed_days: Mapping[date, ConnectorError],
        closing: ExitStack,
    ) -> None:
        self._scanning = _Scanning(con, plan, scans, deadline, dict(failed_days), closing)
        self.date_column = plan.date_column
        self.reader = pa.RecordBatchReader.from_batches(plan.schema, self._scanning.batches())

    @property
    def complete(self) -> bool:
        return self._scanning.complete

    @property
    def failed_days(self) -> Mapping[date, ConnectorError]:
        return self._scanning.failed


class _Scanning:
    def __init__(
        self,
        con: Connection,
        plan: Plan,
        scans: Sequence[Sequence[Scan]],
        deadline: Deadline,
        failed: dict[date, ConnectorError],
        closing: ExitStack,
    ) -> None:
        self._con, self._plan, self._scans, self._deadline, self._closing = con, plan, scans, deadline, closing
        self.failed = failed
        self.complete = False

    def batches(self) -> Iterator[pa.RecordBatch]:
        with self._closing:
            for scans in self._scans:
                together = self._together(scans) if len(scans) > 1 else None
                if together is not None:
                    yield from together
                else:
                    for scan in scans:
                        yield from self._scan(scan)
            self.complete = True

    def _together(self, scans: Sequence[Scan]) -> list[pa.RecordBatch] | None:
        """All rows of small files; None if anything is wrong with one of them, which then says so for itself."""
        batches: list[pa.RecordBatch] = []
        bad: set[date | None] = set()
        try:
            with paths.opened([file for scan in scans for file in scan.files]) as held:
                files = iter(held)
                opened = [replace(scan, files=tuple(islice(files, len(scan.files)))) for scan in scans]
                for batch in self._fitting(opened, bad):
                    batches.append(batch)
                    if sum(one.nbytes for one in batches) > _TOGETHER_BYTES:
                        return None
                return None if bad or not all(map(paths.unchanged, held)) else batches
        except (duckdb.Error, pa.ArrowException, OSError, ConnectorError):
            if self._deadline.over:
                raise timed_out() from None
            return None

    def _scan(self, scan: Scan) -> Iterator[pa.RecordBatch]:
        bad: set[date | None] = set()
        try:
            with paths.opened(scan.files) as held:
                yield from self._held(replace(scan, files=held), bad)
        except Permanent as error:
            self._fail(scan.days, error)

    def _held(self, scan: Scan, bad: set[date | None]) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._fitting([scan], bad)
            self._check_unchanged(scan)
            self._explain(scan, bad)
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            self._check_unchanged(scan)
            self._engine_failed(scan, error)

    def _fitting(self, scans: Sequence[Scan], bad: set[date | None]) -> Iterator[pa.RecordBatch]:
        """The rows whose values fit; the days of the others go into ``bad``. A row without a day ends the scan."""
        self._deadline.check()
        with self._con.sql(query.reading(self._plan, scans)).to_arrow_reader(_BATCH_ROWS) as reader:
            for batch in reader:
                self._deadline.check()
                days, misfit = batch.columns[-2:]
                if days.null_count:
                    bad.add(None)
                    return
                if misfit.true_count:
                    bad.update(pc.unique(days.filter(misfit)).to_pylist())
                    batch = batch.filter(pc.invert(misfit))
                if batch.num_rows:
                    yield self._shaped(batch)

    def _explain(self, scan: Scan, bad: set[date | None]) -> None:
        if None in bad:
            self._fail(scan.days, faults.undated(self._con, self._plan, scan))
            return
        days = sorted(day for day in bad if day is not None)
        found = faults.misfits(self._con, self._plan, scan, days) if days else {}
        for day in days:
            self._fail([day], found.get(day) or paths.changed(scan.files[0].path))

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
            raise timed_out() from None
        fault = translated.from_engine(error, scan.files)
        if isinstance(fault, Transient):
            raise fault from None
        self._fail(scan.days, fault)

    def _fail(self, days: Sequence[date], fault: ConnectorError) -> None:
        for day in days:
            self.failed.setdefault(day, fault)

    def _check_unchanged(self, scan: Scan) -> None:
        for file in scan.files:
            if not paths.unchanged(file):
                raise paths.changed(file.path)
