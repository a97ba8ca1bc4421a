"""Watchers of transfers and teams: told a few times a second, and only what moved.

Fed after each commit with the days that it moved: a message costs what has changed, not what is shown. What another
process commits is found by the version of the days, looked at every other second.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from dayfill.domain.live import Subject
from dayfill.engine.live_topics import LiveEvent, TeamTopic, Topic, TransferTopic
from dayfill.engine.waits import NO_CLUSTER, Waits
from dayfill.errors import Busy, Exceeded
from dayfill.seams import Seams
from dayfill.store.db import Database, Touched

COALESCE_SECONDS = 0.25
REST, LONGEST_REST = 9, 0.75
"""After a turn it rests so many times as long, in seconds at most: watchers do not hold up what they watch."""
LOOK_EVERY_SECONDS = 2.0
QUIET_SECONDS = 15.0
KEPT_SECONDS = 60.0
"""For so long after its last watcher left a subject goes on to be read: who comes back is told what it missed."""
MOST_STREAMS, MOST_STREAMS_OF_A_USER = 1_000, 20
MOST_UNREAD = 64
"""A watcher that has not taken so many events is given the whole state instead."""

log = structlog.get_logger(__name__)


@dataclass(eq=False, slots=True)
class _Watcher:
    topics: Sequence[Topic]
    quiet: float
    last: dict[Subject, int] = field(default_factory=dict)
    unread: asyncio.Queue[LiveEvent | None] = field(default_factory=lambda: asyncio.Queue(MOST_UNREAD))
    is_behind: bool = False

    def give(self, event: LiveEvent | None) -> None:
        """One more event; if too many wait unread, they give way to the whole state."""
        if self.unread.full():
            while not self.unread.empty():
                self.unread.get_nowait()
            self.is_behind = True
        self.unread.put_nowait(event)

    async def next(self) -> list[LiveEvent | None]:
        """What to say now; None if nothing was for so long that the connection should be tried."""
        try:
            event = await asyncio.wait_for(self.unread.get(), self.quiet)
        except TimeoutError:
            return [None]
        if self.is_behind:
            self.is_behind = False
            return [self.seen(topic.whole()) for topic in self.topics]
        if event is None:
            return [None]
        return [self.seen(event)] if event.number > self.last.get(event.subject, -1) else []

    def seen(self, event: LiveEvent) -> LiveEvent:
        """The event, which is not told again."""
        self.last[event.subject] = event.number
        return event

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to watch."""
        return self.unread.empty() and all(topic.is_gone for topic in self.topics)


