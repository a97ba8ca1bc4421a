"""Slices on a real Ray cluster: what runs there, what stays here, what is sent, and that nobody else can read it."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace

import pytest
from fleet import Fleet, ago, connected
from ray_cluster import RayCluster

from dayfill.cluster import token
from dayfill.engine import away, offers
from dayfill.executors.ray import RayExecutor

pytestmark = pytest.mark.timeout(300)  # Ray takes long to start beside much else
CANARY = "canary-7f31-p@ss-wörd"


async def test_the_days_of_a_backfill_are_loaded_by_workers_each_once(fleet: Fleet) -> None:
    await fleet.backfill(fleet.transfer(), 40)
    fleet.start()
    await fleet.ended(40)
    assert fleet.runs() == {"COMPLETED": 40} and len(fleet.holds()) == 40
    assert os.getpid() not in {one["pid"] for one in fleet.readings()}
    assert sorted(day for one in fleet.readings() for day in one["days"]) == [day for day, _ in fleet.attempts()]
    assert {count for _, count in fleet.attempts()} == {1}


async def test_a_server_without_a_node_goes_through_the_client_server(fleet: Fleet) -> None:
    fleet.executor = connected(fleet.cluster, fleet.cluster.client_address)
    try:
        await fleet.backfill(fleet.transfer(), 8)
        fleet.start()
        await fleet.ended(8)
        assert fleet.runs() == {"COMPLETED": 8} and len(fleet.holds()) == 8
    finally:
        await fleet.stop()
        fleet.executor.close()


async def test_a_second_server_joins_a_cluster_whose_cpus_are_all_taken(fleet: Fleet) -> None:
    gate = fleet.folder / "gate"
    for _ in range(2):
        await fleet.backfill(fleet.transfer(gate=str(gate)), 1)
    fleet.start()
    await fleet.until(lambda: len(fleet.readings()) == 2)
    second = connected(fleet.cluster)
    try:
        await fleet.until(lambda: second.slots)
        assert second.outage is None
    finally:
        second.close()
    gate.touch()
    await fleet.ended(2)


async def test_what_one_process_must_own_is_loaded_by_this_one(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offers.destinations, "LOCAL", {"DWH_SHELF"})
    await fleet.backfill(fleet.transfer(), 4)
    fleet.start()
    await fleet.ended(4)
    assert {one["pid"] for one in fleet.readings()} == {os.getpid()}


async def test_a_worker_opens_the_credentials_and_nothing_of_the_cluster_holds_them(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs: list[bytes] = []
    submit = RayExecutor.submit
    monkeypatch.setattr(RayExecutor, "submit", lambda self, job: jobs.append(job) or submit(self, job))
    await fleet.backfill(fleet.transfer(secret=CANARY, password=CANARY[::-1]), 2)
    fleet.start()
    await fleet.ended(2)
    assert [one["knows"] for one in fleet.readings()] == [{"password": False}] * 2, "opened, and not what was guessed"
    secret = CANARY.encode()
    assert jobs and not any(secret in job for job in jobs)
    kept = [path for path in fleet.cluster.folder.rglob("*") if path.is_file()]
    assert len(kept) > 10 and not [path for path in kept if secret in path.read_bytes()]
    assert not any(fleet.cluster.token.encode() in job for job in jobs)


async def test_a_worker_of_another_version_refuses_and_no_attempt_is_lost(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(away, "VERSION", "0.0.9/1")
    await fleet.backfill(fleet.transfer(), 1)
    fleet.start()
    rows = "SELECT status, attempts, cause, message FROM runs"
    (row,) = await fleet.until(lambda: [one for one in fleet.state(rows) if one[2]])
    assert row[:3] == ("QUEUED", 0, "WORKER")
    assert "0.0.9/1" in str(row[3]) and "install the same" in str(row[3])
    assert fleet.readings() == []
    monkeypatch.undo()
    await fleet.until(lambda: fleet.installation.pass_time(seconds=60) or fleet.runs() == {"COMPLETED": 1})


async def test_a_slice_that_hangs_is_ended_at_its_deadline_and_its_worker_is_free(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dayfill.engine.flights.GRACE_SECONDS", 0.5)
    await fleet.backfill(fleet.transfer(hang=str(ago(0)), deadline=1), 1)
    fleet.start()
    await fleet.ended(1)
    assert fleet.attempts() == [(str(ago(0)), 4)], "each attempt was ended"
    assert fleet.runs() == {"FAILED": 1}
    assert not fleet.dispatcher._budgets.hung.total()
    await fleet.backfill(fleet.transfer(), 8)
    await fleet.ended(9)
    assert fleet.runs() == {"FAILED": 1, "COMPLETED": 8}


async def test_a_cluster_that_refuses_the_servers_token_is_not_told_as_one_that_is_gone(fleet: Fleet) -> None:
    stranger = replace(fleet.cluster, token="w" * 64)
    both = [connected(stranger), connected(stranger, stranger.client_address)]
    fleet.start()
    try:
        for one in both:
            await fleet.until(lambda one=one: one.outage is not None and one.outage.remedy)
            assert one.outage is not None and one.outage.remedy == token.REFUSED
    finally:
        for one in both:
            one.close()


async def test_a_cluster_without_dayfill_or_one_that_asks_for_no_token_gets_no_job(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dayfill.executors.ray.MENDED_SECONDS", 0.1)
    open_one = RayCluster(mode="disabled", told={"WITHOUT_DAYFILL": "1"})
    try:
        open_one.start(cpus=1)
        open_one.told = {}
        fleet.executor = connected(open_one)
        await fleet.backfill(fleet.transfer(), 1)
        fleet.start()

        def told(what: str) -> bool:
            return fleet.executor.outage is not None and what in fleet.executor.outage.remedy

        await fleet.until(lambda: told("none of its nodes can load. ModuleNotFoundError: No module named 'dayfill'"))
        assert told("Install dayfill")
        await asyncio.to_thread(open_one.join)
        await fleet.until(lambda: told("Start every node with RAY_AUTH_MODE=token and the server"))
        assert fleet.executor.slots == 0
        assert fleet.runs() == {"QUEUED": 1} and fleet.attempts() == [(str(ago(0)), 0)]
    finally:
        fleet.executor.close()
        open_one.end()
