"""Places that teams take in turn: who is served next, who waits, and what becomes of a place whose taker has gone."""

from __future__ import annotations

import asyncio

import pytest

from dayfill.engine.turns import Turns

A, B, C, D, E = range(1, 6)


class Line:
    """Those who take places, by name: a team and a number."""

    def __init__(self, places: int) -> None:
        self.turns = Turns(places)
        self.served: list[int] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def come(self, *teams: int) -> None:
        self.tasks += [asyncio.create_task(self._take(team_id)) for team_id in teams]
        await self.settle()

    async def _take(self, team_id: int) -> None:
        await self.turns.take(team_id)
        self.served.append(team_id)

    async def go(self, team_id: int) -> None:
        self.turns.give_back(team_id)
        await self.settle()

    async def settle(self) -> None:
        for _ in range(3):
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("places", "come", "served"),
    [
        (8, [A] * 9, [A] * 4),
        (8, [A] * 9 + [B] * 9 + [C] * 9 + [D] * 9 + [E], [A, A, A, A, B, B, C, D]),
        (1, [A, B], [A]),
    ],
)
async def test_each_team_leaves_room_for_the_next(places: int, come: list[int], served: list[int]) -> None:
    line = Line(places)
    await line.come(*come)
    assert line.served == served


async def test_teams_take_turns_however_many_of_one_wait() -> None:
    line = Line(1)
    await line.come(A, A, A, A, B, B, C)
    for team_id in (A, A, B, C, A, B):
        await line.go(team_id)
    assert line.served == [A, A, B, C, A, B, A]


async def test_who_goes_while_waiting_is_not_waited_for() -> None:
    line = Line(1)
    await line.come(A, B, C, C)
    line.tasks[1].cancel()
    line.tasks[2].cancel()
    await line.settle()
    await line.go(A)
    await line.go(C)
    assert line.served == [A, C]
    await line.come(A)
    assert line.served == [A, C, A]


async def test_a_place_given_to_one_who_goes_in_that_moment_is_given_to_the_next() -> None:
    line = Line(1)
    await line.come(A, B, C)
    line.turns.give_back(A)
    line.tasks[1].cancel()
    await line.settle()
    assert line.served == [A, C]
