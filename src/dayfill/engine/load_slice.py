"""Load a slice: read its days from the source, check them, replace each in the destination. The pure heart.

It knows neither the state database nor the settings; all it needs travels in the job, so it runs in any thread or
process. It is total: whatever happens, every day of the job gets its result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import structlog

from dayfill import destinations
from dayfill.destinations import DayOutcome, FinishedDay
from dayfill.domain.run import MESSAGE_LENGTH, Failure, QueryDetail, Side
from dayfill.domain.slices import DayOrder, DayResult, Outcome, Slice
from dayfill.engine.brakes import Brakes, refuses_all
from dayfill.engine.configs import Configs, Unseal
from dayfill.engine.content_hash import joined_hash
from dayfill.engine.extract import Bounds, Reading, TooLarge, extract
from dayfill.engine.spool import Spool
from dayfill.errors import ConnectorError, Permanent, Transient
from dayfill.seams import Seams
from dayfill.secrets import safe

_OF_ONE_LOAD = frozenset({"CONFLICT", "TIMEOUT"})
"""Causes with which a destination that works well refuses one load."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Work:
    """One slice under way. spool: folder of large readings. ends: monotonic second at which its deadline is reached."""

    job: Slice
    seams: Seams
    configs: Configs
    spool: Path
    brakes: Brakes
    began: float
    ends: float

    def left(self) -> float:
        return self.ends - self.seams.monotonic()


@dataclass(frozen=True, slots=True)
class _Down:
    """The destination as a whole takes nothing at the moment."""

    error: Transient


_Taken = DayOutcome | ConnectorError | _Down
"""What a destination made of one day."""


def load_slice(job: Slice, seams: Seams, unseal: Unseal, spool: Path, brakes: Brakes) -> list[DayResult]:
    """Read and load the days of the job; one result per day, in the job's order.

    spool: folder for large readings. brakes: shared by all slices of this process.
    """
    began = seams.monotonic()
    work = _Work(job, seams, Configs(job, unseal), spool, brakes, began, began + job.deadline_seconds)
    try:
        return _load(work)
    except ConnectorError as error:
        return [_failed(work, order, error) for order in job.days]
    except Exception as error:
        # Total by contract: an unknown fault costs an attempt, never the run's state or the other slices.
        log.exception("load_failed", transfer_id=job.transfer_id, first_day=str(job.days[-1].data_date))
        fault = Transient(
            "INTERNAL", f"Unexpected {type(error).__name__} while loading; the server's log has the trace."
        )
        return [_failed(work, order, fault) for order in job.days]


def _load(work: _Work) -> list[DayResult]:
    job = work.job
    if job.destination.check_first and (down := _down(work)) is not None:
        return [_failed(work, order, down.error, Side.DESTINATION) for order in job.days]
    names = {order.data_date: f"team{job.team_id}-run{order.run_id}-token{order.token}" for order in job.days}
    with Spool(work.spool, names) as spool:
        readings = _read(work, spool)
        if isinstance(readings, int):
            return _in_parts(work, readings)
        finished = [(order, reading) for order in job.days if isinstance(reading := readings[order.data_date], Reading)]
        outcomes = _replace(work, finished)
        return [_result(work, order, _told(readings[order.data_date]), outcomes) for order in job.days]


def _told(reading: Reading | ConnectorError) -> Reading | ConnectorError:
    """The reading, or what went wrong with it since it was handed on."""
    return reading if isinstance(reading, ConnectorError) else reading.error or reading


def _read(work: _Work, spool: Spool) -> dict[date, Reading | ConnectorError] | int:
    """What was read of each day, or how many days are to be read at once instead."""
    source = work.job.source
    bounds = Bounds(
        work.left,
        source.max_day_rows,
        source.max_day_gigabytes,
        lambda: work.brakes.asking(source.connection_id, work.seams.monotonic),
    )
    try:
        config = work.configs.source
        return extract(work.job.tables, _days(work), config, source.kind, bounds, spool, work.seams, at_once=True)
    except TooLarge:
        return len(work.job.days) // 2
    except Permanent as error:
        if error.fatal or len(work.job.days) == 1:
            raise
        return 1


def _replace(work: _Work, days: list[tuple[DayOrder, Reading]]) -> dict[date, _Taken]:
    """All days in one destination transaction; if that fails, each alone, so that only the guilty one fails.

    A destination that is down is not tried day by day.
    """
    if not days:
        return {}
    work.seams.failpoint("before_load")
    if work.left() <= 0:
        return {order.data_date: _late(work) for order, _ in days}
    destination = destinations.get(work.job.destination.kind)
    finished = [
        FinishedDay(work.job.transfer_id, order.data_date, order.run_id, order.token, reading.tables)
        for order, reading in days
    ]
    try:
        outcomes = destination.replace_days(work.configs.destination, finished, lambda: _before_commit(work))
    except ConnectorError as error:
        if days[0][1].error is not None:  # no fault of the destination
            return {}
        if (down := _down(work, error)) is not None:
            return {order.data_date: down for order, _ in days}
        if len(days) == 1:
            return {days[0][0].data_date: error}
        return _replace_alone(work, days)
    work.seams.failpoint("after_load")
    return {order.data_date: outcome for (order, _), outcome in zip(days, outcomes, strict=True)}


