"""Whose turn it was: after every claim of a story, by books of its own, that nobody was passed over.

Who could still start after a claim waited during all of it. So nothing less urgent may have started in it, no slot may
be free, and no other team, nor another transfer of the same team, may have had a turn while it was ahead by weight
already. Teams and transfers have the weights that the state says.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from dayfill.domain.allowance import month_of
from dayfill.domain.days import WHOLE
from dayfill.domain.run import LOST, MAX_ATTEMPTS, Priority
from dayfill.domain.slices import DayResult, Slice
from dayfill.engine import dispatch
from dayfill.engine.budgets import GOAL_SECONDS
from dayfill.engine.claim import Claimed, claim
from dayfill.engine.claimer import Claimer
from dayfill.engine.lanes import Lanes
from dayfill.engine.room import Room
from dayfill.seams import Seams
from dayfill.store.db import Tx, micros
from dayfill.store.lanes import Lane
from dayfill.store.queries import QUERIES

ALMOST = 1e-9
READY = f"""
SELECT r.priority, t.team_id, t.transfer_id, t.connection_id, t.destination_id, t.parallelism, c.parallelism, t.weight,
  m.weight, max(CASE WHEN r.data_date > '{WHOLE}' THEN 1 ELSE 0 END),
  max(CASE WHEN r.cause = '{LOST}' AND r.attempts = {MAX_ATTEMPTS - 1} THEN 1 ELSE 0 END),
  max(CASE WHEN c.parked_since IS NULL AND d.parked_since IS NULL AND c.revoked_time IS NULL THEN 1 ELSE 0 END)
