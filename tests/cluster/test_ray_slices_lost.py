"""What a Ray cluster may lose: a worker, a node, itself. Its days are done again; none is lost, none counted twice."""

from __future__ import annotations

import os
import signal

import psutil
import pytest
from fleet import Fleet, ago
from ray_cluster import kill

pytestmark = pytest.mark.timeout(300)  # Ray takes long to start beside much else


async def test_the_days_of_a_killed_worker_are_loaded_by_another(fleet: Fleet) -> None:
    gate = fleet.folder / "gate"
    await fleet.backfill(fleet.transfer(gate=str(gate)), 1)
    fleet.start()
    (first,) = await fleet.until(fleet.readings)
    kill(first["pid"])
    await fleet.until(lambda: len(fleet.readings()) == 2)
    gate.touch()
    await fleet.ended(1)
    assert fleet.attempts() == [(str(ago(0)), 2)] and len(fleet.holds()) == 1
    assert len({one["pid"] for one in fleet.readings()}) == 2


async def test_the_day_of_a_frozen_worker_is_loaded_by_another_and_what_wakes_up_changes_nothing(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dayfill.engine.flights.GRACE_SECONDS", 0.5)
    gate = fleet.folder / "gate"
    await fleet.backfill(fleet.transfer(gate=str(gate), deadline=20), 1)
    fleet.start()
    (first,) = await fleet.until(fleet.readings)
    os.kill(first["pid"], signal.SIGSTOP)
    try:
        gate.touch()
        await fleet.ended(1)
        assert fleet.runs() == {"COMPLETED": 1} and fleet.attempts() == [(str(ago(0)), 2)]
        held = fleet.holds()
        assert first["version"] not in held.values() and not _is_through(first["pid"])
    finally:
        os.kill(first["pid"], signal.SIGCONT)
    await fleet.until(lambda: _is_through(first["pid"]))
    assert fleet.holds() == held


def _is_through(pid: int) -> bool:
    """Whether a worker has ended, or what it did: the order to end may have been lost while it was frozen."""
    try:
        return "IDLE" in " ".join(psutil.Process(pid).cmdline())
    except psutil.NoSuchProcess:
        return True


async def test_a_day_that_kills_its_worker_fails_and_the_others_are_loaded(fleet: Fleet) -> None:
    await fleet.backfill(fleet.transfer(poison=str(ago(9))), 24)
    fleet.start()
    await fleet.ended(24)
    assert fleet.runs() == {"COMPLETED": 23, "FAILED": 1}
    assert len(fleet.holds()) == 23 and str(ago(9)) not in fleet.holds()
    assert dict(fleet.attempts())[str(ago(9))] == 4


async def test_the_days_of_a_lost_node_are_loaded_by_another(fleet: Fleet) -> None:
    node = fleet.cluster.join(cpus=1)
    gate = fleet.folder / "gate"
    for _ in range(3):
        await fleet.backfill(fleet.transfer(gate=str(gate)), 1)
    fleet.start()

    def held() -> list[int]:
        """Workers in the middle of a slice; three that shared a task, as after quick ones, have parted by then."""
        return [one["pid"] for one in fleet.readings() if psutil.pid_exists(one["pid"])]

    await fleet.until(lambda: len(held()) == 3)
    there = {one.pid for one in fleet.cluster.processes() if one.ppid() in node or one.pid in node}
    lost = [pid for pid in held() if pid in there]
    assert len(lost) == 1, "one of three runs on the one CPU of the second node"
    for pid in there:
        kill(pid)
    await fleet.until(lambda: 2 in [count for _, count in fleet.attempts()])
    gate.touch()
    await fleet.ended(3)
    assert fleet.runs() == {"COMPLETED": 3} and sorted(count for _, count in fleet.attempts()) == [1, 1, 2]


async def test_while_the_cluster_is_gone_days_wait_and_lose_no_attempt(fleet: Fleet) -> None:
    """Last: it takes the cluster of all tests away and brings it back."""
    gate = fleet.folder / "gate"
    await fleet.backfill(fleet.transfer(gate=str(gate)), 6)
    fleet.start()
    await fleet.until(fleet.readings)
    fleet.cluster.kill()
    await fleet.until(lambda: fleet.executor.outage and fleet.runs() == {"QUEUED": 6})
    assert {count for _, count in fleet.attempts()} == {0} and fleet.executor.slots == 0
    assert "cannot be used" in str(fleet.executor.outage)
    gate.touch()
    fleet.cluster.start()
    await fleet.ended(6)
    assert fleet.runs() == {"COMPLETED": 6} and len(fleet.holds()) == 6
    assert {count for _, count in fleet.attempts()} == {1}
