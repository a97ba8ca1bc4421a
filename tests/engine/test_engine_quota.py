"""An API with 60 requests a minute that blocks for an hour, and one with a quota a day: who waits, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future

import pytest

from dayfill.executors.threads import ThreadsExecutor
from limited_api import DAY, HOUR, MINUTE, LimitedApi
from rig import Rig, last


def limited(rig: Rig, **traits: object) -> LimitedApi:
    """The source of the rig is such an API; a request takes a tenth of a second."""
    rig.source = LimitedApi(clock=lambda: rig.seams.monotonic(), **traits)
    rig.source.seconds = lambda days: rig.pass_time(seconds=0.1)
    return rig.source


class Threads(ThreadsExecutor):
    """The real one, which a test can wait for."""

    def __init__(self, slots: int) -> None:
        super().__init__(slots)
        self.futures: list[Future[object]] = []

    def submit(self, run: Callable[..., object], job: object) -> Future[object]:
        self.futures.append(super().submit(run, job))
        return self.futures[-1]


async def no_check(**_: object) -> list[str]:
    return []


async def load(rig: Rig, days: int, rate: int | None = None, tables: int = 1) -> float:
    """Back-fill so many days to the end, no day read twice and no attempt lost; returns the seconds that it took."""
    transfer = rig.transfer(tables=[f"t{n}" for n in range(tables)])
    rig.installation.execute("UPDATE transfers SET requests_per_minute = :rate", rate=rate)
    began = rig.seams.monotonic()
    backfill = await rig.backfill(transfer, last(days))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rig, "check", no_check)  # it reads all runs, in every one of the many passes
        await rig.settle()
    assert await rig.check() == []
    assert set(rig.runs(backfill).values()) == {("COMPLETED", 1)}
    assert rig.agrees(transfer) == sorted(last(days))
    assert len(rig.source.reads) == days * tables
    return rig.seams.monotonic() - began


async def test_told_of_the_limit_it_is_never_refused(rig: Rig) -> None:
    api = limited(rig)
    seconds = await load(rig, days=301, rate=60)
    assert api.refusals == []
    assert seconds <= 1.1 * (300 // 60) * MINUTE


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("block", [HOUR, 0.0], ids=["an hour", "until the next minute"])
async def test_not_told_it_is_refused_once_in_a_block(rig: Rig, restarts: bool, block: float) -> None:
    """The least that is possible without knowing the limit: a minute's worth, then the block, again and again."""
    api = limited(rig, restarts=restarts, block=block)
    seconds = await load(rig, days=600)
    assert (api.blocks, api.most_refusals()) == (9, 1)
    assert seconds <= 1.1 * 9 * (block or MINUTE)


@pytest.mark.parametrize(("restarts", "rate"), [(False, None), (True, None), (True, 600)])
async def test_a_quota_a_day_is_met_once_a_day(rig: Rig, restarts: bool, rate: int | None) -> None:
    api = limited(rig, allowed=100, window=DAY, block=0.0, restarts=restarts)
    seconds = await load(rig, days=400, rate=rate)
    assert (api.blocks, api.most_refusals()) == (3, 1)
    assert seconds <= 1.1 * 3 * DAY


async def test_a_block_without_a_stated_end_is_found_out_in_few_tries(rig: Rig) -> None:
    api = limited(rig, states=False, restarts=True)
    await load(rig, days=100)
    assert (api.blocks, api.most_refusals()) == (1, 8)


@pytest.mark.parametrize(("tables", "rate", "days"), [(3, 60, 50), (1, 7, 30), (2, 600, 700), (1, 90, 200)])
async def test_no_minute_holds_more_requests_than_were_allowed(rig: Rig, tables: int, rate: int, days: int) -> None:
    api = limited(rig, allowed=rate)
    api.seconds = lambda days: None
    seconds = await load(rig, days=days, rate=rate, tables=tables)
    assert api.refusals == []
    assert seconds <= days * tables * MINUTE / rate + 1.5


async def test_the_least_rate_of_a_connection_holds_for_all_its_transfers(rig: Rig) -> None:
    api = limited(rig)
    shared = rig.connection()
    for rate in (600, 60, None):
        transfer = rig.transfer(connection=shared)
        rig.installation.execute(
            "UPDATE transfers SET requests_per_minute = :rate WHERE transfer_id = :id", rate=rate, id=transfer
        )
        await rig.backfill(transfer, last(30))
    free = await rig.backfill(rig.transfer(), last(20))
    await rig.step()
    assert (await rig.get(free)).status == "COMPLETED", "another connection has no limit"
    api.answered.clear()
    await rig.settle()
    assert api.refusals == []
    assert {(await rig.get(backfill)).status for backfill in range(1, 5)} == {"COMPLETED"}
    assert 88 <= rig.seams.monotonic() <= 93


async def test_it_sleeps_until_the_next_request_may_go(rig: Rig) -> None:
    """No pass without a reason: for each request one that starts it, one that records it."""
    limited(rig)
    await load(rig, days=50, rate=60)
    assert rig.passes <= 2 * 50 + 10


async def test_on_real_threads_only_what_was_on_its_way_is_refused_too(rig: Rig) -> None:
    """The clock stands still but where the dispatcher waits for the end of a rest."""
    api = limited(rig)
    api.seconds = lambda days: None
    threads = Threads(8)
    rig.executor = threads  # type: ignore[assignment]
    backfill = await rig.backfill(rig.transfer(), last(150))
    while (await rig.get(backfill)).status != "COMPLETED":
        await rig.settle()
        await asyncio.gather(*(asyncio.wrap_future(future) for future in threads.futures))
    threads.close()
    assert set(rig.runs(backfill).values()) == {("COMPLETED", 1)}
    assert len(rig.source.reads) == 150
    assert api.blocks == 2
    assert api.most_refusals() <= 4, "slices under way at once"
    assert rig.seams.monotonic() == pytest.approx(2 * HOUR)
