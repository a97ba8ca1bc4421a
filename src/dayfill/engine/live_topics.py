"""What is watched, as it was last told: the days and backfills of one transfer, or the backfills of a team."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from dayfill.domain.backfill import ACTIVE, Backfill
from dayfill.domain.days import BY_LETTER, WHOLE, DayState
from dayfill.domain.live import Event, Progress, Subject, TeamEvent
from dayfill.domain.pace import Pace
from dayfill.engine.waits import NO_CLUSTER, Waits
from dayfill.seams import Seams
from dayfill.store import backfills, boards, days
from dayfill.store.db import Database

KEPT_EVENTS = 512
"""What a watcher that lost its connection may have missed."""
MOST_KEYED = 1_000
"""So many moved days are read one by one by their keys; more of them by one scan."""
UNREAD = -1

LiveEvent = Event | TeamEvent


@dataclass(eq=False, slots=True)
class Topic(ABC):
    """One subject. pending: what was touched since it was last told; None is all of it."""

    db: Database
    seams: Seams
    subject: Subject
    waits: Waits = NO_CLUSTER
    watchers: set[Any] = field(default_factory=set)
    events: deque[LiveEvent] = field(default_factory=lambda: deque(maxlen=KEPT_EVENTS))
    is_touched: bool = False
    left_at: float = 0.0
    version: int | None = UNREAD
    progress: tuple[Progress, ...] = ()
    paces: dict[int, tuple[Pace, float, int, bool]] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """Of the last event."""
        return self.events[-1].number if self.events else 0

    @property
    def is_gone(self) -> bool:
        return self.version is None

    @abstractmethod
    def forget(self) -> None:
        """The next turn reads all of it."""

    @abstractmethod
    async def look(self) -> None:
        """See whether another process has changed something, or an estimate goes on with the clock."""

    @abstractmethod
    async def tell(self) -> LiveEvent | None:
        """Read what was touched; the event of it, if there is anything to tell."""

    @abstractmethod
    def whole(self) -> LiveEvent:
        """All of it as it was last told, for who has seen nothing yet."""

    def first(self, after: int | None) -> list[LiveEvent]:
        """What somebody is told who has seen the events up to this number; nothing before the first reading."""
        if self.version == UNREAD:
            self.forget()
            self.is_touched = True
            return []
        is_held = bool(self.events) and after is not None and after + 1 >= self.events[0].number
        return [one for one in self.events if one.number > (after or 0)] if is_held else [self.whole()]

    async def _paced(self, active: Iterable[Backfill]) -> tuple[Progress, ...]:
        """These with their pace, and once more those that were active at the last message."""
        now, clock = self.seams.now(), self.seams.monotonic()
        found = {one.backfill_id: one for one in active}
        for ended in self.paces.keys() - found.keys():
            one = await backfills.get(self.db, self.subject.team_id, ended)
            assert one is not None, "no backfill is ever deleted"
            found[ended] = one
        paces, self.paces = self.paces, {}
        told = []
        for backfill_id, one in sorted(found.items(), reverse=True):
            done = one.completed + one.failed
            if backfill_id in paces:
                pace, since, before, was_at_work = paces[backfill_id]
                pace = pace.after(clock - since if was_at_work else 0.0, max(done - before, 0))
            else:
                pace = Pace.since(one.worked(now), done)
            is_active = one.status in ACTIVE
            goes_on = is_active and one.paused_time is None and not await self._waits(one)
            if is_active:
                self.paces[backfill_id] = (pace, clock, done, goes_on or one.running > 0)
            told.append(Progress(one, pace.per_minute, pace.seconds_for(one.total - done) if goes_on else None))
        return tuple(told)

    async def _waits(self, one: Backfill) -> bool:
        """The pace says nothing of the end while nothing starts."""
        return await self.waits.of(self.db, one.team_id, one.transfer_id, self.seams.now()) is not None


@dataclass(eq=False, slots=True)
class TransferTopic(Topic):
    """The days of one transfer in memory: a message costs what has moved, not what is shown."""

    pending: set[str] | None = field(default_factory=set)
    start: date | None = None
    states: list[str] = field(default_factory=list)

    def forget(self) -> None:
        self.pending = None

    def touch(self, moved: set[str] | None) -> None:
        """These days have moved; None is any of them."""
        if moved is None or self.pending is None:
            self.pending = None
        else:
            self.pending |= moved
        self.is_touched = True

    async def look(self) -> None:
        version = await days.version(self.db, *self._key)
        if version != self.version:
            self.pending = None
        self.is_touched |= version != self.version or bool(self.paces)

    async def tell(self) -> Event:
        pending, self.pending = self.pending, set()
        moved = None if pending is None else await self._read_some(pending)
        if moved is None:
            moved = await self._read_all()
        self.progress = await self._paced(await backfills.active(self.db, *self._key))
        states = "".join(self.states) if moved is None else None
        return self._event(self.number + 1, states, tuple(moved or ()))

    def whole(self) -> Event:
        return self._event(self.number, "".join(self.states), ())

    @property
    def _key(self) -> tuple[int, int]:
        assert self.subject.transfer_id is not None
        return self.subject.team_id, self.subject.transfer_id

    async def _read_some(self, pending: set[str]) -> list[tuple[int, DayState]] | None:
        """Which of these days have changed; None if the whole must be read: they are many, or outside what is shown."""
        if self.start is None or len(pending) > MOST_KEYED:
            return None if pending else []
        read = await days.states_among(self.db, self._key[1], pending) if pending else []
        self.version = await days.version(self.db, *self._key)
        moved = []
        for day, state in read:
            if day == WHOLE:  # in no calendar
                continue
            at = (day - self.start).days
            if not 0 <= at < len(self.states):
                return None
            if self.states[at] != state:
                self.states[at] = state.value
                moved.append((at, state))
        return moved

    async def _read_all(self) -> list[tuple[int, DayState]] | None:
        """Which days have changed, all of them read; None if other days are shown now."""
        known = await days.drawn(self.db, *self._key)
        if known is None:  # the transfer was deleted: nothing moves any more
            self.version = None
            return []
        was, first, is_new = self.states, self.start, self.version == UNREAD
        self.start, letters, self.version = known
        self.states = list(letters)
        if is_new or first != self.start or len(was) != len(self.states):
            return None
        return [
            (at, BY_LETTER[now]) for at, (now, before) in enumerate(zip(letters, was, strict=True)) if now != before
        ]

    def _event(self, number: int, states: str | None, moved: tuple[tuple[int, DayState], ...]) -> Event:
        letters = "".join(self.states)
        counts = {state: letters.count(state) for state in DayState}
        return Event(number, self.subject, self.version, self.start, states, moved, counts, self.progress)


@dataclass(eq=False, slots=True)
class TeamTopic(Topic):
    """The active backfills of a team; that something else of a transfer has changed is told, and not what."""

    pending: set[int] | None = field(default_factory=set)

    def forget(self) -> None:
        self.pending = None

    def touch(self, transfer_ids: Iterable[int]) -> None:
        """Something of these transfers has changed, whosever they are."""
        if self.pending is not None:
            self.pending.update(transfer_ids)
        self.is_touched = True

    async def look(self) -> None:
        if await days.version_of_team(self.db, self.subject.team_id) != self.version:
            self.pending = None
        self.is_touched |= self.pending is None or bool(self.paces)

    async def tell(self) -> TeamEvent | None:
        pending, self.pending = self.pending, set()
        is_ours = pending is None or bool(pending and await boards.names(self.db, self.subject.team_id, pending))
        if not is_ours and not self.paces:
            return None
        self.version = await days.version_of_team(self.db, self.subject.team_id)
        before = self.progress
        self.progress = await self._paced(await boards.active_backfills(self.db, self.subject.team_id))
        return None if not is_ours and before == self.progress else self._event(self.number + 1)

    def whole(self) -> TeamEvent:
        return self._event(self.number)

    def _event(self, number: int) -> TeamEvent:
        return TeamEvent(number, self.subject, self.progress)
