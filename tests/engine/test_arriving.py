"""Large days of prompt sources: loaded while they are still being read, and not at all if that does not end well."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from threading import Event
from typing import Any
from weakref import ref

import pyarrow as pa
import pytest

from dayfill import destinations, sources
from dayfill.domain.run import Side
from dayfill.domain.slices import Outcome, SourceJob
from dayfill.domain.transfer import Table
from dayfill.engine import extract
from dayfill.engine.arriving import ArrivingRows
from dayfill.engine.content_hash import day_hash, row_hashes
from dayfill.engine.extract import Bounds, Reading
from dayfill.engine.spool import Spool, SpooledRows
from dayfill.errors import Permanent, Transient
from dayfill.seams import system_seams
from dayfill.sources import SourceConfig
from rig import ago
from scripted import SCHEMA, ScriptedRead, known, reader
from slices import Bench

DAY = ago(0)
WHOLE = reader([DAY] * 90).read_all()


@pytest.fixture(autouse=True)
def tiny_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A day beyond 20 rows is large."""
    for name in ("AT_ONCE_BYTES", "MEMORY_BYTES"):
        monkeypatch.setattr(extract, name, WHOLE.slice(0, 20).nbytes)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench(tmp_path)
    monkeypatch.setattr(sources, "get", lambda kind: made.source)
    monkeypatch.setattr(destinations, "get", known(lambda: made.destination))
    return made


class Slow:
    """Sends batches of 30 rows; the last one only when it is let."""

    def __init__(self) -> None:
        self.may_end, self.sent, self.max_days_per_read = Event(), 0, 1000

    def read_days(self, config: SourceConfig, table: Table, days: Sequence[date], deadline: float) -> ScriptedRead:
        return ScriptedRead(pa.RecordBatchReader.from_batches(SCHEMA, self._batches()))

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for batch in WHOLE.to_batches(max_chunksize=30):
            self.sent += 1
            assert self.sent < 3 or self.may_end.wait(60)
            yield batch


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    source = Slow()
    monkeypatch.setattr(sources, "get", lambda kind: source)
    return source


def arriving(spool: Spool, kind: str = "FILES", *names: str) -> tuple[object, ...]:
    """The rows of a day, as they are handed to a destination."""
    limits, tables = Bounds(lambda: 60.0, 10**6, 1), [Table(name) for name in names or ("visits",)]
    read = extract.extract(tables, [DAY], SourceConfig({}), kind, limits, spool, system_seams(), at_once=True)[DAY]
    assert isinstance(read, Reading)
    return tuple(table.rows for table in read.tables)


def spool_of(folder: Path) -> Spool:
    return Spool(folder, {DAY: "run1-token1"})


@pytest.mark.parametrize(("held", "spooled"), [(0, 3), (2, 1), (3, 0)])
def test_rows_can_be_taken_before_the_last_one_has_come(
    tmp_path: Path, slow: Slow, monkeypatch: pytest.MonkeyPatch, held: int, spooled: int
) -> None:
    """Those that memory holds, and those in the file behind them."""
    monkeypatch.setattr(extract, "MEMORY_BYTES", WHOLE.slice(0, 30).nbytes * held + WHOLE.slice(0, 20).nbytes)
    with spool_of(tmp_path) as spool:
        (rows,) = arriving(spool)
        assert isinstance(rows, ArrivingRows)
        taken = rows.to_reader()
        early = [taken.read_next_batch(), taken.read_next_batch()]
        slow.may_end.set()
        assert pa.Table.from_batches([*early, *taken]) == WHOLE == rows.to_reader().read_all()
        assert (rows.num_rows, rows.nbytes) == (90, sum(one.nbytes for one in WHOLE.to_batches(max_chunksize=30)))
        assert rows.content_hash() == day_hash(row_hashes(WHOLE))
        assert (len(rows._held), rows._file.batches if rows._file else 0) == (held, spooled)
    assert list(tmp_path.iterdir()) == []


def test_a_reading_that_nobody_takes_to_its_end_is_given_up(tmp_path: Path, slow: Slow) -> None:
    with spool_of(tmp_path) as spool:
        (rows,) = arriving(spool)
        assert isinstance(rows, ArrivingRows)
        taken = rows.to_reader()
        assert taken.read_next_batch().num_rows + taken.read_next_batch().num_rows == 60
        spool.before_deletion(slow.may_end.set)
        spool.before_deletion(lambda: setattr(rows, "_is_given_up", True))  # as its own call does, a moment later
    assert list(tmp_path.iterdir()) == [] and not rows._thread.is_alive()
    with pytest.raises(RuntimeError, match="nobody wants"):
        _ = rows.num_rows
    assert rows._rows == 60, "the last batch came and was not kept"