class Hub:
    """What is watched in this process. incarnation: names its numbering, which no other process shares. waits: why
    nothing starts.
    """

    def __init__(self, db: Database, seams: Seams, waits: Waits = NO_CLUSTER) -> None:
        self._db, self._seams, self.waits = db, seams, waits
        self.incarnation = seams.new_id().hex[:8]
        self._transfers: dict[int, TransferTopic] = {}
        self._teams: dict[int, TeamTopic] = {}
        self._moved = asyncio.Event()
        self._streams: Counter[int] = Counter()
        self._is_closed = False
        db.on_commit(self._touched)

    async def run(self) -> None:
        """Tell what has changed, until cancelled. A turn that fails is logged; the next one tells the whole state."""
        took = 0.0
        while True:
            await self._wait(min(REST * took, LONGEST_REST))
            began = self._seams.monotonic()
            for topic in [one for one in self._topics() if one.is_touched]:
                try:
                    await _tell(topic)
                except Busy as error:
                    topic.forget()
                    log.warning("watchers_not_told", subject=topic.subject, why=error.description)
                except Exception:
                    topic.forget()
                    log.exception("watchers_not_told", subject=topic.subject)
            took = self._seams.monotonic() - began

    def after(self, last_event_id: str) -> int | None:
        """The number in an id ``<incarnation>-<number>`` that this process has given; None for any other text."""
        incarnation, _, number = last_event_id.rpartition("-")
        is_ours = incarnation == self.incarnation and number.isascii() and number.isdigit() and len(number) < 16
        return int(number) if is_ours else None

    def close(self) -> None:
        """End every stream, and each that begins from now on: the server stops."""
        self._is_closed = True
        for topic in self._topics():
            for watcher in topic.watchers:
                watcher.give(None)

    def admit(self, user_id: int) -> None:
        """See that the user, and the server, may have one more stream.

        Raises:
            Exceeded: they have as many as there may be.
        """
        if self._is_full(user_id):
            raise Exceeded("Too many live streams are open: close some pages, then try again.", retry_after=5)

    def _is_full(self, user_id: int) -> bool:
        return self._streams[user_id] >= MOST_STREAMS_OF_A_USER or self._streams.total() >= MOST_STREAMS

    async def watch(
        self, user_id: int, wanted: Mapping[Subject, int | None], quiet: float | None = None
    ) -> AsyncGenerator[LiveEvent | None, None]:
        """The events of these subjects, which are the user's: of each first those after its number, or its whole state
        if they are not held.

        None where nothing has happened for ``quiet`` seconds. Ends with the last of the subjects.
        """
        if self._is_full(user_id):  # more were admitted at one moment than there may be
            return
        watcher = _Watcher([self._topic(one) for one in wanted], quiet or QUIET_SECONDS)
        self._streams[user_id] += 1
        for topic in watcher.topics:
            topic.watchers.add(watcher)
        try:
            for missed in self._missed(watcher.topics, wanted):
                yield watcher.seen(missed)
            while not (self._is_closed or watcher.is_done):
                for event in await watcher.next():
                    yield event
        finally:
            for topic in watcher.topics:
                topic.watchers.discard(watcher)
                topic.left_at = self._seams.monotonic()
            self._streams[user_id] -= 1

    def _missed(self, topics: Sequence[Topic], wanted: Mapping[Subject, int | None]) -> list[LiveEvent]:
        missed = [event for topic in topics for event in topic.first(wanted[topic.subject])]
        if any(topic.is_touched for topic in topics):
            self._moved.set()
        return missed

    def _topic(self, subject: Subject) -> Topic:
        if subject.transfer_id is None:
            return self._teams.setdefault(subject.team_id, TeamTopic(self._db, self._seams, subject, self.waits))
        return self._transfers.setdefault(
            subject.transfer_id, TransferTopic(self._db, self._seams, subject, self.waits)
        )

    def _topics(self) -> Iterator[Topic]:
        yield from list(self._transfers.values())
        yield from list(self._teams.values())

    def _touched(self, touched: Touched) -> None:
        for transfer_id, moved in touched.items():
            if (topic := self._transfers.get(transfer_id)) is not None:
                topic.touch(moved)
                self._moved.set()
        for team in self._teams.values():
            team.touch(touched)
            self._moved.set()

    async def _wait(self, rest: float) -> None:
        """Until something has moved and a moment has passed in which more could; or until it is time to look."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._moved.wait(), LOOK_EVERY_SECONDS)
            await asyncio.sleep(max(COALESCE_SECONDS, rest))
        if not self._moved.is_set():
            await self._look()
        self._moved.clear()

    async def _look(self) -> None:
        """Find what other processes have changed, and let the estimates of what runs go on."""
        for topic in self._topics():
            if topic.watchers or self._seams.monotonic() - topic.left_at <= KEPT_SECONDS:
                try:
                    await topic.look()
                except Exception:  # reading all of it instead will fail likewise, and say so
                    topic.forget()
                    topic.is_touched = True
            elif topic.subject.transfer_id is None:
                del self._teams[topic.subject.team_id]
            else:
                del self._transfers[topic.subject.transfer_id]


async def _tell(topic: Topic) -> None:
    topic.is_touched = False
    event = await topic.tell()
    if event is not None:
        topic.events.append(event)
        for watcher in topic.watchers:
            watcher.give(event)
