"""Where a reading ends that does not end by itself, and whom it does not ask again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import chain, repeat
from pathlib import Path

import pyarrow as pa
import pytest
from readings import COSTS, VISITS, counts, read

from dayfill.domain.transfer import Table
from dayfill.engine import extract as extract_module
from dayfill.engine.extract import Bounds, extract
from dayfill.engine.spool import Spool
from dayfill.errors import ConnectorError, Permanent, Transient
from dayfill.seams import system_seams
from dayfill.sources import DaysRead, SourceConfig
from rig import ago, last
from scripted import SCHEMA, ScriptedRead, ScriptedSource, reader

EMPTY = reader([]).read_all().to_batches() or [pa.RecordBatch.from_pylist([], schema=SCHEMA)]


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("before", [0, 3])
def test_a_source_that_pages_for_ever_without_a_row_is_stopped(
    source: ScriptedSource, monkeypatch: pytest.MonkeyPatch, alone: bool, before: int
) -> None:
    monkeypatch.setattr(extract_module, "MOST_EMPTY_PAGES", 5)
    pulled = 0

    def pages() -> Iterator[pa.RecordBatch]:
        nonlocal pulled
        for rows in chain(["rows"] * before, repeat("none")):
            pulled += 1
            yield from reader([ago(0)]) if rows == "rows" else EMPTY

    stream = ScriptedRead(pa.RecordBatchReader.from_batches(SCHEMA, pages()))
    monkeypatch.setattr(source, "read_days", lambda *_: stream)
    if alone:
        error = read([ago(0)])[ago(0)]
    else:
        with pytest.raises(Permanent) as raised:
            read([ago(0), ago(1)])
        error = raised.value
    assert (error.cause, pulled) == ("ENDLESS", before + 6)
    assert error.message == (
        "Table visits: the source sent 5 pages without a row and did not come to an end; nothing was loaded."
    )


def test_as_many_empty_pages_as_are_allowed_are_a_day(source: ScriptedSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract_module, "MOST_EMPTY_PAGES", 5)
    stream = ScriptedRead(pa.RecordBatchReader.from_batches(SCHEMA, EMPTY * 5 + list(reader([ago(0)])) * 7))
    monkeypatch.setattr(source, "read_days", lambda *_: stream)
    assert counts(read([ago(0)])) == {ago(0): [7]}


def test_pages_that_repeat_for_ever_end_at_the_rows_of_a_day(
    source: ScriptedSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    (page,) = reader([ago(0)] * 10).read_all().to_batches()
    stream = ScriptedRead(pa.RecordBatchReader.from_batches(SCHEMA, repeat(page)))
    monkeypatch.setattr(source, "read_days", lambda *_: stream)
    error = read([ago(0)], rows=95)[ago(0)]
    assert (type(error), error.cause) == (Permanent, "TOO_LARGE")


LIMITED = Transient("RATE_LIMIT", "Slower.", retry_after=90)
REVOKED = Permanent("AUTH", "The login was revoked.", fatal=True)


@pytest.mark.parametrize("error", [LIMITED, REVOKED, Transient("QUOTA", "No more today.")], ids=repr)
@pytest.mark.parametrize("size", [1, 2])
def test_a_refused_login_is_not_asked_again_and_what_was_read_stays(
    source: ScriptedSource, error: ConnectorError, size: int
) -> None:
    source.max_days_per_read = size
    source.on(ago(2), always=error)
    readings = read(list(last(6).newest_first()), [VISITS, COSTS])
    assert counts(readings) == {ago(0): [2, 2], ago(1): [2, 2]}
    assert [readings[ago(n)] for n in range(2, 6)] == [error] * 4
    assert source.reads == [
        [ago(n) for n in range(first, first + size)] for first in range(0, 2, size) for _ in "ab"
    ] + [[ago(n) for n in range(2, 2 + size)]]


def test_a_day_whose_second_table_is_refused_is_not_whole(
    source: ScriptedSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.max_days_per_read = 1
    real = source.read_days

    def refusing(config: SourceConfig, table: Table, days: Sequence[date], deadline: float) -> DaysRead:
        if (table.name, days) == ("costs", [ago(1)]):
            raise LIMITED
        return real(config, table, days, deadline)

    monkeypatch.setattr(source, "read_days", refusing)
    readings = read([ago(0), ago(1), ago(2)], [VISITS, COSTS])
    assert counts(readings) == {ago(0): [2, 2]}
    assert (readings[ago(1)], readings[ago(2)]) == (LIMITED, LIMITED)


@pytest.mark.parametrize(
    "error",
    [Transient("NETWORK", "Lost."), Transient("RATE_LIMIT", "Slower.", day=ago(0)), Permanent("DATA", "Wrong.")],
)
def test_an_error_that_is_one_days_alone_stops_no_other(source: ScriptedSource, error: ConnectorError) -> None:
    source.max_days_per_read = 1
    source.on(ago(0), always=error)
    readings = read([ago(0), ago(1)])
    assert counts(readings) == {ago(1): [2]}


def test_whoever_holds_the_source_back_is_asked_around_each_call(source: ScriptedSource) -> None:
    """Also while the rows are read: that is when the source may refuse."""
    source.max_days_per_read = 1
    heard: list[str] = []

    @contextmanager
    def asking() -> Iterator[None]:
        if heard.count("ask") == 2:
            raise LIMITED
        heard.append("ask")
        yield
        heard.append("answer")

    with Spool(Path("no-such-folder"), {}) as spool:
        bounds = Bounds(lambda: 60.0, 1000, 1, asking)
        readings = extract(
            [VISITS], [ago(n) for n in range(4)], SourceConfig({}), "FILES", bounds, spool, system_seams()
        )
    assert counts(readings) == {ago(0): [2], ago(1): [2]}
    assert heard == ["ask", "answer"] * 2
    assert len(source.reads) == 2


def test_the_deadline_ends_a_reading_that_drips(source: ScriptedSource, monkeypatch: pytest.MonkeyPatch) -> None:
    pulled = 0

    def drip() -> object:
        nonlocal pulled
        for batch in reader([ago(0)] * 4).read_all().to_batches(max_chunksize=1):
            pulled += 1
            yield batch

    stream = ScriptedRead(pa.RecordBatchReader.from_batches(SCHEMA, drip()))
    monkeypatch.setattr(source, "read_days", lambda *_: stream)
    times = iter([5.0, 4.0, 0.0])
    error = read([ago(0)], left=lambda: next(times))[ago(0)]
    assert (type(error), error.cause, pulled) == (Transient, "TIMEOUT", 2)


def test_the_source_hears_how_long_it_may_take(source: ScriptedSource, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[float] = []
    real = source.read_days
    monkeypatch.setattr(source, "read_days", lambda *args: heard.append(args[3]) or real(*args))
    read([ago(0)], left=lambda: 17.0)
    assert heard == [17.0]
