"""What watchers of transfers see: their days, counts and backfills, told a few times a second and only what moved.

Fed after each commit with the days that it moved: a message costs what has changed, not what is shown. What another
process commits is found by the version of the days, looked at every other second.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date

import structlog

from dayfill.domain.backfill import ACTIVE
from dayfill.domain.days import WHOLE, DayState, vector
from dayfill.domain.live import Event, Progress
from dayfill.domain.pace import Pace
from dayfill.errors import Busy
from dayfill.seams import Seams
from dayfill.store import backfills, days
from dayfill.store.db import Database, Touched

COALESCE_SECONDS = 0.25
LOOK_EVERY_SECONDS = 2.0
QUIET_SECONDS = 15.0
KEPT_EVENTS, KEPT_SECONDS = 512, 60.0
"""What a watcher that lost its connection may have missed: so many events, for so long after the last one left."""
MOST_KEYED = 1_000
"""So many moved days are read one by one by their keys; more of them by one scan."""
MOST_STREAMS, MOST_STREAMS_OF_A_USER = 1_000, 20
UNREAD = -1
MOST_UNREAD = 64
"""A watcher that has not taken so many events is given the whole state instead."""

log = structlog.get_logger(__name__)


@dataclass(eq=False, slots=True)
class _Watcher:
    unread: asyncio.Queue[Event | None] = field(default_factory=lambda: asyncio.Queue(MOST_UNREAD))
    is_behind: bool = False

    def give(self, event: Event | None) -> None:
        """One more event; if too many wait unread, they give way to the whole state."""
        if self.unread.full():
            while not self.unread.empty():
                self.unread.get_nowait()
            self.is_behind = True
        self.unread.put_nowait(event)

    async def next(self) -> Event | None:
        """The next event; None if there is none for so long that the connection should be tried."""
        try:
            return await asyncio.wait_for(self.unread.get(), QUIET_SECONDS)
        except TimeoutError:
            return None


@dataclass(eq=False, slots=True)
class _Topic:
    """One watched transfer as it was last told."""

    team_id: int
    transfer_id: int
    watchers: set[_Watcher] = field(default_factory=set)
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=KEPT_EVENTS))
    pending: set[str] | None = field(default_factory=set)
    is_touched: bool = False
    left_at: float = 0.0
    start: date | None = None
    states: list[str] = field(default_factory=list)
    version: int | None = UNREAD
    progress: tuple[Progress, ...] = ()
    paces: dict[int, tuple[Pace, float, int]] = field(default_factory=dict)


class Hub:
    """The watched transfers of this process. incarnation: names its numbering, which no other process shares."""

    def __init__(self, db: Database, seams: Seams) -> None:
        self._db, self._seams = db, seams
        self.incarnation = seams.new_id().hex[:8]
        self._topics: dict[int, _Topic] = {}
        self._moved = asyncio.Event()
        self._streams: Counter[int] = Counter()
        self._is_closed = False
        db.on_commit(self._touched)

    async def run(self) -> None:
        """Tell what has changed, until cancelled. A turn that fails is logged; the next one tells the whole state."""
        while True:
            await self._wait()
            for topic in [one for one in self._topics.values() if one.is_touched]:
                try:
                    await self._tell(topic)
                except Exception:
                    topic.pending = None
                    log.exception("watchers_not_told", transfer_id=topic.transfer_id)

    def after(self, last_event_id: str) -> int | None:
        """The number in an id ``<incarnation>-<number>`` that this process has given; None for any other text."""
        incarnation, _, number = last_event_id.rpartition("-")
        is_ours = incarnation == self.incarnation and number.isascii() and number.isdigit() and len(number) < 16
        return int(number) if is_ours else None

    def close(self) -> None:
        """End every stream, and each that begins from now on: the server stops."""
        self._is_closed = True
        for topic in self._topics.values():
            for watcher in topic.watchers:
                watcher.give(None)

    def admit(self, user_id: int) -> None:
        """See that the user, and the server, may have one more stream.

        Raises:
            Busy: they have as many as there may be.
        """
        if self._is_full(user_id):
            raise Busy("Too many live streams are open: close some pages, then try again.", retry_after=5)

    def _is_full(self, user_id: int) -> bool:
        return self._streams[user_id] >= MOST_STREAMS_OF_A_USER or self._streams.total() >= MOST_STREAMS

    async def watch(
        self, user_id: int, team_id: int, transfer_id: int, after: int | None = None
    ) -> AsyncGenerator[Event | None, None]:
        """The events of a transfer: first those after number ``after``, or the whole state if they are not held.

        None where nothing has happened for a while. Ends with the transfer.
        """
        if self._is_full(user_id):  # more were admitted at one moment than there may be
            return
        self._streams[user_id] += 1
        topic = self._topics.setdefault(transfer_id, _Topic(team_id, transfer_id))
        watcher = _Watcher()
        topic.watchers.add(watcher)
        try:
            last = -1
            for first in self._first(topic, after):
                last = first.number
                yield first
            while topic.version is not None and not self._is_closed:
                event = await watcher.next()
                if watcher.is_behind:
                    watcher.is_behind = False
                    event = self._whole(topic)
                if event is None:
                    yield None
                elif event.number > last:
                    last = event.number
                    yield event
        finally:
            topic.watchers.discard(watcher)
            topic.left_at = self._seams.monotonic()
            self._streams[user_id] -= 1

    def _first(self, topic: _Topic, after: int | None) -> list[Event]:
        if topic.version == UNREAD:  # the next turn reads it and tells it whole
            self._touched({topic.transfer_id: None})
            return []
        is_held = bool(topic.events) and after is not None and after + 1 >= topic.events[0].number
        return [one for one in topic.events if one.number > (after or 0)] if is_held else [self._whole(topic)]

    def _touched(self, touched: Touched) -> None:
        for transfer_id, moved in touched.items():
            topic = self._topics.get(transfer_id)
            if topic is None:
                continue
            if moved is None or topic.pending is None:
                topic.pending = None
            else:
                topic.pending |= moved
            topic.is_touched = True
            self._moved.set()

    async def _wait(self) -> None:
        """Until something has moved and a moment has passed in which more could; or until it is time to look."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._moved.wait(), LOOK_EVERY_SECONDS)
            await asyncio.sleep(COALESCE_SECONDS)
        if not self._moved.is_set():
            await self._look()
        self._moved.clear()

    async def _look(self) -> None:
        """Find what other processes have changed, and let the estimates of what runs go on."""
        for topic in list(self._topics.values()):
            if not topic.watchers and self._seams.monotonic() - topic.left_at > KEPT_SECONDS:
                del self._topics[topic.transfer_id]
                continue
            version = await days.version(self._db, topic.team_id, topic.transfer_id)
            if version != topic.version:
                topic.pending = None
            topic.is_touched |= version != topic.version or bool(topic.paces)

    async def _tell(self, topic: _Topic) -> None:
        topic.is_touched = False
        pending, topic.pending = topic.pending, set()
        moved = None if pending is None else await self._read_some(topic, pending)
        if moved is None:
            moved = await self._read_all(topic)
        topic.progress = await self._read_progress(topic)
        number = topic.events[-1].number + 1 if topic.events else 1
        states = "".join(topic.states) if moved is None else None
        event = self._event(topic, number, states, tuple(moved or ()))
        topic.events.append(event)
        for watcher in topic.watchers:
            watcher.give(event)

    async def _read_some(self, topic: _Topic, pending: set[str]) -> list[tuple[int, DayState]] | None:
        """Which of these days have changed; None if the whole must be read: they are many, or outside what is shown."""
        if topic.start is None or len(pending) > MOST_KEYED:
            return None if pending else []
        read = await days.states_among(self._db, topic.transfer_id, pending) if pending else []
        topic.version = await days.version(self._db, topic.team_id, topic.transfer_id)
        moved = []
        for day, state in read:
            if day == WHOLE:  # in no calendar
                continue
            at = (day - topic.start).days
            if not 0 <= at < len(topic.states):
                return None
            if topic.states[at] != state:
                topic.states[at] = state.value
                moved.append((at, state))
        return moved

    async def _read_all(self, topic: _Topic) -> list[tuple[int, DayState]] | None:
        """Which days have changed, all of them read; None if other days are shown now."""
        known = await days.states(self._db, topic.team_id, topic.transfer_id)
        if known is None:  # the transfer was deleted: nothing moves any more
            topic.version = None
            return []
        was, first, is_new = topic.states, topic.start, topic.version == UNREAD
        topic.version = known.version
        topic.start = known.span.start if known.span else None
        topic.states = list(vector(known.span, known.states)) if known.span else []
        if is_new or first != topic.start or len(was) != len(topic.states):
            return None
        return [(at, DayState(now)) for at, now in enumerate(topic.states) if now != was[at]]

    async def _read_progress(self, topic: _Topic) -> tuple[Progress, ...]:
        """The active backfills, and once more those that were active at the last message."""
        now, clock = self._seams.now(), self._seams.monotonic()
        found = {one.backfill_id: one for one in await backfills.active(self._db, topic.team_id, topic.transfer_id)}
        for ended in topic.paces.keys() - found.keys():
            if (one := await backfills.get(self._db, topic.team_id, ended)) is not None:
                found[ended] = one
        paces, topic.paces = topic.paces, {}
        told = []
        for backfill_id, one in sorted(found.items(), reverse=True):
            done = one.completed + one.failed
            if backfill_id in paces:
                pace, since, before = paces[backfill_id]
                pace = pace.after(clock - since, max(done - before, 0))
            else:
                pace = Pace.since(now - (one.start_time or now), done)
            is_active = one.status in ACTIVE
            if is_active:
                topic.paces[backfill_id] = (pace, clock, done)
            left = one.total - done
            told.append(Progress(one, pace.per_minute, pace.seconds_for(left) if is_active else None))
        return tuple(told)

    def _whole(self, topic: _Topic) -> Event:
        number = topic.events[-1].number if topic.events else 0
        return self._event(topic, number, "".join(topic.states), ())

    def _event(self, topic: _Topic, number: int, states: str | None, moved: tuple[tuple[int, DayState], ...]) -> Event:
        counted = Counter(topic.states)
        counts = {state: counted[state.value] for state in DayState}
        return Event(number, topic.transfer_id, topic.version, topic.start, states, moved, counts, topic.progress)
