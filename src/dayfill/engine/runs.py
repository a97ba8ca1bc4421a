"""Runs outside any backfill: what a schedule or a person starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from dayfill.domain.days import FIRST_DAY, WHOLE, latest_today, refresh_window
from dayfill.domain.run import Priority, Trigger
from dayfill.domain.table_group import of_day, refreshed
from dayfill.domain.transfer import Table
from dayfill.engine import allowances, lookups
from dayfill.errors import Refused
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

    Tables without days are refreshed with a window, not with days that are named.

    Raises:
        Missing: no such transfer in the team.
        Refused: a day lies in the future, or no table has days. Denied: a day lies before the team's history.
        Exceeded: the team's rows of the month are used up.
    """
    transfer = await lookups.transfer(tx, team_id, transfer_id)
    tables = (await transfers.job(tx, transfer_id)).tables
    if not dates:
        longest = max((s.refresh_window for s in transfer.configuration.schedules), default=1)
        dates = refreshed(tables, refresh_window(seams.now(), window or longest, transfer.zone))
    if named := [day for day in dates if day != WHOLE]:
        refuse_without_days(tables)
        today = latest_today(seams.now(), transfer.zone)
        if max(named) > today:
            raise Refused(f"{max(named)} is in the future: the last possible day is {today}. Leave it out.")
        await allowances.check_history(tx, seams, team_id, min(named))
    await allowances.check_rows(tx, seams, team_id)
    return await enqueue(tx, seams, team_id, transfer_id, dates, trigger=Trigger.MANUAL, priority=Priority.INTERACTIVE)


def refuse_without_days(tables: Sequence[Table]) -> None:
    """Raises Refused if none of a transfer's tables has days."""
    if not of_day(tables, FIRST_DAY):
        raise Refused(
            "No table of this transfer has days (table_partition none): they are refreshed as a whole. Wait for the "
            "schedule, or start a run without dates."
        )


async def cancel_waiting(tx: Tx, seams: Seams, transfer_id: int) -> None:
    """Cancel what still waits of a transfer that is being deleted; what runs finishes."""
    await days.unqueue(tx, transfer_id, await runs.cancel_waiting_recurring(tx, transfer_id, seams.now()))