FROM runs r
JOIN transfers t ON t.transfer_id = r.transfer_id
JOIN connections c ON c.connection_id = t.connection_id
JOIN destinations d ON d.destination_id = t.destination_id
JOIN teams m ON m.team_id = t.team_id
LEFT JOIN rows_of_months n ON n.team_id = t.team_id AND n.month = :month
WHERE r.status = 'QUEUED' AND r.not_before <= :now AND c.parked_until <= :now AND d.parked_until <= :now
  AND (m.rows_per_month IS NULL OR coalesce(n.row_count, 0) < m.rows_per_month)
  AND NOT EXISTS (SELECT 1 FROM runs held WHERE held.transfer_id = r.transfer_id AND held.data_date = r.data_date
    AND held.status = 'RUNNING')
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9"""
"""Lanes with something to start; whether one has days, whether a suspect, and whether nothing but a limit holds it up:
a suspect is waited for where a login is tried out or revoked too."""
WEIGHTS = "SELECT t.transfer_id, t.weight, t.team_id, m.weight FROM transfers t JOIN teams m ON m.team_id = t.team_id"

Line = tuple[Priority | int, int]
"""Those who take turns: the teams of a priority (0), or the transfers of a team in it."""


@dataclass
class Books:
    """How far each is ahead of the other in one line, in turns by weight, while the other could start.

    Never above 0 when it has its turn: the other would have had it. Below 0 it is behind, so that one may go on.
    """

    ahead: dict[tuple[int, int], float] = field(default_factory=dict)
    known: list[int] = field(default_factory=list)

    def know(self, everybody: Iterable[int]) -> None:
        """Who comes later is not behind those who are there; how far they are ahead of it nobody can say."""
        before = list(self.known)
        for one in everybody:
            if one not in self.known:
                self.ahead |= {(one, other): -math.inf for other in before}
                self.known.append(one)

    def serve(self, one: int, weight: int, waiting: Iterable[int]) -> list[int]:
        """It has a turn; returns those of the waiting ones who were passed over."""
        passed = [other for other in waiting if other != one and self.ahead.get((one, other), 0.0) > ALMOST]
        for other in waiting:
            self.ahead[one, other] = self.ahead.get((one, other), 0.0) + 1 / weight
        for other in self.known:
            self.ahead[other, one] = max(self.ahead.get((other, one), 0.0), 0.0) - 1 / weight
        return passed

    def charge(self, one: int, turns: float) -> None:
        for other in self.known:
            self.ahead[other, one] = self.ahead.get((other, one), 0.0) - turns

    def away(self, waiting: Iterable[int]) -> None:
        """Who could not start meanwhile has no claim to what the others had."""
        for pair, ahead in self.ahead.items():
            if pair[1] not in waiting:
                self.ahead[pair] = min(ahead, 0.0)


@dataclass
class Turns:
    """One story's books.

    admitted: the warehouses that may be loaded into. wrong: found since the judge looked last. weighed: the weight, the
    team and its weight with which a lane had its last turn.
    """

    admitted: Callable[[], set[int]]
    wrong: list[str] = field(default_factory=list)
    claimer: Claimer | None = None
    served: list[Lane] = field(default_factory=list)
    lines: dict[Line, Books] = field(default_factory=dict)
    weighed: dict[Lane, tuple[int, int, int]] = field(default_factory=dict)
    checked: int = 0

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        """Look at every claim of this story."""
        for name, text in ("ready_lanes", READY), ("weights", WEIGHTS):
            patch.setitem(QUERIES, name, replace(QUERIES["waiting_lanes"], name=name, text=text))
        served, learned = Lanes.serve, Claimer.learn

        def serve(lanes: Lanes, lane: Lane, followers: int) -> None:
            self.served.append(lane)
            served(lanes, lane, followers)

        def learn(claimer: Claimer, lane: Lane, work: Slice, results: Sequence[DayResult], seconds: float) -> None:
            if claimer is self.claimer:
                self.charge(lane, round(seconds / GOAL_SECONDS) - 1)
            learned(claimer, lane, work, results, seconds)

        patch.setattr(Lanes, "serve", serve)
        patch.setattr(Claimer, "learn", learn)
        patch.setattr(dispatch, "claim", self.claim)

    async def claim(self, tx: Tx, seams: Seams, claimer: Claimer, *, busy: bool = False) -> list[Claimed]:
        if claimer is not self.claimer:
            self.claimer, self.lines, self.weighed = claimer, {}, {}
        self.served, admitted = [], self.admitted()  # a look that ends during the claim opens one too late for it
        weights = await self._weights(tx)
        try:
            claimed = await claim(tx, seams, claimer, busy=busy)
        except BaseException:
            # They have had their turns, and will have to wait for the next ones.
            self._account(weights, self.served, [], [])
            raise
        self.checked += 1
        rows = await tx.all("ready_lanes", now=micros(seams.now()), month=month_of(seams.now()))
        # A suspect waits until nothing else runs, and all others wait for it.
        is_suspect = any(row[10] for row in rows) or any(one.alone for one in claimed)
        waiting = [] if is_suspect else self._ready(claimer, claimed, admitted, rows)
        # Of one that got something a table without days waits until none of its days does.
        had = {one.work.transfer_id for one in claimed}
        has_days = {Lane(*row[:9]) for row in rows if row[9]}
        ready = [lane for lane in waiting if lane.transfer_id not in had or lane in has_days]
        # A suspect starts without a turn, and what it takes counts all the same.
        self._account(weights, [*self.served, *(one.lane for one in claimed if one.alone)], ready, waiting)
        self._urgent_first(claimed, ready)
        if ready and not _room(claimer, claimed).is_full():
            self.wrong.append(f"TURN: a slot is free, and {ready[0]} could start")
        return claimed

    def charge(self, lane: Lane, turns: int) -> None:
        """A slice took so many turns more."""
        for line, one, weight in _places(lane, self.weighed) if turns > 0 else ():
            self.lines[line].charge(one, turns / weight)

    def _ready(
        self, claimer: Claimer, claimed: list[Claimed], admitted: set[int], rows: Iterable[Sequence[int]]
    ) -> list[Lane]:
        """Who could still start."""
        room, lanes = _room(claimer, claimed), [Lane(*row[:9]) for row in rows if row[11]]
        return [
            lane
            for lane in lanes
            if lane.destination_id in admitted and room.cause(lane, claimer.at_once(lane)) is None
        ]

    def _account(
        self, weights: Mapping[int, tuple[int, int, int]], served: list[Lane], ready: list[Lane], still: list[Lane]
    ) -> None:
        waiting: dict[Line, set[int]] = {}
        for lane in ready:
            for line, one, _ in _places(lane, {lane: weights[lane.transfer_id]}):
                waiting.setdefault(line, set()).add(one)
        for lane in served:
            self.weighed[lane] = weights[lane.transfer_id]
            for line, one, weight in _places(lane, self.weighed):
                books = self._books(line, weights)
                passed = books.serve(one, weight, waiting.get(line, set()))
                if passed:
                    self.wrong.append(f"TURN: {one} had its turn before {passed} of {line}; {weights}, {books.ahead}")
        for line, books in self.lines.items():
            books.away({lane.transfer_id if line[1] else lane.team_id for lane in still if _is_in(lane, line)})

    def _books(self, line: Line, weights: Mapping[int, tuple[int, int, int]]) -> Books:
        books = self.lines.setdefault(line, Books())
        everybody = {one[1] for one in weights.values()} if line[1] == 0 else weights
        books.know(sorted(everybody))
        return books

    def _urgent_first(self, claimed: list[Claimed], ready: list[Lane]) -> None:
        for lane in ready:
            for one in claimed:
                if one.lane.priority > lane.priority:
                    self.wrong.append(f"TURN: {one.lane} has started, and {lane}, which is more urgent, has not")

    async def _weights(self, tx: Tx) -> dict[int, tuple[int, int, int]]:
        """Transfer -> weight, team, weight of the team."""
        return {row[0]: (row[1], row[2], row[3]) for row in await tx.all("weights")}


def _places(lane: Lane, weights: Mapping[Lane, tuple[int, int, int]]) -> list[tuple[Line, int, int]]:
    """The lines in which it takes turns, as who, and with which weight."""
    weight, team_id, of_team = weights[lane]
    return [((lane.priority, 0), team_id, of_team), ((lane.priority, team_id), lane.transfer_id, weight)]


def _is_in(lane: Lane, line: Line) -> bool:
    return lane.priority == line[0] and line[1] in (0, lane.team_id)


def _room(claimer: Claimer, claimed: list[Claimed]) -> Room:
    """What is left after a claim."""
    room = Room(claimer.budgets)
    for one in claimed:
        room.picked.add(one.work.transfer_id, one.connection_id, one.trials, one.away)
    return room
