"""Failed days of a transfer tried again, whatever failed them: from a backfill in it, others by a run of their own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from dayfill.domain.backfill import ACTIVE, BackfillStatus
from dayfill.engine import backfills, lookups, runs
from dayfill.errors import Refused
from dayfill.seams import Seams
from dayfill.store import failures
from dayfill.store.db import Tx
from dayfill.store.failures import FailedDay


@dataclass(frozen=True, slots=True)
class Retried:
    """How many days wait again, in which backfills, and how many of them by a run of their own."""

    days: int
    backfill_ids: tuple[int, ...]
    alone: int


def may_retry(day: FailedDay) -> bool:
    """Not while its backfill is active: that one counts the day as done, and offers it again at its end."""
    return day.status not in ACTIVE


async def retry(
    tx: Tx, seams: Seams, team_id: int, transfer_id: int, *, cause: str | None = None, fingerprint: str | None = None
) -> Retried:
    """Queue the failed days of one cause, or all, again.

    Raises:
        Missing: no such transfer in the team.
        Refused: no failed day matches, their backfills are still active, or another backfill stands in the way.
        Denied, Exceeded: see `runs.run_now`.
    """
    await lookups.transfer(tx, team_id, transfer_id)
    found = [
        day
        for day in await failures.days(tx, team_id, transfer_id)
        if cause in (None, day.cause) and fingerprint in (None, day.fingerprint)
    ]
    wanted = [day for day in found if may_retry(day)]
    if not wanted:
        raise Refused(_nothing(found))
    inside, alone = _by_backfill(wanted)
    for backfill_id, dates in inside.items():
        await backfills.retry(tx, seams, team_id, backfill_id, dates=dates)
    if alone:
        await runs.run_now(tx, seams, team_id, transfer_id, dates=alone)
    return Retried(len(wanted), tuple(sorted(inside)), len(alone))


def _by_backfill(wanted: Iterable[FailedDay]) -> tuple[dict[int, set[date]], list[date]]:
    inside: dict[int, set[date]] = defaultdict(set)
    alone: list[date] = []
    for day in wanted:
        if day.backfill_id is not None and day.status is BackfillStatus.FAILED:
            inside[day.backfill_id].add(day.data_date)
        else:
            alone.append(day.data_date)
    return inside, alone


def _nothing(found: list[FailedDay]) -> str:
    if not found:
        return "No failed day matches: they were queued again or loaded meanwhile. Look at the days again."
    ids = sorted({day.backfill_id for day in found if day.backfill_id is not None})
    named = ", ".join(str(backfill_id) for backfill_id in ids)
    return f"Backfill {named} is still active: wait for its end, then try its {len(found):,} failed days again."
