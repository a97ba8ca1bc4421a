"""Data queries: started, waited for, polled. A few read at once, on their own threads; others wait for their turn.

Teams take turns, and a team whose source is slow leaves room for the others.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import structlog

from dayfill import sources
from dayfill.domain.connection import Connection, sealed_for
from dayfill.domain.query import Query, QueryStatus
from dayfill.domain.reach import Reaches
from dayfill.domain.run import MESSAGE_LENGTH
from dayfill.domain.slices import SourceJob
from dayfill.domain.source_settings import values_of
from dayfill.domain.transfer import RESERVED_SETTINGS, Account
from dayfill.engine import allowances, connections
from dayfill.engine.brakes import refuses_all
from dayfill.engine.configs import source_config
from dayfill.engine.parking import let_rest
from dayfill.engine.query_read import Result, read_query
from dayfill.engine.query_shelf import Kept, Owner, QueryError, Shelf
from dayfill.engine.turns import Turns, has_room
from dayfill.errors import Busy, ConnectorError, Exceeded, Refused, Transient
from dayfill.seams import Seams
from dayfill.secrets import Keyring, safe
from dayfill.sources import SourceConfig
from dayfill.store import connections as logins
from dayfill.store import parking
from dayfill.store.db import Database

__all__ = ["Asked", "Kept", "Owner", "Queries"]

SLOTS = 8
"""Queries that read at once; see `turns.has_room` for how many of them may be of one team."""
MOST_UNDER_WAY, MOST_OF_USER = 64, 8
"""Queries that wait or run, in all, of which a team gets as large a share, and of one user."""
MOST_WAITING_REQUESTS = 200
GRACE_SECONDS = 30.0
"""Beyond its deadline; a source that is still silent then is given up."""
_GIVEN_UP = frozenset({"TIMEOUT", "STOPPED"})

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request for a query.

    teams: whose logins may be used, the oldest first. login: which of them, empty for the newest. fingerprint: of what
    the caller wrote; schedule_id: the caller's own, or made of it.
    """

    teams: tuple[int, ...]
    user_id: int
    request_id: str
    schedule_id: str
    fingerprint: str
    query: Query
    cache_minutes: int | None = None
    login: str = ""