def test_only_the_last_table_of_a_prompt_source_comes_late(bench: Bench, tmp_path: Path) -> None:
    bench.source.on(DAY, rows=90)
    with spool_of(tmp_path) as spool:
        assert [type(rows) for rows in arriving(spool, "FILES", "a", "b")] == [SpooledRows, ArrivingRows]
    with spool_of(tmp_path) as spool:
        assert [type(rows) for rows in arriving(spool, "DEMO_ADS")] == [SpooledRows]


def test_a_day_is_loaded_while_it_comes(bench: Bench, tmp_path: Path) -> None:
    bench.source.on(DAY, rows=90)
    result = bench.load(DAY)[DAY]
    assert (result.outcome, result.rows) == (Outcome.LOADED, 90)
    (kept,) = bench.destination.days.values()
    assert (kept.rows, kept.content_hash) == (WHOLE, day_hash(row_hashes(WHOLE)))
    assert list(tmp_path.iterdir()) == []


BROKEN = {
    "not all": ({"complete": False}, "INCOMPLETE"),
    "fewer than stated": ({"stated_rows": 91}, "INCOMPLETE"),
    "a row of another day": ({"other_dates": [ago(9)]}, "DATA"),
    "a row of no day": ({"other_dates": [None]}, "DATA"),
}


@pytest.mark.parametrize(("script", "cause"), BROKEN.values(), ids=BROKEN)
def test_a_reading_that_does_not_end_well_leaves_the_day_as_it_was(
    bench: Bench, script: dict[str, object], cause: str
) -> None:
    bench.load(DAY)
    before = dict(bench.destination.days)
    bench.source.on(DAY, rows=90, **script)
    failure = bench.load(DAY)[DAY].failure
    assert failure is not None and (failure.cause, failure.parks) == (cause, None)
    assert bench.destination.days == before
    assert bench.destination.uses == 2, "the destination was not asked whether it is well"


class Failing(Slow):
    """Breaks off where the last batch should come."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def _batches(self) -> Iterator[pa.RecordBatch]:
        yield from WHOLE.to_batches(max_chunksize=30)[:2]
        raise self.error


def test_a_source_that_refuses_on_the_way_is_parked_and_not_the_destination(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "get", lambda kind: Failing(Transient("QUOTA", "enough", retry_after=9)))
    failure = bench.load(DAY, source=SourceJob("FILES", {}, connection_id=3))[DAY].failure
    assert failure is not None and (failure.cause, failure.retry_after, failure.parks) == ("QUOTA", 9, Side.SOURCE)
    with pytest.raises(Transient, match="enough"), bench.brakes.asking(3, lambda: 1.0):
        pass


def test_a_fault_of_the_reading_is_told_as_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "get", lambda kind: Failing(ZeroDivisionError()))
    failure = bench.load(DAY)[DAY].failure
    assert failure is not None and failure.cause == "INTERNAL" and "ZeroDivisionError" in failure.message


def test_a_destination_that_fails_while_rows_come_is_told_as_ever(bench: Bench, tmp_path: Path) -> None:
    bench.source.on(DAY, rows=90)
    bench.destination.fails[DAY] = [Permanent("SCHEMA", "no such type")]
    failure = bench.load(DAY)[DAY].failure
    assert failure is not None and (failure.cause, failure.message) == ("SCHEMA", "no such type")
    assert list(tmp_path.iterdir()) == []


def test_a_stale_day_is_told_as_ever(bench: Bench) -> None:
    bench.load(ago(1), DAY)  # token 101 for the day
    bench.source.on(DAY, rows=90)
    assert bench.load(DAY)[DAY].outcome is Outcome.STALE


def test_a_spool_that_cannot_be_written_fails_the_day(bench: Bench) -> None:
    bench.source.on(DAY, rows=90)
    bench.spool = bench.spool / "gone"
    failure = bench.load(DAY)[DAY].failure
    assert failure is not None and failure.cause == "SPOOL"


def test_nothing_holds_a_reading_that_broke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readings = []

    class Held(Failing):
        def read_days(self, *arguments: Any) -> ScriptedRead:
            read = super().read_days(*arguments)
            readings.append(ref(read))
            return read

    monkeypatch.setattr(sources, "get", lambda kind: Held(Transient("SOURCE", "gone")))
    gc.disable()
    try:
        with spool_of(tmp_path) as spool:
            (rows,) = arriving(spool)
            assert isinstance(rows, ArrivingRows)
            with pytest.raises(Transient, match="gone"):
                rows.to_reader().read_all()
        assert [read() for read in readings] == [None], "its connection would stay open"
    finally:
        gc.enable()
