"""Who goes next where there is room for a few at once: teams in turn, and none of them takes all the room."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque


def has_room(free: int, held: int) -> bool:
    """Whether a holder of so many places may have one more: only while more are free than it has.

    The first holder gets half of all, the next one half of the rest, so whoever comes late still finds a place.
    """
    return free > held


class Turns:
    """So many places, in which teams take turns; those of one team are served in the order of their coming.

    For one event loop. A place belongs to its team until it is given back.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._held: Counter[int] = Counter()
        self._waiting: OrderedDict[int, deque[asyncio.Future[None]]] = OrderedDict()
        """By team; whose team stands first is served first, and its team goes to the end."""

    async def take(self, team_id: int) -> None:
        """Wait for a place; whoever is cancelled meanwhile holds none."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(team_id, deque()).append(turn)
        self._serve()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._leave(team_id, turn)
            else:
                self.give_back(team_id)  # its turn came in the moment in which it was cancelled
            raise

    def give_back(self, team_id: int) -> None:
        self._free += 1
        self._held[team_id] -= 1
        self._serve()

    def _serve(self) -> None:
        while (team_id := self._next()) is not None:
            waiting = self._waiting[team_id]
            turn = waiting.popleft()
            self._waiting.move_to_end(team_id)
            if not waiting:
                del self._waiting[team_id]
            self._free -= 1
            self._held[team_id] += 1
            turn.set_result(None)

    def _next(self) -> int | None:
        return next((team_id for team_id in self._waiting if has_room(self._free, self._held[team_id])), None)

    def _leave(self, team_id: int, turn: asyncio.Future[None]) -> None:
        waiting = self._waiting[team_id]
        waiting.remove(turn)
        if not waiting:
            del self._waiting[team_id]
