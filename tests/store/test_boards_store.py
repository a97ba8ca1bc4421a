"""The lists of pages are read alike from both databases: who needs somebody is found among many."""

from __future__ import annotations

import pytest

import seeds
from dayfill.store import boards
from dayfill.store.queries import QUERIES
from installation import Installation

DAY = "INSERT INTO transfer_days (transfer_id, data_date, settled, queued) VALUES (:id, :day, :state, :queued)"


async def test_those_that_need_somebody_are_found_among_all(installation: Installation) -> None:
    names = {}
    for name in ("Failing", "Healthy", "Paused", "Refused", "Revoked", "Tried again", "Young"):
        names[name] = (await seeds.transfer(installation, name.replace(" ", "_"), display_name=name)).transfer_id
    days = {"Failing": ("f", 0), "Healthy": ("l", 0), "Paused": ("f", 0), "Tried again": ("f", 1)}
    for name, (state, queued) in days.items():
        installation.execute(DAY, id=names[name], day="2024-06-01", state=state, queued=queued)
    installation.execute("UPDATE transfers SET state = 'paused' WHERE transfer_id = :id", id=names["Paused"])
    of = "WHERE connection_id = (SELECT connection_id FROM transfers WHERE transfer_id = :id)"
    for name, change in (("Revoked", "revoked_time = 1"), ("Refused", "parked_cause = 'AUTH', parked_until = 1")):
        login = await seeds.login(installation, "FILES")
        move = "UPDATE transfers SET connection_id = :c WHERE transfer_id = :id"
        installation.execute(move, c=login.connection_id, id=names[name])
        installation.execute(f"UPDATE connections SET {change} {of}", id=names[name])
    found = await boards.transfers(installation.db, installation.team_id, needy=True)
    assert [one.name for one in found] == ["Failing", "Refused", "Revoked", "Tried again"]
    assert [one.name for one in await boards.transfers(installation.db, installation.team_id, "Failing", 1)] == [
        "Healthy"
    ]
    assert await boards.count_transfers(installation.db, installation.team_id) == len(names)
    assert await boards.count_transfers(installation.db, installation.team_id + 1) == 0


@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
async def test_failed_days_are_looked_up_and_not_counted(installation: Installation) -> None:
    text = f"EXPLAIN QUERY PLAN {QUERIES['board_of_transfers'].text}"
    plan = [str(row[-1]) for row in installation.execute(text, team_id=1, after="", part="", needy=1, limit=9)]
    assert any("SEARCH f " in step and "days_failed" in step for step in plan), "\n".join(plan)
    assert not [step for step in plan if "SCAN" in step or "TEMP B-TREE" in step], plan
