"""Whose turn it is among those who wait, by start-time fair queueing: everyone has a tag, and the least goes next."""

from __future__ import annotations

from bisect import bisect_left, insort

DEFAULT_WEIGHT, MAX_WEIGHT = 1, 100
MOST_AWAY = 1_000
"""Tags of so many who are away are always kept, since a turn of theirs may not have ended."""


class FairQueue:
    """Those who wait, by their ids, in the order of their turns.

    Being served raises a tag by the turns that it took, divided by the weight. Whoever joins, or comes back, starts at
    the tag that was served last: ahead of all who have had a turn since, but with no turns saved up for the time away.
    So those who always wait get turns in proportion to their weights, and none waits for more than a few turns of each
    of the others, however they come and go.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._tags: dict[int, float] = {}
        self._waiting: list[tuple[float, int]] = []
        """Sorted; of equal tags the lesser id goes first."""

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, one: int) -> bool:
        place = self._place(one)
        return place < len(self._waiting) and self._waiting[place] == (self._tags.get(one), one)

    def __getitem__(self, place: int) -> int:
        """Whose turn comes after that of this many others."""
        return self._waiting[place][1]

    def first(self, most: int) -> list[int]:
        """Those whose turn is next, at most so many."""
        return [one for _, one in self._waiting[:most]]

    def join(self, one: int) -> None:
        """It waits from now on, if it does not already."""
        if one not in self:
            self._tags[one] = max(self._tags.get(one, 0.0), self._now)
            insort(self._waiting, (self._tags[one], one))

    def leave(self, one: int) -> None:
        """It waits no longer; what it has had is remembered until the others have had as much."""
        if one in self:
            del self._waiting[self._place(one)]

    def serve(self, one: int, turns: float, weight: int = DEFAULT_WEIGHT) -> None:
        """It had its turn, and goes on waiting."""
        self._now = max(self._now, self._tags[one])
        self.charge(one, turns, weight)

    def charge(self, one: int, turns: float, weight: int = DEFAULT_WEIGHT) -> None:
        """A turn that it had has turned out to take so many turns more."""
        waits = one in self
        self.leave(one)
        self._tags[one] = self._tags.get(one, self._now) + turns / weight
        if waits:
            insort(self._waiting, (self._tags[one], one))

    def forget(self) -> None:
        """Keep memory bounded: of those who are away drop the tags that the others have passed."""
        if len(self._tags) > len(self._waiting) + MOST_AWAY:
            self._tags = {one: tag for one, tag in self._tags.items() if tag > self._now or one in self}

    def _place(self, one: int) -> int:
        return bisect_left(self._waiting, (self._tags.get(one, 0.0), one))