class Queries:
    """The queries of one server. reaches: what sources may open for each team."""

    def __init__(self, db: Database, seams: Seams, keyring: Keyring, reaches: Reaches) -> None:
        self._db, self._seams, self._keyring, self._reaches = db, seams, keyring, reaches
        self._shelf = Shelf()
        self._turns = Turns(SLOTS)
        self._pool = ThreadPoolExecutor(SLOTS, "query")
        self._stopping = threading.Event()
        self._waiting_requests = 0
        self._reading = 0

    async def start(self, asked: Asked) -> Kept:
        """Start a query, or join the one that is under way with this schedule id.

        Raises:
            Refused: the schedule id is taken by another query that is under way, or there is no such login.
            Denied: the range begins before the team's history.
            Exceeded: too many queries, or the source does not want to be asked. Busy: the server is stopping.
        """
        team_id, login = await _login(self._db, asked)
        await allowances.check_history(self._db, self._seams, team_id, asked.query.span.start)
        await _check_rest(self._db, self._seams, team_id, login, asked.query.data_source_id)
        owner, now = Owner(team_id, asked.user_id), self._seams.monotonic()
        self._shelf.forget(now)
        same = self._shelf.named(owner, asked.schedule_id)
        if same is not None and not same.status.is_final:
            if same.asked != asked.fingerprint:
                raise Refused(
                    f"Another query with schedule_id {asked.schedule_id} is under way; wait for it, or send another id."
                )
            same.spoken_of(asked.request_id)
            return same
        self._check_room(owner)
        connection_id = 0 if login is None else login.connection_id
        one = Kept(owner, asked.schedule_id, asked.fingerprint, asked.query, asked.cache_minutes, now, connection_id)
        one.spoken_of(asked.request_id)
        self._shelf.add(one)
        before = self._shelf.read_before(one, now - 60 * (asked.cache_minutes or 0))
        if before is not None and asked.cache_minutes:
            one.result, one.read_time, one.cache_used = before.result, before.read_time, True
            one.end(QueryStatus.SUCCESS, now)
        else:
            one.task = asyncio.create_task(self._run(one, _job(asked.query, team_id, login)))
        return one

    def find(self, teams: Sequence[int], user_id: int, name: str) -> Kept | None:
        """The user's query with this schedule id or request id, in any of these teams."""
        self._shelf.forget(self._seams.monotonic())
        found = (self._shelf.named(Owner(team_id, user_id), name) for team_id in teams)
        return next((one for one in found if one is not None), None)

    async def wait(self, one: Kept, seconds: float) -> None:
        """Until the query has ended, at most so long; not at all if too many requests wait already."""
        if one.status.is_final or seconds <= 0 or self._waiting_requests >= MOST_WAITING_REQUESTS:
            return
        self._waiting_requests += 1
        try:
            async with asyncio.timeout(seconds):
                await one.final.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting_requests -= 1

    def stop(self) -> None:
        """Let what is being read end at its next row."""
        self._stopping.set()

    def close(self) -> bool:
        """Take no more work; returns False if a source still holds a thread."""
        self.stop()
        for task in [one.task for one in self._shelf.under_way() if one.task is not None]:
            task.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)
        return not self._reading

    def _check_room(self, owner: Owner) -> None:
        under_way = self._shelf.under_way()
        if self._stopping.is_set():
            raise Busy("The server is stopping; ask again once it serves.")
        of_team = sum(one.owner.team_id == owner.team_id for one in under_way)
        of_user = sum(one.owner == owner for one in under_way)
        if of_user >= MOST_OF_USER or not has_room(MOST_UNDER_WAY - len(under_way), of_team):
            raise Exceeded(
                f"{of_team} queries of this team are under way, {of_user} of them yours; {MOST_OF_USER} of one user "
                "may be, and of one team as many as leave room for others. Wait for one of them to end.",
                retry_after=5,
            )

    async def _run(self, one: Kept, job: SourceJob) -> None:
        monotonic = self._seams.monotonic
        ends = monotonic() + one.query.deadline_seconds
        try:
            # Held until what the source said has been cleaned: only secrets in use are found in a text.
            config = source_config(job, self._keyring.open, self._reaches.of(one.owner.team_id))
            await self._turn(one)
            one.result = await self._read(one, config, lambda: ends - monotonic())
            one.run_seconds = monotonic() - one.began
            one.end(QueryStatus.SUCCESS, monotonic())
        except ConnectorError as error:
            self._fail(one, error)
            await _rest(self._db, self._seams, one.owner.team_id, job.connection_id, error)
        except Exception as error:
            log.exception("query failed", request_id=one.request_ids[0])
            self._fail(one, Transient("INTERNAL", f"Unexpected {type(error).__name__}; the server's log has it."))
        finally:
            self._shelf.forget(monotonic())

    async def _turn(self, one: Kept) -> None:
        """Wait for a slot, which `_read` gives back."""
        one.status = QueryStatus.QUEUED
        try:
            async with asyncio.timeout(one.query.deadline_seconds):
                await self._turns.take(one.owner.team_id)
        except TimeoutError:
            raise Transient("TIMEOUT", "The query's turn did not come before its deadline.") from None
        one.status, one.began, one.read_time = QueryStatus.RUNNING, self._seams.monotonic(), self._seams.now()

    async def _read(self, one: Kept, config: SourceConfig, left: Callable[[], float]) -> Result:
        """Read on a thread, whose slot is free again when the thread is, however long that takes."""
        query, team_id = one.query, one.owner.team_id

        def check() -> float:
            if self._stopping.is_set():
                raise Transient("STOPPED", "The server is stopping; ask again once it serves.")
            return left()

        def read() -> Result:
            return read_query(query, sources.get(query.data_source_id), config, check)

        reading = asyncio.get_running_loop().run_in_executor(self._pool, read)
        self._reading += 1
        reading.add_done_callback(lambda done: self._ended(done, team_id))
        await asyncio.wait([reading], timeout=max(left(), 0) + GRACE_SECONDS)
        if not reading.done():
            raise Transient("TIMEOUT", f"{query.data_source_id} did not answer before the query's deadline.")
        return reading.result()

    def _ended(self, reading: asyncio.Future[Result], team_id: int) -> None:
        self._reading -= 1
        self._turns.give_back(team_id)
        _ = reading.cancelled() or reading.exception()  # looked at, or asyncio complains that nobody waited for it

    def _fail(self, one: Kept, error: ConnectorError) -> None:
        one.error = QueryError(error.cause, safe(error.message, MESSAGE_LENGTH))
        one.run_seconds = self._seams.monotonic() - one.began
        one.end(QueryStatus.STOPPED if error.cause in _GIVEN_UP else QueryStatus.FAILURE, self._seams.monotonic())