def _replace_alone(work: _Work, days: list[tuple[DayOrder, Reading]]) -> dict[date, _Taken]:
    found: dict[date, _Taken] = {}
    down: _Down | None = None
    for day in days:
        outcome = down or _replace(work, [day])[day[0].data_date]
        down = outcome if isinstance(outcome, _Down) else None
        found[day[0].data_date] = outcome
    return found


def _down(work: _Work, error: ConnectorError | None = None) -> _Down | None:
    """Whether the destination takes nothing at all, as it says itself, or as a look at it shows after an error.

    So a load that fails for a reason of its own costs its day an attempt, and one that never had a chance does not.
    """
    if isinstance(error, Permanent) or (error is not None and error.cause in _OF_ONE_LOAD):
        return None
    if isinstance(error, Transient) and error.retry_after is not None:
        return _Down(error)
    try:
        destinations.get(work.job.destination.kind).check(work.configs.destination)
    except ConnectorError as fault:
        return _Down(fault) if isinstance(fault, Transient) else None
    return None


def _before_commit(work: _Work) -> None:
    """A load past its deadline commits nothing: its days may be given to somebody else at any moment."""
    if work.left() <= 0:
        raise _late(work)
    work.seams.failpoint("before_commit")


def _late(work: _Work) -> Transient:
    limit = work.job.deadline_seconds
    return Transient("TIMEOUT", f"The day was not loaded within the deadline of {limit:g} s; nothing was changed.")


def _in_parts(work: _Work, size: int) -> list[DayResult]:
    """The same days, this many at a time."""
    results: list[DayResult] = []
    for start in range(0, len(work.job.days), size):
        days = work.job.days[start : start + size]
        last = results[-1].failure if results else None
        if last is not None and (last.fatal or last.parks):
            results += [replace(results[-1], run_id=d.run_id, token=d.token, data_date=d.data_date) for d in days]
            continue
        job = replace(work.job, days=days, deadline_seconds=max(work.left(), 0.0))
        results.extend(load_slice(job, work.seams, work.configs.unseal, work.spool, work.brakes))
    return results


def _result(
    work: _Work,
    order: DayOrder,
    reading: Reading | ConnectorError,
    outcomes: Mapping[date, _Taken],
) -> DayResult:
    if isinstance(reading, ConnectorError):
        return _failed(work, order, reading, Side.SOURCE if refuses_all(reading) else None)
    outcome = outcomes[order.data_date]
    if isinstance(outcome, _Down):
        return _failed(work, order, outcome.error, Side.DESTINATION)
    if isinstance(outcome, ConnectorError):
        return _failed(work, order, outcome)
    share = (work.seams.monotonic() - work.began) / len(work.job.days) / max(len(reading.tables), 1)
    return DayResult(
        run_id=order.run_id,
        token=order.token,
        data_date=order.data_date,
        outcome=Outcome.STALE if outcome is DayOutcome.STALE else Outcome.LOADED,
        rows=sum(table.rows.num_rows for table in reading.tables),
        size_bytes=sum(table.rows.nbytes for table in reading.tables),
        content_hash=joined_hash({table.name: table.content_hash for table in reading.tables}),
        greatest_token=_ledger_token(work) if outcome is DayOutcome.STALE else 0,
        queries=tuple(QueryDetail(table.name, "COMPLETED", table.rows.num_rows, share) for table in reading.tables),
    )


def _failed(work: _Work, order: DayOrder, error: ConnectorError, parks: Side | None = None) -> DayResult:
    message = safe(error.message, MESSAGE_LENGTH)
    failure = Failure(
        cause=error.cause,
        message=message,
        transient=isinstance(error, Transient),
        fatal=isinstance(error, Permanent) and error.fatal,
        retry_after=error.retry_after if isinstance(error, Transient) else None,
        parks=parks,
    )
    share = (work.seams.monotonic() - work.began) / len(work.job.days)
    return DayResult(
        run_id=order.run_id,
        token=order.token,
        data_date=order.data_date,
        outcome=Outcome.FAILED,
        failure=failure,
        queries=tuple(QueryDetail(table.name, "FAILED", 0, share, message) for table in work.job.tables),
    )


def _ledger_token(work: _Work) -> int:
    return destinations.get(work.job.destination.kind).greatest_token(work.configs.destination)


def _days(work: _Work) -> list[date]:
    return [order.data_date for order in work.job.days]
