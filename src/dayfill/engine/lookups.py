"""The objects that somebody names by their ids, or the error that says that their team has none."""

from __future__ import annotations

from dayfill.domain.backfill import Backfill
from dayfill.domain.transfer import Transfer
from dayfill.errors import Missing
from dayfill.store import backfills, transfers
from dayfill.store.db import Reader


async def transfer(db: Reader, team_id: int, transfer_id: int) -> Transfer:
    """Raises Missing: the team has no transfer with this id."""
    found = await transfers.get(db, team_id, transfer_id)
    if found is None:
        raise no_transfer()
    return found


def no_transfer() -> Missing:
    return Missing("Transfer not found; list those of the team.")


async def backfill(db: Reader, team_id: int, backfill_id: int) -> Backfill:
    """Raises Missing: the team has no backfill with this id."""
    found = await backfills.get(db, team_id, backfill_id)
    if found is None:
        raise Missing("Backfill not found; list those of the team.")
    return found