async def _login(db: Database, asked: Asked) -> tuple[int, Connection | None]:
    """The login to read with and its team; without one the oldest team, since some sources need none."""
    kind = asked.query.data_source_id
    for team_id in asked.teams:
        if asked.login:
            found = await connections.usable(db, team_id, _number(asked.login, kind), kind)
        else:
            found = next(iter(await logins.in_force(db, team_id, kind, 1)), None)
        if found is not None:
            return team_id, found
    if asked.login:
        raise Refused(
            f"You have no login {asked.login[:100]!r} at {kind} that could be used; GET /ds/logins lists them."
        )
    return asked.teams[0], None


def _number(username: str, data_source_id: str) -> int:
    """The id in the username of a login, in any case; 0 if it is that of no login of the source."""
    match = re.fullmatch(rf"{re.escape(data_source_id)}-([1-9][0-9]{{0,9}})", username, re.IGNORECASE)
    return int(match[1]) if match else 0


async def _check_rest(db: Database, seams: Seams, team_id: int, login: Connection | None, kind: str) -> None:
    if login is None:
        return
    resting = await parking.connection_rest(db, team_id, login.connection_id, seams.now())
    if resting is not None and resting.until is not None:
        raise Exceeded(
            f"{kind} does not want to be asked before {resting.until:%Y-%m-%d %H:%M:%S} UTC; wait until then: "
            f"{resting.message}",
            retry_after=max(1, round((resting.until - seams.now()).total_seconds())),
        )


def _job(query: Query, team_id: int, login: Connection | None) -> SourceJob:
    """What the source is told."""
    settings = {name: value for name, value in values_of(query.settings).items() if name not in RESERVED_SETTINGS}
    job = SourceJob(
        kind=query.data_source_id,
        settings=settings,
        accounts=tuple(Account(account_id=account_id) for account_id in query.accounts),
        zone=query.zone,
    )
    if login is None:
        return job
    sealed_as = sealed_for(team_id, login.connection_id)
    return replace(job, sealed=login.sealed, sealed_for=sealed_as, connection_id=login.connection_id)


async def _rest(db: Database, seams: Seams, team_id: int, connection_id: int, error: ConnectorError) -> None:
    """A source that refuses the login as a whole is left alone by transfers too."""
    if not (connection_id and isinstance(error, Transient) and refuses_all(error)):
        return
    async with db.write() as tx:
        end = await parking.connection_end(tx, team_id, connection_id)
        jitter = seams.chance.random()
        said = safe(error.message, MESSAGE_LENGTH)
        await let_rest(tx, end, error.cause, said, error.retry_after, seams.now(), jitter)
