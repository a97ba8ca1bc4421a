"""Tests of destinations take a time that tells nothing, and a team makes a few at once."""

from __future__ import annotations

import asyncio

import pytest

from dayfill.engine.trials import MOST_AT_ONCE, Trials
from dayfill.errors import Exceeded, Refused

ONE, OTHER = 1, 2


@pytest.mark.parametrize(("took", "waits"), [(0.0, 2.0), (0.5, 1.5), (2.0, 2.0), (3.5, 0.5)])
@pytest.mark.parametrize("found", [None, "Nothing listens there."])
async def test_the_time_of_a_test_does_not_tell_what_it_met(found: str | None, took: float, waits: float) -> None:
    clock, slept = iter((100.0, 100.0 + took)), list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def test() -> str | None:
        return found

    assert await Trials(lambda: next(clock), sleep).run(ONE, test) == found
    assert slept == [waits]


async def test_one_team_makes_a_few_at_once_and_holds_up_no_other() -> None:
    gate = asyncio.Event()

    async def sleep(_seconds: float) -> None:
        await gate.wait()

    async def test() -> str | None:
        return None

    trials = Trials(lambda: 0.0, sleep)
    tasks = [asyncio.create_task(trials.run(team_id, test)) for team_id in (OTHER, *[ONE] * MOST_AT_ONCE)]
    await asyncio.sleep(0)
    with pytest.raises(Exceeded, match="4 tests of this team are under way") as caught:
        await trials.run(ONE, test)
    assert caught.value.retry_after == 2
    gate.set()
    assert await asyncio.gather(*tasks, trials.run(OTHER, test)) == [None] * (MOST_AT_ONCE + 2)
    assert await trials.run(ONE, test) is None


async def test_what_is_not_tried_is_told_at_once_and_leaves_its_place() -> None:
    async def refused() -> str | None:
        raise Refused("There is no such type.")

    async def sleep(_seconds: float) -> None:
        raise AssertionError("there is nothing to hide")

    trials = Trials(lambda: 0.0, sleep)
    for _ in range(MOST_AT_ONCE + 1):
        with pytest.raises(Refused):
            await trials.run(ONE, refused)
