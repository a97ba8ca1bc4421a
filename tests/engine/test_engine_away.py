"""The dispatcher and a cluster: what goes there, how much at once, and what its losses cost."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace as Of

import pytest

from dayfill.domain.run import LOST, MAX_ATTEMPTS
from dayfill.engine import offers
from dayfill.engine.away import Away
from dayfill.engine.budgets import SliceSize
from dayfill.engine.flights import GRACE_SECONDS
from dayfill.errors import Transient
from rig import Rig, ago, last

TOKEN = "t" * 32


class Fleet:
    """A cluster whose slices answer when the test lets them."""

    fault: str | None = None

    def __init__(self, slots: int) -> None:
        self.slots, self.closed = slots, False
        self.flying: list[Future[bytes]] = []

    def submit(self, job: bytes) -> Future[bytes]:
        self.flying.append(Future())
        return self.flying[-1]

    def close(self) -> None:
        self.closed = True


@pytest.fixture
async def fleet(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """The rig's dispatcher with a cluster of two slots, for every transfer whose name is not T1."""
    made = Fleet(2)
    rig.single_days()
    rig.gated()
    rig.start()
    rig.dispatcher._away, rig.dispatcher._claimer.has_cluster = Away(made, TOKEN), True
    monkeypatch.setattr(offers, "is_away", lambda job: job.transfer_id > 1)
    return made


async def test_here_and_away_have_slots_of_their_own(rig: Rig, fleet: Fleet) -> None:
    here, away = rig.transfer(parallelism=20), rig.transfer(parallelism=20)
    for transfer in (here, away):
        await rig.backfill(transfer, last(20))
    await rig.step()
    assert len(rig.executor.gates) == 8 and len(fleet.flying) == 2  # type: ignore[union-attr]
    fleet.slots = 5
    await rig.step()
    assert len(fleet.flying) == 5


async def test_slices_of_many_days_take_no_more_slots_than_there_are_on_either_side(rig: Rig, fleet: Fleet) -> None:
    rig.transfer()
    away = rig.transfer(parallelism=20)
    rig.dispatcher._claimer.sizes[away] = SliceSize(shares=False, days=4, growing=False)
    await rig.backfill(away, last(20))
    await rig.step()
    assert len(fleet.flying) == 2, "although there is room for others here"


async def test_a_cluster_that_is_gone_costs_no_attempt_and_a_worker_that_breaks_off_one(rig: Rig, fleet: Fleet) -> None:
    rig.transfer()
    backfill = await rig.backfill(rig.transfer(), last(2))
    await rig.step()
    fleet.slots = 0
    fleet.flying[0].set_exception(Transient("CLUSTER", "The cluster went away.", retry_after=0))
    fleet.flying[1].set_exception(RuntimeError("The worker died."))
    await rig.step()
    rig.pass_time(minutes=1)
    await rig.step()
    assert rig.runs(backfill) == {ago(0): ("QUEUED", 0), ago(1): ("QUEUED", 1)}
    assert len(fleet.flying) == 2, "there is no slot"


async def test_a_day_goes_to_another_worker_at_once_the_first_time_only(rig: Rig, fleet: Fleet) -> None:
    rig.transfer()
    backfill = await rig.backfill(rig.transfer(), last(1))
    await rig.step()
    fleet.flying[0].set_exception(RuntimeError("The worker died."))
    await rig.step()
    assert len(fleet.flying) == 2 and rig.runs(backfill)[ago(0)] == ("RUNNING", 2)
    fleet.flying[1].set_exception(RuntimeError("The worker died."))
    await rig.step()
    assert len(fleet.flying) == 2 and rig.runs(backfill)[ago(0)] == ("QUEUED", 2)
    rig.pass_time(seconds=4)
    await rig.step()
    assert len(fleet.flying) == 3


async def test_a_day_that_was_always_lost_takes_no_other_along_and_leaves_no_slot_empty(rig: Rig, fleet: Fleet) -> None:
    rig.transfer()
    transfer, fleet.slots = rig.transfer(), 0
    rig.dispatcher._claimer.sizes[transfer] = SliceSize(shares=False, days=8, growing=False)
    backfill = await rig.backfill(transfer, last(20))
    await rig.step()
    lost = {"cause": LOST, "attempts": MAX_ATTEMPTS - 1, "day": str(ago(1))}
    rig.installation.execute("UPDATE runs SET cause = :cause, attempts = :attempts WHERE data_date = :day", **lost)
    fleet.slots = 3
    await rig.step()
    running = [day for day, (status, _) in rig.runs(backfill).items() if status == "RUNNING"]
    assert sorted(running, reverse=True) == [ago(0), ago(1), ago(2)] and len(fleet.flying) == 3


async def test_at_the_deadline_a_slice_is_ended_where_it_runs(rig: Rig, fleet: Fleet) -> None:
    rig.transfer()
    backfill = await rig.backfill(rig.transfer(), last(1))
    await rig.step()
    rig.pass_time(seconds=600 + GRACE_SECONDS + 1)
    await rig.step()
    assert fleet.flying[0].cancelled() and rig.runs(backfill)[ago(0)] == ("QUEUED", 1)
    assert rig.dispatcher._budgets.hung.total() == 0


@pytest.mark.parametrize("has_cluster", [True, False])
async def test_a_close_ends_the_cluster_too(rig: Rig, fleet: Fleet, has_cluster: bool) -> None:
    if not has_cluster:
        rig.dispatcher._away = None
    rig.dispatcher.close()
    assert fleet.closed == has_cluster


@pytest.mark.parametrize(
    ("source", "settings", "destination", "is_away"),
    [
        ("FILES", {"path": "/srv/a.csv"}, "DWH_X", False),
        ("FILES", {"path": "https://example.com/a.csv"}, "DWH_X", True),
        ("FILES", {"path": "https://example.com/a.csv"}, "DWH_DUCKDB", False),
        ("SQL", {"path": "/srv/a.sqlite"}, "DWH_X", False),
        ("SQL", {"path": "", "host": "db.example.com"}, "DWH_X", True),
        ("DEMO_ADS", {}, "DWH_X", True),
    ],
)
def test_what_belongs_to_this_machine_is_loaded_by_it(
    source: str, settings: dict[str, str], destination: str, is_away: bool
) -> None:
    job = Of(source=Of(kind=source, settings=settings), destination=Of(kind=destination))
    assert offers.is_away(job) == is_away  # type: ignore[arg-type]
