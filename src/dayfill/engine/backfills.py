"""What can be done with a backfill: create, cancel, retry, pause, resume.

Every verb runs in the caller's transaction and takes the transfer's lock first, so that of several at once one wins.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from dayfill.domain.backfill import ACTIVE, Backfill, BackfillStatus
from dayfill.domain.days import FIRST_DAY, DayRange, DayState, latest_today, ranges_of
from dayfill.domain.run import Priority
from dayfill.engine import allowances, lookups
from dayfill.engine.runs import refuse_without_days
from dayfill.errors import Refused
from dayfill.seams import Seams
from dayfill.store import backfills, days, runs, transfers
from dayfill.store.db import Reader, Tx

CHOICES = {"missing": DayState.MISSING, "failed": DayState.FAILED, "stale": DayState.STALE}
"""What ``only`` may choose."""


async def create(
    tx: Tx,
    seams: Seams,
    team_id: int,
    user_id: int,
    transfer_id: int,
    span: DayRange,
    *,
    max_days: int,
    only: Collection[str] = (),
    priority: Priority = Priority.BACKFILL,
) -> Backfill:
    """A new backfill over a range of days, or over those of them in certain states.

    The cost grows with the range only where ``only`` chooses from it.

    Raises:
        Missing: no such transfer in the team.
        Denied: the range begins before the team's history.
        Refused: no table has days, the range is not possible, meets an active backfill, nothing in it is chosen, or the
            team has too much to do already.
        Exceeded: the team's rows of the month are used up.
    """
    transfer = await _lock(tx, team_id, transfer_id)
    check_span(seams, span, max_days, transfer.zone)
    await _check(tx, seams, team_id, transfer_id, span)
    chosen: list[DayRange] | None = None
    total = len(span)
    if only:
        picked = await days.chosen(tx, transfer_id, span, frozenset(CHOICES[name] for name in only))
        if not picked:
            raise Refused(f"No day of {span} is {' or '.join(sorted(only))}. Choose other days, or all of them.")
        chosen, total = ranges_of(picked), len(picked)
    await allowances.check_work(tx, team_id, total)
    await allowances.check_rows(tx, seams, team_id)
    backfill_id = await backfills.insert(
        tx,
        team_id,
        user_id,
        transfer_id,
        span,
        now=seams.now(),
        priority=priority,
        total=total,
        only=sorted(only),
        chosen=chosen,
    )
    tx.touch(transfer_id)
    seams.failpoint("create")
    return await lookups.backfill(tx, team_id, backfill_id)


async def _check(tx: Tx, seams: Seams, team_id: int, transfer_id: int, span: DayRange) -> None:
    """What keeps this transfer from having a backfill of these days."""
    refuse_without_days((await transfers.job(tx, transfer_id)).tables)
    await allowances.check_history(tx, seams, team_id, span.start)
    await _refuse_overlap(tx, transfer_id, span)


def check_span(seams: Seams, span: DayRange, max_days: int, zone: str) -> None:
    """Raises Refused for a range that no backfill can have: too long, too old to be meant, or in the future."""
    today = latest_today(seams.now(), zone)
    if span.end > today:
        raise Refused(
            f"The range ends on {span.end}, which is in the future: the last possible day is {today}. End it there."
        )
    if span.start < FIRST_DAY:
        raise Refused(f"The range starts on {span.start}: the first possible day is {FIRST_DAY}. Start it there.")
    if len(span) > max_days:
        raise Refused(f"The range has {len(span):,} days: one backfill takes at most {max_days:,}. Split the range.")


async def cancel(tx: Tx, seams: Seams, team_id: int, user_id: int, backfill_id: int) -> Backfill:
    """Waiting runs end CANCELLED; running ones finish and may still raise the counters.

    Raises:
        Refused: the backfill is already COMPLETED or CANCELLED.
    """
    backfill = await _locked(tx, team_id, backfill_id)
    if backfill.status is BackfillStatus.CANCELLED:
        raise Refused(
            f"Backfill {backfill_id} was cancelled at {backfill.removed_time:%Y-%m-%dT%H:%M:%SZ} "
            f"by user {backfill.removed_user_id}. To load its days, create another one."
        )
    if backfill.status is BackfillStatus.COMPLETED:
        raise Refused(
            f"Backfill {backfill_id} was completed at {backfill.end_time:%Y-%m-%dT%H:%M:%SZ}: "
            "nothing is left to cancel. To load its days again, create another one."
        )
    await _cancel(tx, seams, backfill, user_id)
    return await lookups.backfill(tx, team_id, backfill_id)


async def cancel_all(tx: Tx, seams: Seams, team_id: int, user_id: int, transfer_id: int) -> None:
    """Cancel the active backfills of a transfer that is being deleted."""
    for backfill_id in await backfills.active_ids(tx, transfer_id):
        await _cancel(tx, seams, await lookups.backfill(tx, team_id, backfill_id), user_id)


async def retry(
    tx: Tx, seams: Seams, team_id: int, backfill_id: int, *, cause: str | None = None, dates: Collection[date] = ()
) -> tuple[Backfill, int]:
    """Failed days of a FAILED backfill wait again, their attempts anew; returns it and the number of days.

    Raises:
        Missing: no such backfill, or its transfer is deleted.
        Refused: it is not FAILED, no failed day matches, another active backfill meets its range, or the team has too
            much to do already.
    """
    backfill = await _locked(tx, team_id, backfill_id)
    await _lock(tx, team_id, backfill.transfer_id)
    if backfill.status is not BackfillStatus.FAILED:
        raise Refused(
            f"Backfill {backfill_id} is {backfill.status}: only a FAILED one has days to retry. Wait for its end, "
            "or create another."
        )
    await _refuse_overlap(tx, backfill.transfer_id, backfill.days, except_id=backfill_id)
    wanted = [run_id for run_id, day in await runs.failed(tx, backfill_id, cause) if not dates or day in dates]
    if not wanted:
        raise Refused(f"No failed day of backfill {backfill_id} matches; see its error_report for days and causes.")
    await allowances.check_work(tx, team_id, len(wanted))
    queued = await runs.retry(tx, wanted, Priority.RETRY, seams.now())
    await days.queue(tx, backfill.transfer_id, queued)
    await backfills.reopen(tx, backfill_id, len(queued), seams.now())
    seams.failpoint("retry")
    return await lookups.backfill(tx, team_id, backfill_id), len(queued)


async def pause(tx: Tx, seams: Seams, team_id: int, user_id: int, backfill_id: int) -> Backfill:
    """Start no more days of it until it is resumed; repeated, it changes nothing."""
    backfill = await _active(tx, team_id, backfill_id, "paused")
    if backfill.paused_time is None:
        await backfills.pause(tx, backfill_id, user_id, seams.now())
        await runs.hold(tx, backfill_id)
        tx.touch(backfill.transfer_id)
    return await lookups.backfill(tx, team_id, backfill_id)


async def resume(tx: Tx, seams: Seams, team_id: int, backfill_id: int) -> Backfill:
    """Let a paused backfill go on; repeated, it changes nothing."""
    backfill = await _active(tx, team_id, backfill_id, "resumed")
    if backfill.paused_time is not None:
        await backfills.resume(tx, backfill_id, backfill.rest(await backfills.newest_end(tx, backfill_id), seams.now()))
        if backfill.status is not BackfillStatus.CREATED:  # else the last chunk of its runs releases them all
            await runs.release(tx, backfill_id, seams.now())
        tx.touch(backfill.transfer_id)
    return await lookups.backfill(tx, team_id, backfill_id)


async def _cancel(tx: Tx, seams: Seams, backfill: Backfill, user_id: int) -> None:
    # A clock that was set back must not end the backfill before it began.
    now = max(seams.now(), backfill.start_time or backfill.created_time)
    cancelled = await runs.cancel_waiting(tx, backfill.backfill_id, now)
    await days.unqueue(tx, backfill.transfer_id, cancelled)
    await backfills.cancel(tx, backfill.backfill_id, user_id, len(cancelled), now)
    seams.failpoint("cancel")


async def _refuse_overlap(tx: Reader, transfer_id: int, span: DayRange, except_id: int = 0) -> None:
    for other in await backfills.overlapping(tx, transfer_id, span, except_id):
        raise Refused(
            f"Backfill {other.backfill_id} ({other.days.start} to {other.days.end}, {other.status}) of this transfer "
            f"is active and shares days with {span.start} to {span.end}: wait for it, cancel it, or choose other days."
        )


async def _active(tx: Tx, team_id: int, backfill_id: int, verb: str) -> Backfill:
    backfill = await _locked(tx, team_id, backfill_id)
    if backfill.status not in ACTIVE:
        raise Refused(
            f"Backfill {backfill_id} is {backfill.status}: only an active one can be {verb}. Create another one."
        )
    return backfill


async def _locked(tx: Tx, team_id: int, backfill_id: int) -> Backfill:
    """The backfill, read again under its transfer's lock."""
    transfer_id = (await lookups.backfill(tx, team_id, backfill_id)).transfer_id
    await backfills.lock_transfer(tx, team_id, transfer_id)
    return await lookups.backfill(tx, team_id, backfill_id)


async def _lock(tx: Tx, team_id: int, transfer_id: int) -> backfills.LockedTransfer:
    transfer = await backfills.lock_transfer(tx, team_id, transfer_id)
    if transfer is None:
        raise lookups.no_transfer()
    return transfer
