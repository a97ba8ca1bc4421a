"""Runs outside any backfill: what a schedule or a person starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from dayfill.domain.days import latest_today, refresh_window
from dayfill.domain.run import Priority, Trigger
from dayfill.engine import allowances
from dayfill.errors import Missing, Refused
from dayfill.seams import Seams
from dayfill.store import days, runs, transfers
from dayfill.store.db import Tx


@dataclass(frozen=True, slots=True)
class Enqueued:
    """New runs with their days, newest first, and the waiting runs that other days joined."""

    run_ids: list[int]
    dates: list[date]
    joined: list[tuple[date, int]]


async def enqueue(
    tx: Tx,
    seams: Seams,
    team_id: int,
    transfer_id: int,
    dates: Sequence[date],
    *,
    trigger: Trigger,
    priority: Priority,
) -> Enqueued:
    """A Recurring run for each of these days; a day for which one waits already is joined, not doubled."""
    wanted = sorted(set(dates), reverse=True)
    new = await runs.insert_recurring(
        tx, team_id, transfer_id, wanted, trigger=trigger, priority=priority, now=seams.now()
    )
    joined = await runs.hasten(tx, transfer_id, [day for day in wanted if day not in new], priority)
    await days.queue(tx, transfer_id, [day.isoformat() for day in new])
    return Enqueued(list(new.values()), list(new), joined)


async def run_now(
    tx: Tx,
    seams: Seams,
    team_id: int,
    transfer_id: int,
    *,
    dates: Sequence[date] = (),
    window: int | None = None,
) -> Enqueued:
    """Load some days, or the last ``window`` days (default: the transfer's refresh window), before all other work.

    Raises:
        Missing: no such transfer in the team.
        Refused: a day lies in the future. Denied: a day lies before the team's history.
        Exceeded: the team's rows of the month are used up.
    """
    transfer = await transfers.get(tx, team_id, transfer_id)
    if transfer is None:
        raise Missing("Transfer not found.")
    if not dates:
        longest = max((s.refresh_window for s in transfer.configuration.schedules), default=1)
        dates = list(refresh_window(seams.now(), window or longest, transfer.zone))
    today = latest_today(seams.now(), transfer.zone)
    if max(dates) > today:
        raise Refused(f"{max(dates)} is in the future: the last possible day is {today}.")
    await allowances.check_history(tx, seams, team_id, min(dates))
    await allowances.check_rows(tx, seams, team_id)
    return await enqueue(tx, seams, team_id, transfer_id, dates, trigger=Trigger.MANUAL, priority=Priority.INTERACTIVE)


async def cancel_waiting(tx: Tx, seams: Seams, transfer_id: int) -> None:
    """Cancel what still waits of a transfer that is being deleted; what runs finishes."""
    await days.unqueue(tx, transfer_id, await runs.cancel_waiting_recurring(tx, transfer_id, seams.now()))
