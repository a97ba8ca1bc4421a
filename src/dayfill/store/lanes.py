"""Lanes: the waiting runs of one transfer with one priority. Which of them have something to start, and what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from dayfill.domain.allowance import Allowance, month_of
from dayfill.domain.run import Priority
from dayfill.store.db import Reader, Tx, Values, micros


class Lane(NamedTuple):
    """What must be known of a lane to tell whose turn it is, and whether a slice of it could start.

    weight: of the transfer. A lane of which something has changed is another one, so it counts from the next look.
    """

    priority: int
    team_id: int
    transfer_id: int
    connection_id: int
    destination_id: int
    parallelism: int
    connection_parallelism: int
    weight: int
    team_weight: int


@dataclass(frozen=True, slots=True)
class Claimable:
    """A run that may start now. cause: of the failure of its last attempt."""

    run_id: int
    data_date: date
    attempts: int
    backfill_id: int | None
    cause: str | None


async def waiting(db: Reader, now: datetime, least_urgent: Priority) -> tuple[list[Lane], bool]:
    """The lanes with a run that could start now, as far as the state knows, up to a priority.

    Those of teams whose rows of the month are used up are left out; the second value is whether there are any.
    """
    values = {"least_urgent": int(least_urgent), "now": micros(now), "month": month_of(now)}
    read = db.all if least_urgent is Priority.INTERACTIVE else db.scan
    rows = await read("waiting_lanes", **values)
    ready = [Lane(*row[:9]) for row in rows if row[9] is None or not Allowance(row[9], None, row[10]).is_spent]
    return ready, len(ready) < len(rows)


async def claimable(tx: Tx, wanted: Sequence[tuple[Lane, int]], now: datetime) -> dict[Lane, list[Claimable]]:
    """Runs of these lanes that may start now, newest day first, of each lane so many at most."""
    lanes = {(lane.priority, lane.transfer_id): lane for lane, _ in wanted}
    values: list[Values] = [
        {"transfer_id": lane.transfer_id, "priority": lane.priority, "now": micros(now), "limit": most}
        for lane, most in wanted
    ]
    found: dict[Lane, list[Claimable]] = {lane: [] for lane, _ in wanted}
    for priority, transfer_id, run_id, day, *others in await tx.many("claimable_runs", values):
        found[lanes[priority, transfer_id]].append(Claimable(run_id, date.fromisoformat(day), *others))
    return found
