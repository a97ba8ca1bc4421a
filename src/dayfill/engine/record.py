"""Record results: one transaction for all that wait, each by compare-and-set on (run, token, RUNNING)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from dayfill.domain.allowance import month_of
from dayfill.domain.audit import DISPATCHER, Act
from dayfill.domain.backfill import STOP_AFTER_EQUAL_FATAL, BackfillStatus, settled_status
from dayfill.domain.fingerprint import fingerprint
from dayfill.domain.run import MESSAGE_LENGTH, Failure, Priority, RunStatus, RunType, Side, TryAgain, after_failure
from dayfill.domain.slices import DayResult, Outcome
from dayfill.engine import audit
from dayfill.engine.parking import park, shown_to_work
from dayfill.engine.work import Ending, Recorded
from dayfill.seams import Seams
from dayfill.store import allowances, backfills, days, parking, runs
from dayfill.store.backfills import Counts, Results, Standing
from dayfill.store.db import Tx, Values, micros
from dayfill.store.runs import Held

TOKEN_GAP = 1_000_000
"""Left free above a ledger that is ahead of the state: workers from before a restore may hold higher tokens."""
_STALE = Failure(
    "STALE",
    "The destination holds a newer reading of this day than the state knows; it is read again. If that does not help, "
    "the day's row in the ledger was edited: delete it there.",
    transient=True,
)


@dataclass(slots=True)
class _Batch:
    """The statements of one recording, collected so that each kind is one trip to the database.

    working: transfers of which this side took part in an attempt without refusing it, with the newest start of one;
    only where a side rests.
    barred: fatal errors of runs outside any backfill, by transfer. rows: by team and month, see `month_of`.
    """

    completed: list[dict[str, object]] = field(default_factory=list)
    ended: list[dict[str, object]] = field(default_factory=list)
    requeued: list[dict[str, object]] = field(default_factory=list)
    day_moves: dict[str, list[Values]] = field(default_factory=lambda: defaultdict(list))
    tallies: dict[int, _Tally] = field(default_factory=dict)
    transfers: set[int] = field(default_factory=set)
    taken: set[int] = field(default_factory=set)
    working: dict[Side, dict[int, datetime]] = field(default_factory=lambda: defaultdict(dict))
    barred: dict[int, Failure] = field(default_factory=dict)
    endings: Counter[tuple[RunType, Ending]] = field(default_factory=Counter)
    rows: Counter[tuple[int, str]] = field(default_factory=Counter)

    def count(self, held: Held, ending: Ending) -> None:
        self.endings[RunType.RECURRING if held.backfill_id is None else RunType.BACKFILL, ending] += 1


@dataclass(slots=True)
class _Tally:
    """What the results change on one backfill. fatal_*: streak of equal fatal errors, newest last."""

    transfer_id: int
    standing: Standing
    ended: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    rows: int = 0
    fatal_cause: str | None = None
    fatal_streak: int = 0
    fatal_message: str = ""


async def record(tx: Tx, seams: Seams, results: Sequence[tuple[DayResult, int | None]]) -> Recorded:
    """Write results with the connection each ran on (None: nobody answered).

    A result whose run was re-queued, or claimed again with a newer token, changes nothing.
    """
    batch = _Batch()
    all_held = await runs.held(tx, [(result.run_id, result.token) for result, _ in results])
    await _begin_tallies(tx, batch, all_held.values())
    for result, connection_id in results:
        held = all_held.get((result.run_id, result.token))
        # The batch is written at its end, so the state does not show yet that a run of this batch has its result.
        if held is not None and result.run_id not in batch.taken:
            batch.taken.add(result.run_id)
            await _take(tx, seams, batch, result, held)
            if connection_id is not None and held.may_rest:
                _worked(batch, result, held)
    now = seams.now()
    await runs.complete(tx, batch.completed)
    await allowances.count_rows(tx, batch.rows)
    await runs.end(tx, batch.ended)
    await runs.requeue(tx, batch.requeued)
    for move, rows in batch.day_moves.items():
        await days.end(tx, move, rows)
    await days.changed(tx, batch.transfers)
    for transfer_id, failure in batch.barred.items():
        await _stop_recurring(tx, transfer_id, failure, now)
    for side, started in batch.working.items():
        await parking.unpark(tx, side, started)
    for backfill_id, tally in batch.tallies.items():
        await _count(tx, backfill_id, tally, now)
    seams.failpoint("record")
    return Recorded(len(batch.taken), batch.endings, batch.rows.total())


def _worked(batch: _Batch, result: DayResult, held: Held) -> None:
    for side in shown_to_work(result.failure):
        newest = batch.working[side]
        newest[held.transfer_id] = max(held.started_time, newest.get(held.transfer_id, held.started_time))


async def _take(tx: Tx, seams: Seams, batch: _Batch, result: DayResult, held: Held) -> None:
    """Sort one result into the batch."""
    now = seams.now()
    end = max(now, held.started_time)  # a clock that was set back must not end a run before it began
    batch.transfers.add(held.transfer_id)
    tally = None if held.backfill_id is None else batch.tallies[held.backfill_id]
    if tally is not None:
        tally.ended += 1
    if result.outcome is Outcome.LOADED:
        _completed(batch, tally, result, held, end)
        return
    failure = result.failure or _STALE
    again = await _again(tx, failure, held, now, seams.chance.random())
    if again is None:
        _ended(batch, tally, result, held, failure, RunStatus.FAILED, end)
    elif await _is_unwanted(tx, tally, held):
        _ended(batch, tally, result, held, failure, RunStatus.CANCELLED, end)
    else:
        _requeued(batch, tally, result, held, failure, again, now)
    if result.greatest_token:
        # The state was restored from an older copy: continue above what any ledger or late worker may hold.
        await runs.lift_tokens(tx, result.greatest_token + TOKEN_GAP)


async def _again(tx: Tx, failure: Failure, held: Held, now: datetime, jitter: float) -> TryAgain | None:
    """Whether and when the day is tried again; what refused it rests, whatever became of the run meanwhile."""
    if failure.parks is None:
        return after_failure(failure, held.attempts, now, jitter)
    return TryAgain(await park(tx, failure.parks, held.transfer_id, failure, now, jitter), give_back=True)


async def _is_unwanted(tx: Tx, tally: _Tally | None, held: Held) -> bool:
    """Whether a failed run must not wait again: cancelled meanwhile, or another run waits for its day."""
    if tally is not None:
        return tally.standing.status is BackfillStatus.CANCELLED
    return await runs.is_superseded(tx, held.transfer_id, held.data_date)


def _completed(batch: _Batch, tally: _Tally | None, result: DayResult, held: Held, now: datetime) -> None:
    moment = micros(now)
    batch.count(held, "loaded")
    batch.rows[held.team_id, month_of(now)] += result.rows
    batch.completed.append(
        {
            "run_id": result.run_id,
            "token": result.token,
            "now": moment,
            "row_count": result.rows,
            "content_hash": result.content_hash,
            "queries": msgspec.json.encode(result.queries).decode(),
        }
    )
    batch.day_moves["load_day"].append(
        _day(held)
        | {"row_count": result.rows, "content_hash": result.content_hash, "token": result.token}
        | {"run_id": result.run_id, "now": moment}
    )
    if tally is not None:
        tally.completed += 1
        tally.rows += result.rows
        tally.fatal_cause, tally.fatal_streak = None, 0


def _ended(
    batch: _Batch,
    tally: _Tally | None,
    result: DayResult,
    held: Held,
    failure: Failure,
    status: RunStatus,
    now: datetime,
) -> None:
    batch.count(held, "cancelled" if status is RunStatus.CANCELLED else "failed")
    batch.ended.append(_of_failure(result, failure) | {"status": status.value, "now": micros(now)})
    if status is RunStatus.CANCELLED:
        batch.day_moves["release_day"].append(_day(held))
    else:
        batch.day_moves["fail_day"].append(_day(held) | {"run_id": result.run_id, "now": micros(now)})
    if tally is None:
        if failure.fatal:
            batch.barred[held.transfer_id] = failure
        return
    if status is RunStatus.CANCELLED:
        tally.cancelled += 1
        return
    tally.failed += 1
    same = failure.fatal and tally.fatal_cause == failure.cause
    tally.fatal_streak = tally.fatal_streak + 1 if same else int(failure.fatal)
    tally.fatal_cause = failure.cause if failure.fatal else None
    tally.fatal_message = failure.message


def _requeued(
    batch: _Batch,
    tally: _Tally | None,
    result: DayResult,
    held: Held,
    failure: Failure,
    again: TryAgain,
    now: datetime,
) -> None:
    batch.count(held, "again")
    is_paused = tally is not None and tally.standing.is_paused
    batch.requeued.append(
        _of_failure(result, failure)
        | {
            "status": (RunStatus.CREATED if is_paused else RunStatus.QUEUED).value,
            "priority": int(Priority.RETRY),
            "not_before": micros(again.not_before),
            "give_back": int(again.give_back),
            "now": micros(now),
        }
    )
    batch.day_moves["requeue_day"].append(_day(held))


def _of_failure(result: DayResult, failure: Failure) -> dict[str, object]:
    return {
        "run_id": result.run_id,
        "token": result.token,
        "message": failure.message,
        "cause": failure.cause,
        "fingerprint": fingerprint(failure.message),
        "queries": msgspec.json.encode(result.queries).decode(),
    }


def _day(held: Held) -> dict[str, object]:
    return {"transfer_id": held.transfer_id, "data_date": held.data_date.isoformat()}


async def _begin_tallies(tx: Tx, batch: _Batch, all_held: Iterable[Held]) -> None:
    of_backfill = {held.backfill_id: held for held in all_held if held.backfill_id is not None}
    for backfill_id, standing in (await backfills.standings(tx, list(of_backfill))).items():
        batch.tallies[backfill_id] = _Tally(
            of_backfill[backfill_id].transfer_id,
            standing,
            fatal_cause=standing.fatal_cause,
            fatal_streak=standing.fatal_streak,
        )


async def _count(tx: Tx, backfill_id: int, tally: _Tally, now: datetime) -> None:
    """Move the backfill's counters with its runs, stop it if it is hopeless, and end it with its last day."""
    counts = await backfills.count_results(
        tx,
        backfill_id,
        Results(
            tally.ended,
            tally.completed,
            tally.failed,
            tally.cancelled,
            tally.rows,
            tally.fatal_cause,
            tally.fatal_streak,
        ),
    )
    if tally.fatal_streak >= STOP_AFTER_EQUAL_FATAL and counts.status is BackfillStatus.RUNNING:
        counts = await _stop(tx, backfill_id, tally, now) or counts
    status = settled_status(counts.total, counts.completed, counts.failed)
    if status is not None and counts.status is BackfillStatus.RUNNING:
        await backfills.finish(tx, backfill_id, status, now)


