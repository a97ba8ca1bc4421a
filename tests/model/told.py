"""What every chapter of a story needs: the world, its judge, and a line for each step."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TypeVar

from ground import Ground
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine
from judge import Judge

from dayfill.errors import RequestError
from world import Copy, World

One = TypeVar("One")

DAYS = 4
"""Days that stories are about, so few that everybody meets."""
PICKS = st.integers(0, 7)
"""Which one of several is meant, counted round; 0 is the newest, so a shrunk story is about the newest."""


class Told(RuleBasedStateMachine):
    """A world; after each step the dispatcher does its part and the judge looks."""

    def __init__(self, ground: Ground) -> None:
        super().__init__()
        self.world = World.create(ground)
        self.judge = Judge(self.world)
        self.copies: list[Copy] = []

    def tell(self, line: str, retried: Sequence[int] = ()) -> None:
        """One line of the story, and what follows from it. retried: backfills."""
        note(f"    # {line}")
        self.world.step()
        if not self.world.is_up:
            note("    #   (the server is down)")
        self.judge.look(retried)

    # -- when a step is possible

    def is_up(self) -> bool:
        return self.world.is_up

    def is_down(self) -> bool:
        return not self.world.is_up

    def has_backfill(self) -> bool:
        return self.is_up() and bool(self.world.rows("SELECT 1 FROM backfills LIMIT 1"))

    def has_slices(self) -> bool:
        return self.is_up() and bool(self.world.gates)

    def has_zombies(self) -> bool:
        return bool(self.world.zombies)

    # -- what a step is about

    def transfer(self, pick: int) -> int:
        """One transfer; who does something with it is of its team."""
        transfer_id = picked(sorted(self.world.transfers(), reverse=True), pick)
        self.world.be_owner(transfer_id)
        return transfer_id

    def backfill(self, pick: int, status: str = "%") -> tuple[int, str]:
        """One in this status, if there is one; who does something with it is of its team."""
        query = "SELECT backfill_id, status, team_id FROM backfills WHERE status LIKE :status ORDER BY backfill_id DESC"
        rows = self.world.rows(query, status=status) or self.world.rows(query, status="%")
        backfill_id, found, team_id = picked(rows, pick)
        self.world.be_of(int(str(team_id)))
        return int(str(backfill_id)), str(found)


def picked(several: Sequence[One], pick: int) -> One:
    return several[pick % len(several)]


async def asked(work: Awaitable[One], allowed: bool | None) -> One | None:
    """What a verb answers; it must refuse exactly what is not allowed. allowed: None if nobody can say."""
    try:
        answer = await work
    except RequestError as refused:
        assert not allowed, f"refused: {refused}"
        return None
    assert allowed is not False, "it is not refused"
    return answer
