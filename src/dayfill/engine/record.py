"""Record results: one transaction for all that wait, each by compare-and-set on (run, token, RUNNING)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from dayfill.domain.audit import DISPATCHER, Act
from dayfill.domain.backfill import STOP_AFTER_EQUAL_FATAL, BackfillStatus, settled_status
from dayfill.domain.run import MESSAGE_LENGTH, Failure, TryAgain, after_failure
from dayfill.domain.slices import DayResult, Outcome
from dayfill.engine import audit
from dayfill.engine.batch import Batch, Tally
from dayfill.engine.parking import park
from dayfill.engine.work import Recorded
from dayfill.seams import Seams
from dayfill.store import allowances, backfills, days, parking, runs
from dayfill.store.backfills import Counts, Results
from dayfill.store.db import Tx
from dayfill.store.runs import Held

TOKEN_GAP = 1_000_000
"""Left free above a ledger that is ahead of the state: workers from before a restore may hold higher tokens."""
_STALE = Failure(
    "STALE",
    "The destination holds a newer reading of this day than the state knows; it is read again. If that does not help, "
    "the day's row in the ledger was edited: delete it there.",
    transient=True,
)


async def record(tx: Tx, seams: Seams, results: Sequence[tuple[DayResult, int | None]]) -> Recorded:
    """Write results with the connection each ran on (None: nobody answered).

    A result whose run was re-queued, or claimed again with a newer token, changes nothing.
    """
    all_held = await runs.held(tx, [(result.run_id, result.token) for result, _ in results])
    batch = Batch(await _tallies(tx, all_held.values()))
    for result, connection_id in results:
        held = all_held.get((result.run_id, result.token))
        # The batch is written at its end, so the state does not show yet that a run of this batch has its result.
        if held is not None and result.run_id not in batch.taken:
            await _take(tx, seams, batch, result, held)
            if connection_id is not None and held.may_rest:
                batch.show_working(result.failure, held)
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


async def _take(tx: Tx, seams: Seams, batch: Batch, result: DayResult, held: Held) -> None:
    """Sort one result into the batch."""
    now = seams.now()
    end = max(now, held.started_time)  # a clock that was set back must not end a run before it began
    tally = batch.take(result, held)
    if result.outcome is Outcome.LOADED:
        return batch.complete(tally, result, held, end)
    failure = result.failure or _STALE
    again = await _again(tx, failure, held, now, seams.chance.random())
    if again is None:
        batch.fail(tally, result, held, failure, end)
    elif await _is_unwanted(tx, tally, held):
        batch.cancel(tally, result, held, failure, end)
    else:
        batch.requeue(tally, result, held, failure, again, now)
    if result.greatest_token:
        # The state was restored from an older copy: continue above what any ledger or late worker may hold.
        await runs.lift_tokens(tx, result.greatest_token + TOKEN_GAP)


async def _again(tx: Tx, failure: Failure, held: Held, now: datetime, jitter: float) -> TryAgain | None:
    """Whether and when the day is tried again; what refused it rests, whatever became of the run meanwhile."""
    if failure.parks is None:
        return after_failure(failure, held.attempts, now, jitter)
    return TryAgain(await park(tx, failure.parks, held.transfer_id, failure, now, jitter), give_back=True)


async def _is_unwanted(tx: Tx, tally: Tally | None, held: Held) -> bool:
    """Whether a failed run must not wait again: cancelled meanwhile, or another run waits for its day."""
    if tally is not None:
        return tally.standing.status is BackfillStatus.CANCELLED
    return await runs.is_superseded(tx, held.transfer_id, held.data_date)


async def _tallies(tx: Tx, all_held: Iterable[Held]) -> dict[int, Tally]:
    transfers = {held.backfill_id: held.transfer_id for held in all_held if held.backfill_id is not None}
    standings = await backfills.standings(tx, list(transfers))
    return {of: Tally(transfers[of], one, Results(one.fatal_cause, one.fatal_streak)) for of, one in standings.items()}


async def _count(tx: Tx, backfill_id: int, tally: Tally, now: datetime) -> None:
    """Move the backfill's counters with its runs, stop it if it is hopeless, and end it with its last day."""
    counts = await backfills.count_results(tx, backfill_id, tally.results)
    if tally.results.fatal_streak >= STOP_AFTER_EQUAL_FATAL and counts.status is BackfillStatus.RUNNING:
        counts = await _stop(tx, backfill_id, tally, now) or counts
    status = settled_status(counts.total, counts.completed, counts.failed)
    if status is not None and counts.status is BackfillStatus.RUNNING:
        await backfills.finish(tx, backfill_id, status, now)


async def _stop_recurring(tx: Tx, transfer_id: int, failure: Failure, now: datetime) -> None:
    """The other days of the window would meet the same error; the next slot of the schedule tries all of them again."""
    reason = f"not tried: another day failed with {failure.cause}, which meets every day alike ({failure.message})"
    reason = reason[:MESSAGE_LENGTH]
    await days.fail_waiting(tx, transfer_id, await runs.stop_waiting_recurring(tx, transfer_id, reason, now), now)


async def _stop(tx: Tx, backfill_id: int, tally: Tally, now: datetime) -> Counts | None:
    cause, streak = tally.results.fatal_cause, tally.results.fatal_streak
    reason = f"not tried: the backfill was stopped after {streak} {cause} errors in a row"
    if tally.fatal_message:
        reason += f" ({tally.fatal_message})"
    stopped = await runs.stop_waiting(tx, backfill_id, reason[:MESSAGE_LENGTH], now)
    if not stopped:
        return None
    await days.fail_waiting(tx, tally.transfer_id, stopped, now)
    why = {"cause": cause, "message": tally.fatal_message, "days_not_tried": len(stopped)}
    await audit.record(tx, DISPATCHER, tally.standing.team_id, Act("backfill.stop", backfill_id, after=why), now)
    return await backfills.stop(tx, backfill_id, len(stopped), cause or "", now)