async def _stop_recurring(tx: Tx, transfer_id: int, failure: Failure, now: datetime) -> None:
    """The other days of the window would meet the same error; the next slot of the schedule tries all of them again."""
    reason = f"not tried: another day failed with {failure.cause}, which meets every day alike ({failure.message})"
    reason = reason[:MESSAGE_LENGTH]
    await days.fail_waiting(tx, transfer_id, await runs.stop_waiting_recurring(tx, transfer_id, reason, now), now)


async def _stop(tx: Tx, backfill_id: int, tally: _Tally, now: datetime) -> Counts | None:
    reason = f"not tried: the backfill was stopped after {tally.fatal_streak} {tally.fatal_cause} errors in a row"
    if tally.fatal_message:
        reason += f" ({tally.fatal_message})"
    stopped = await runs.stop_waiting(tx, backfill_id, reason[:MESSAGE_LENGTH], now)
    if not stopped:
        return None
    await days.fail_waiting(tx, tally.transfer_id, stopped, now)
    why = {"cause": tally.fatal_cause, "message": tally.fatal_message, "days_not_tried": len(stopped)}
    await audit.record(tx, DISPATCHER, tally.standing.team_id, Act("backfill.stop", backfill_id, after=why), now)
    return await backfills.stop(tx, backfill_id, len(stopped), tally.fatal_cause or "")
