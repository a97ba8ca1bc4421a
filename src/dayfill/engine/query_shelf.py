"""The queries that a server knows: those under way, and for an hour those that have ended.

In memory, not in the state: a result is worth an hour at most and is had again by asking again, while a table or files
of results would have to be written, backed up, swept and kept apart by team on disk. The price is that a restart
forgets them, which the answer to a poll then says. Rows are held as they are sent, so a page costs only its bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from dayfill.domain.query import Query, QueryStatus
from dayfill.engine.query_read import Result

KEPT_SECONDS = 3600.0
MOST_BYTES = 256 * 1024 * 1024
"""Of all results together; the oldest make room."""
MOST_OF_USER, MOST_IDS = 100, 50


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a query is: nobody else sees it, not even in the same team."""

    team_id: int
    user_id: int


@dataclass(frozen=True, slots=True)
class QueryError:
    """Why a query has no result: code for programs, sentence for people."""

    code: str
    description: str


@dataclass(eq=False, slots=True)
class Kept:
    """One query of its owner.

    asked: fingerprint of what the caller wrote. request_ids: of the requests that spoke of it, any of which names it;
    the first one and the newest. connection_id: the login that it reads with, 0 for none.
    began, ended: monotonic seconds; it begins anew when its turn comes. read_time: when the source was read.
    cache_used: that was for another query before.
    """

    owner: Owner
    schedule_id: str
    asked: str
    query: Query
    cache_minutes: int | None
    began: float
    connection_id: int = 0
    request_ids: list[str] = field(default_factory=list)
    status: QueryStatus = QueryStatus.SCHEDULED
    result: Result | None = None
    error: QueryError | None = None
    run_seconds: float = 0.0
    ended: float | None = None
    read_time: datetime | None = None
    cache_used: bool = False
    final: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    def spoken_of(self, request_id: str) -> None:
        """A request with this id speaks of the query, so that the next one may name it by that."""
        if len(self.request_ids) == MOST_IDS:
            del self.request_ids[1]
        self.request_ids.append(request_id)

    def end(self, status: QueryStatus, now: float) -> None:
        self.status, self.ended = status, now
        self.final.set()


@dataclass(slots=True)
class Shelf:
    """All queries of a server, oldest first."""

    queries: list[Kept] = field(default_factory=list)

    def add(self, one: Kept) -> None:
        """Keep one more; of too many of one owner the oldest that has ended goes."""
        self.queries.append(one)
        mine = [other for other in self.of(one.owner) if other.status.is_final]
        if len(mine) > MOST_OF_USER:
            self.queries.remove(mine[0])

    def of(self, owner: Owner) -> Iterator[Kept]:
        return (one for one in self.queries if one.owner == owner)

    def named(self, owner: Owner, name: str) -> Kept | None:
        """The newest query with this schedule id, or of which a request with this id spoke."""
        found = [one for one in self.of(owner) if name == one.schedule_id or name in one.request_ids]
        return found[-1] if found else None

    def read_before(self, wanted: Kept, since: float) -> Kept | None:
        """The newest result of an equal query with the same login that is not older than this monotonic second."""
        found = [
            one
            for one in self.of(wanted.owner)
            if one.result is not None
            and (one.query, one.connection_id) == (wanted.query, wanted.connection_id)
            and not one.cache_used
            and (one.ended or 0.0) >= since
        ]
        return found[-1] if found else None

    def under_way(self) -> list[Kept]:
        return [one for one in self.queries if not one.status.is_final]

    def forget(self, now: float) -> None:
        """Let go what ended an hour ago, and as many results as take up too much."""
        self.queries = [one for one in self.queries if one.ended is None or now - one.ended < KEPT_SECONDS]
        while self._bytes() > MOST_BYTES:
            self.queries.remove(next(one for one in self.queries if one.result is not None))

    def _bytes(self) -> int:
        """Of the results, of which several queries may share one."""
        return sum({id(one.result): one.result.lines.size for one in self.queries if one.result is not None}.values())
