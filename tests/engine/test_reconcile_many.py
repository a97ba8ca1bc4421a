"""After a start with many destinations: so many are asked at one moment, and the others wait their turn."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from dayfill.engine import reconcile
from dayfill.store import transfers as stored
from rig import Rig, SteppedDispatcher, last

MANY, AT_ONCE = 6, 2


class Slow:
    """A ledger that answers when the test says so. asked: by which threads."""

    def __init__(self) -> None:
        self.answers, self.has_some = threading.Event(), threading.Event()
        self.asked: set[threading.Thread] = set()

    def greatest_token(self, config: object) -> int:
        self.asked.add(threading.current_thread())
        if len(self.asked) == AT_ONCE:
            self.has_some.set()
        self.answers.wait()
        return 0


@pytest.fixture
def slow(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    ledger = Slow()
    monkeypatch.setattr(reconcile, "AT_ONCE", AT_ONCE)
    monkeypatch.setattr(rig.destination, "greatest_token", ledger.greatest_token)
    monkeypatch.setattr(SteppedDispatcher, "waits_for_looks", False)
    yield ledger
    ledger.answers.set()


async def asked_for(rig: Rig) -> list[asyncio.Task[None]]:
    """The looks at many destinations, asked for at one moment."""
    await rig.step()
    reconciler = rig.dispatcher._reconciler
    for transfer in [rig.transfer() for _ in range(MANY)]:
        assert not reconciler.admits(await stored.job(rig.db, transfer))
    assert len(reconciler.looks) == MANY
    return list(reconciler.looks)


async def test_so_many_are_asked_at_one_moment_and_all_in_the_end(rig: Rig, slow: Slow) -> None:
    looks = await asked_for(rig)
    await asyncio.to_thread(slow.has_some.wait)
    for _ in range(50):
        await asyncio.sleep(0.001)
    assert len(slow.asked) == AT_ONCE
    slow.answers.set()
    await asyncio.wait(looks)
    assert len(slow.asked) == MANY


async def test_those_that_hang_make_way_for_the_others(rig: Rig, slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "PATIENCE_SECONDS", 0.0)
    backfills = [await rig.backfill(rig.transfer(), last(1)) for _ in range(AT_ONCE + 1)]
    for backfill in backfills:
        while (await rig.get(backfill)).status != "COMPLETED":
            await rig.settle()
    assert len(slow.asked) == AT_ONCE + 1, "none has answered yet"


async def test_a_stop_does_not_wait_for_those_whose_turn_has_not_come(rig: Rig, slow: Slow) -> None:
    looks = await asked_for(rig)
    await asyncio.to_thread(slow.has_some.wait)
    rig.dispatcher.stop()
    assert rig.task is not None
    await asyncio.wait(looks, return_when=asyncio.FIRST_COMPLETED)
    slow.answers.set()
    await rig.task
    rig.task = None
    assert len(slow.asked) == AT_ONCE
    assert sum(look.cancelled() for look in looks) == MANY - AT_ONCE
