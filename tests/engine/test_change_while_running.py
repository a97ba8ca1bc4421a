"""A transfer that changes while its days are loaded: what is called loaded is what it loads now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date

import pytest

import seeds
from dayfill.domain.days import DayRange
from dayfill.domain.destination import Wanted
from dayfill.domain.transfer import SourceSetting, Transfer
from dayfill.engine import backfills, destinations
from dayfill.store import invariants
from installation import Installation
from worker import claim_some, finish, materialise_all, work_off

Change = Callable[[Installation, Transfer], Awaitable[object]]


async def another_file(installation: Installation, made: Transfer) -> None:
    moved = replace(made.configuration, settings=(SourceSetting("path", "/elsewhere.csv"),))
    await seeds.update(installation, made.transfer_id, moved)


async def another_warehouse(installation: Installation, made: Transfer) -> None:
    wanted = Wanted("DWH_DUCKDB", "Flights warehouse", {"path": "/srv/elsewhere.duckdb"})
    async with installation.db.write() as tx:
        await destinations.update(
            tx,
            installation.server.seams,
            installation.keyring,
            installation.team_id,
            made.configuration.destination_id,
            wanted,
        )


async def another_name(installation: Installation, made: Transfer) -> None:
    await seeds.update(installation, made.transfer_id, replace(made.configuration, display_name="Renamed"))


async def running(installation: Installation) -> Transfer:
    """A transfer with a backfill of two days."""
    made = await seeds.transfer(installation)
    async with installation.db.write() as tx:
        span = DayRange(date(2024, 6, 1), date(2024, 6, 2))
        await backfills.create(
            tx,
            installation.server.seams,
            installation.team_id,
            installation.user_id,
            made.transfer_id,
            span,
            max_days=9,
        )
    await materialise_all(installation)
    return made


@pytest.mark.parametrize("change", [another_file, another_warehouse])
async def test_a_day_that_is_being_loaded_is_loaded_again_as_the_transfer_is_now(
    installation: Installation, change: Change
) -> None:
    made = await running(installation)
    before = await claim_some(installation, most=1)
    await change(installation, made)
    await finish(installation, before)
    assert installation.execute("SELECT status, attempts, cause FROM runs ORDER BY run_id") == [
        ("QUEUED", 0, "CHANGED"),
        ("QUEUED", 0, None),
    ]
    installation.pass_time(seconds=10)
    await work_off(installation)
    token = max(order.token for order in before)
    assert installation.execute("SELECT settled, token > :token FROM transfer_days", token=token) == [("l", 1)] * 2
    assert installation.execute("SELECT status FROM backfills") == [("COMPLETED",)]
    async with installation.db.write() as tx:
        assert await invariants.check(tx) == []


async def test_a_change_that_alters_no_reading_lets_it_go_on(installation: Installation) -> None:
    made = await running(installation)
    before = await claim_some(installation, most=1)
    await another_name(installation, made)
    await finish(installation, before)
    assert installation.execute("SELECT count(*) FROM runs WHERE status = 'COMPLETED'") == [(1,)]
