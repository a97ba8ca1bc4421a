"""What a team may take: the operator sets it, and the verbs that would take more are refused."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date

from dayfill.domain.allowance import MOST_ACTIVE, MOST_WAITING, Allowance, next_month
from dayfill.domain.fair import MAX_WEIGHT
from dayfill.errors import Denied, Exceeded, Missing, Refused
from dayfill.seams import Seams
from dayfill.store import allowances, teams
from dayfill.store.db import Reader, Tx

LARGEST_ROWS, LARGEST_DAYS = 10**15, 50_000
LONGEST_RETRY = 86_400
"""Seconds that a Retry-After may name (Supermetrics API documentation)."""


async def change(tx: Tx, seams: Seams, team_id: int, changes: Mapping[str, int | None]) -> tuple[Allowance, Allowance]:
    """Set limits of a team by their names in `Allowance` (None: no limit); what is not named stays.

    Returns them before and after.

    Raises:
        Missing: no such team. Refused: a number out of its bounds.
    """
    if await teams.get(tx, team_id) is None:
        raise Missing(f"Team {team_id} does not exist; see dayfill team list.")
    before = await allowances.get(tx, team_id, seams.now())
    wanted = Allowance(
        changes.get("rows_per_month", before.rows_per_month),
        changes.get("history_days", before.history_days),
        before.rows,
        changes.get("weight", before.weight) or 0,
    )
    _check("rows per month", wanted.rows_per_month, LARGEST_ROWS)
    _check("days of history", wanted.history_days, LARGEST_DAYS)
    if not 1 <= wanted.weight <= MAX_WEIGHT:
        raise Refused(f"The weight of a team must be 1 to {MAX_WEIGHT}.")
    await allowances.put(tx, team_id, wanted)
    return before, wanted


async def check_history(db: Reader, seams: Seams, team_id: int, first: date) -> None:
    """Raises Denied for a day that is older than the team may ask for."""
    allowed = await allowances.get(db, team_id, seams.now())
    earliest = allowed.first_day(seams.now())
    if earliest is not None and first < earliest:
        raise Denied(
            f"{first} is too old: this team may load up to {allowed.history_days:,} days back. Choose days "
            f"from {earliest} on.",
            code="LICENSE_HISTORICAL_RANGE_EXCEEDED",
        )


async def check_work(db: Reader, team_id: int, days: int) -> None:
    """Raises Refused if the team's backfills would become too many, or have too many days to do."""
    active, left = await allowances.active_work(db, team_id)
    if active >= MOST_ACTIVE:
        raise Refused(
            f"{active} backfills of this team are active, and {MOST_ACTIVE} may be: wait for one, or cancel one."
        )
    if left + days > MOST_WAITING:
        raise Refused(
            f"The active backfills of this team have {left:,} days left to do; {days:,} more would exceed the "
            f"{MOST_WAITING:,} that may wait. Wait for one, cancel one, or choose fewer days."
        )


async def check_rows(db: Reader, seams: Seams, team_id: int) -> None:
    """Raises Exceeded while the team's rows of the month are used up."""
    now = seams.now()
    allowed = await allowances.get(db, team_id, now)
    if allowed.is_spent:
        left = math.ceil((next_month(now) - now).total_seconds())
        raise Exceeded(allowed.spent(now), code="API_ROW_QUOTA_EXCEEDED", retry_after=min(LONGEST_RETRY, left))


def _check(name: str, value: int | None, most: int) -> None:
    if value is not None and not 1 <= value <= most:
        raise Refused(f"The {name} of a team must be 1 to {most:,}, or none.")
