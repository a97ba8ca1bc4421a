"""What teams may take, and what they have taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from dayfill.domain.allowance import Allowance, month_of
from dayfill.store.db import Reader, Tx, Values


async def get(db: Reader, team_id: int, now: datetime) -> Allowance:
    """The limits of a team beside the rows of the month that it is."""
    row = await db.one("get_allowance", team_id=team_id, month=month_of(now))
    assert row is not None, f"no team {team_id}"
    return Allowance(*row)


async def get_all(tx: Tx, team_ids: Sequence[int], now: datetime) -> dict[int, Allowance]:
    """`get` of each of these teams."""
    rows = await tx.many("get_allowance", [{"team_id": one, "month": month_of(now)} for one in team_ids])
    return {team_id: Allowance(*row) for team_id, row in zip(team_ids, rows, strict=True)}


async def put(tx: Tx, team_id: int, allowed: Allowance) -> None:
    """The limits of a team from now on; its rows are what they are."""
    limits = {"rows_per_month": allowed.rows_per_month, "history_days": allowed.history_days}
    await tx.one("set_allowance", team_id=team_id, weight=allowed.weight, **limits)


async def count_rows(tx: Tx, rows: Mapping[tuple[int, str], int]) -> None:
    """Rows that were committed, by team and month."""
    counted: list[Values] = [
        {"team_id": team, "month": month, "row_count": n} for (team, month), n in rows.items() if n
    ]
    await tx.many("count_rows", counted)


async def active_work(db: Reader, team_id: int) -> tuple[int, int]:
    """How many backfills of a team are active, and how many days they have left to do."""
    row = await db.one("active_work_of_team", team_id=team_id)
    assert row is not None
    return row[0], row[1]
