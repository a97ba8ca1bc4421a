"""Whose turn it is among all lanes that wait: urgent ones first, then teams, and transfers of each, shared by weight.

Kept in memory by who dispatches, and compared with the state now and then; after a takeover it starts anew.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import islice

from dayfill.domain.fair import FairQueue
from dayfill.domain.run import Priority
from dayfill.store.lanes import Lane

Cause = tuple[str, int]
"""What holds lanes up: a team, transfer, connection, destination or kind of slot, by id."""


class Lanes:
    """A lane that cannot start waits aside, behind what holds it up, where it costs nothing and keeps its turn.

    In each claim the first lane behind each cause is tried; the next ones follow once that one goes. Behind a cause
    that let some go in the last claim as many are tried at once, so that all of them are read together.
    """

    def __init__(self) -> None:
        self._known: set[Lane] = set()
        self._teams: dict[int, FairQueue] = {priority: FairQueue() for priority in sorted(Priority)}
        self._transfers: dict[tuple[int, int], FairQueue] = defaultdict(FairQueue)
        self._lanes: dict[tuple[int, int], Lane] = {}
        self._behind: dict[tuple[int, Cause], dict[Lane, None]] = {}
        self._causes: dict[Lane, Cause] = {}
        self._went: Counter[tuple[int, Cause]] = Counter()

    def __bool__(self) -> bool:
        """Whether any is known to wait."""
        return bool(self._known)

    def compare(self, found: Iterable[Lane], least_urgent: Priority) -> None:
        """Know just these lanes, as far as that priority."""
        wanted = set(found)
        for lane in [one for one in self._known - wanted if one.priority <= least_urgent]:
            self.drop(lane)
        for lane in wanted - self._known:
            self._known.add(lane)
            self._lanes[lane.priority, lane.transfer_id] = lane
            self._join(lane)

    def forget(self) -> None:
        """Who has had a turn long ago need not be remembered."""
        for queue in (*self._teams.values(), *self._transfers.values()):
            queue.forget()

    def retry(self) -> None:
        """What held lanes up may be over: the first ones behind it have their turn again."""
        went, self._went = self._went, Counter()
        for behind, lanes in self._behind.items():
            for lane in islice(lanes, max(1, went[behind])):
                self._join(lane)

    def next(self) -> Lane | None:
        """Whose turn it is."""
        return next(iter(self.upcoming(1)), None)

    def upcoming(self, most: int) -> list[Lane]:
        """So many lanes of the most urgent priority that waits, by and large in the order of their turns.

        The first is whose turn it is.
        """
        for priority, queue in self._teams.items():
            if queue:
                of_teams = [self._transfers[priority, team_id] for team_id in queue.first(most)]
                in_turn = (of_team[place] for place in range(most) for of_team in of_teams if place < len(of_team))
                return [self._lanes[priority, transfer_id] for transfer_id in islice(in_turn, most)]
        return []

    def serve(self, lane: Lane, followers: int) -> None:
        """A slice of it starts, and it goes on waiting; so many that were held up with it may try to follow."""
        if lane in self._causes:
            self._went[lane.priority, self._causes[lane]] += 1
        self._leave_cause(lane, followers)
        self._teams[lane.priority].serve(lane.team_id, 1, lane.team_weight)
        self._transfers[lane.priority, lane.team_id].serve(lane.transfer_id, 1, lane.weight)

    def charge(self, lane: Lane, turns: int) -> None:
        """A slice of it took as long as so many more."""
        self._teams[lane.priority].charge(lane.team_id, turns, lane.team_weight)
        self._transfers[lane.priority, lane.team_id].charge(lane.transfer_id, turns, lane.weight)

    def set_aside(self, lane: Lane, cause: Cause) -> None:
        """It cannot start, and neither can any other lane that waits for the same."""
        self._leave_queue(lane)
        if self._causes.get(lane) != cause:
            self._leave_cause(lane)
            self._causes[lane] = cause
            self._behind.setdefault((lane.priority, cause), {})[lane] = None

    def drop(self, lane: Lane) -> None:
        """It has nothing to start before the state says otherwise."""
        self._known.remove(lane)
        self._leave_queue(lane)
        self._leave_cause(lane)
        del self._lanes[lane.priority, lane.transfer_id]

    def _join(self, lane: Lane) -> None:
        self._teams[lane.priority].join(lane.team_id)
        self._transfers[lane.priority, lane.team_id].join(lane.transfer_id)

    def _leave_queue(self, lane: Lane) -> None:
        of_team = self._transfers[lane.priority, lane.team_id]
        of_team.leave(lane.transfer_id)
        if not of_team:
            self._teams[lane.priority].leave(lane.team_id)

    def _leave_cause(self, lane: Lane, followers: int = 1) -> None:
        """It does not wait for that any more, so the next ones may try."""
        cause = self._causes.pop(lane, None)
        if cause is None:
            return
        behind = self._behind[lane.priority, cause]
        del behind[lane]
        for follower in islice(behind, followers):
            self._join(follower)
        if not behind:
            del self._behind[lane.priority, cause]
