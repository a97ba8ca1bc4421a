"""What waits is read from indexes that hold nothing else, however long the history is."""

from __future__ import annotations

from datetime import timedelta

import pytest

import seeds
from dayfill.domain.run import Side
from dayfill.store import backlog
from dayfill.store.backlog import Backlog
from dayfill.store.queries import QUERIES
from installation import Installation
from worker import claim_some, materialise_all


async def test_an_empty_state_has_none(installation: Installation) -> None:
    nothing = {Side.SOURCE: 0, Side.DESTINATION: 0}
    assert await backlog.read(installation.db) == Backlog(0, 0, None, None, nothing)


async def test_what_waits_runs_and_rests_is_counted(installation: Installation) -> None:
    transfer = await seeds.transfer(installation)
    path = f"/teams/{installation.team_id}/transfers/{transfer.transfer_id}/backfills"
    await installation.client().post(path, json={"range_start": "2024-06-01", "range_end": "2024-06-05"})
    await materialise_all(installation)
    since = installation.now
    installation.pass_time(minutes=3)
    assert len(await claim_some(installation, 2)) == 2
    installation.execute("UPDATE destinations SET parked_until = 1")
    found = await backlog.read(installation.db)
    assert (found.queued, found.running, found.waiting_since) == (3, 2, since)
    assert found.next_slot == since.replace(hour=6) + timedelta(days=1)
    assert found.parked == {Side.SOURCE: 0, Side.DESTINATION: 1}


@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
async def test_each_part_has_its_index(installation: Installation) -> None:
    plan = [str(row[-1]) for row in installation.execute(f"EXPLAIN QUERY PLAN {QUERIES['backlog'].text}")]
    for index in ("runs_running", "runs_queued", "schedules_due", "connections_parked", "destinations_parked"):
        assert any(f"INDEX {index}" in step for step in plan), (index, plan)
    assert not [step for step in plan if step.startswith("SCAN runs") and "INDEX" not in step]
