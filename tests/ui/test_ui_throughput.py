"""The throughput of the last minutes, for who opens the page of a transfer while a backfill is at work."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import scenes
from browsing import Browser

from dayfill.domain.days import DayRange
from dayfill.store import day_details
from installation import Installation
from worker import claim_some, finish, materialise_all, refused

STEP = timedelta(seconds=2)


async def ended(made: Installation, seconds: int, days: int, failed: int = 0) -> None:
    """So many of the waiting days end after these seconds."""
    made.now += timedelta(seconds=seconds)
    orders = await claim_some(made, days)
    fail = {order.data_date: refused("SCHEMA", "No column x.") for order in orders[:failed]}
    await finish(made, orders, fail)


def shown(browser: Browser) -> list[tuple[int, int]]:
    [text] = re.findall(r'data-lately="([^"]*)"', browser.page)
    return [(int(ended), int(rows)) for ended, rows in (step.split() for step in text.rstrip(",").split(","))]


async def test_the_chart_begins_with_what_has_ended_in_the_last_three_minutes(
    installation: Installation, browser: Browser
) -> None:
    transfer = (await scenes.named(installation, "Flights")).transfer_id
    await scenes.backfill(installation, transfer, scenes.last(20))
    await materialise_all(installation)
    await ended(installation, 0, 2)  # longer ago than the chart goes back
    await ended(installation, 100, 5, failed=2)
    await ended(installation, 100, 3)
    installation.now += timedelta(seconds=1)
    await browser.open(f"/transfers/{transfer}")
    steps = shown(browser)
    assert len(steps) == 90
    assert [(at, days) for at, (days, _) in enumerate(steps) if days] == [(39, 5), (89, 3)]
    [(rows,)] = installation.execute("SELECT max(row_count) FROM transfer_days")
    assert (steps[39][1], steps[89][1]) == (3 * rows, 3 * rows), "failed days have brought none"


async def test_nothing_at_work_has_no_chart(installation: Installation, browser: Browser) -> None:
    transfer = await scenes.loaded(installation)
    assert "data-lately" not in (await browser.open(f"/transfers/{transfer}")).text


@pytest.mark.parametrize("step", [timedelta(seconds=2), timedelta(minutes=1)])
async def test_other_days_and_other_teams_are_not_counted(installation: Installation, step: timedelta) -> None:
    transfer, db = await scenes.loaded(installation, days=10, failed=0), installation.db
    span, now = scenes.last(4), installation.now + timedelta(seconds=1)
    mine = await day_details.settled_lately(db, installation.team_id, transfer, span, now, step, 3)
    assert [days for days, _ in mine] == [0, 0, 4]
    other = await installation.team("Second")
    assert (
        await day_details.settled_lately(db, other, transfer, DayRange(span.start, span.end), now, step, 3)
        == [(0, 0)] * 3
    )
