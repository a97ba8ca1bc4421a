"""What the pages are shown in tests: transfers with loaded, failed and waiting days, and names that contain markup."""

from __future__ import annotations

from datetime import date, timedelta

import seeds
from dayfill.domain.days import DayRange
from dayfill.domain.transfer import Transfer
from dayfill.engine import backfills
from installation import Installation
from worker import materialise_all, refused, work_off

EVIL = "<img src=x onerror=alert(1)>\"'&{{7*7777777}}</script>"
"""Shown as text it harms nobody."""
SHOWN = "&lt;img src=x onerror=alert(1)&gt;&#34;&#39;&amp;{{7*7777777}}&lt;/script&gt;"
LAST = date(2024, 6, 14)


def last(days: int) -> DayRange:
    return DayRange(LAST - timedelta(days=days - 1), LAST)


async def backfill(made: Installation, transfer_id: int, span: DayRange) -> int:
    """A new backfill; nothing of it is done."""
    async with made.db.write() as tx:
        new = await backfills.create(
            tx, made.server.seams, made.team_id, made.user_id, transfer_id, span, max_days=10_000
        )
    return new.backfill_id


async def named(made: Installation, name: str) -> Transfer:
    """A transfer with any name; its table, group and destination have plain ones."""
    [(count,)] = made.execute("SELECT count(*) FROM transfers")
    return await seeds.transfer(made, f"T{count}", display_name=name)


async def loaded(
    made: Installation, name: str = "Flights", days: int = 30, failed: int = 2, message: str = "No column x."
) -> int:
    """A transfer with so many days up to yesterday, of which the newest have failed; returns its id."""
    transfer = await named(made, name)
    await backfill(made, transfer.transfer_id, last(days))
    fail = {LAST - timedelta(days=ago): refused("SCHEMA", message) for ago in range(failed)}
    await work_off(made, fail)
    return transfer.transfer_id


async def waiting(made: Installation, transfer_id: int, days: int = 5) -> int:
    """A backfill of older days whose runs all wait; returns its id."""
    first = LAST - timedelta(days=400)
    new = await backfill(made, transfer_id, DayRange(first, first + timedelta(days=days - 1)))
    await materialise_all(made)
    return new
