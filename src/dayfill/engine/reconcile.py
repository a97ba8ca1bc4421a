"""After a start: what each destination really holds, before its state is trusted and its tokens are drawn.

A destination is looked at once per incarnation, before its first claim: a ledger with a greater token than the state
has ever drawn means that the state was restored from an older copy, so the sequence goes on above it. Then loaded days
are held against the ledger, if the last dispatcher did not stop in order, or if the greatest tokens already disagree:

- an older reading in the ledger, or none: the day is stale, for what was loaded is not there any more;
- a later reading: the day is stale too, and carries what the ledger says. It cannot count as loaded, because a loaded
  day names the completed run that loaded it, and here the record of that run was lost, or the run itself (a restored
  state). A day that a run is loading at this moment is left to it.

The comparison does not hold up claims: it moves a day only while its token is the one that was compared.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from threading import Thread
from typing import TypeVar

import structlog

from dayfill import destinations
from dayfill.destinations import DestinationConfig
from dayfill.domain.audit import DISPATCHER, Act
from dayfill.domain.reach import Reaches
from dayfill.domain.slices import TransferJob
from dayfill.engine import audit
from dayfill.engine.configs import Unseal, destination_config
from dayfill.engine.ledgers import differing, ledger_days
from dayfill.engine.record import TOKEN_GAP
from dayfill.errors import Busy, ConnectorError, NotLeading
from dayfill.seams import Seams
from dayfill.store import days, runs, teams, transfers
from dayfill.store.days import Differing
from dayfill.store.db import Database

AGAIN_SECONDS = 60.0
"""A look that failed counts so long: meanwhile the loads say themselves what is wrong. Then it is made again."""
BUSY_SECONDS = 1.0
"""After a look for which the state had no time, as while its database restarts."""
PATIENCE_SECONDS = 60.0
"""A destination that does not answer holds its claims back no longer; the loads have deadlines of their own.

So long it keeps its place among `AT_ONCE`, and no longer."""
AT_ONCE = 16
"""So many destinations are asked at one moment, a thread and a connection for each; the others wait their turn."""

Answer = TypeVar("Answer")
log = structlog.get_logger(__name__)


class Reconciler:
    """Looks at the destinations of one dispatcher. changed: called when runs of one may be claimed from now on."""

    def __init__(
        self,
        db: Database,
        seams: Seams,
        unseal: Unseal,
        installation_id: str,
        changed: Callable[[], None],
        reaches: Reaches,
    ) -> None:
        self._db, self._seams, self._changed = db, seams, changed
        self._installation_id, self._unseal, self._reaches = installation_id, unseal, reaches
        self._admitted_until: dict[int, float] = {}
        self._looks: dict[int, asyncio.Task[None]] = {}
        self._places = asyncio.Semaphore(AT_ONCE)
        self._queued: set[asyncio.Task[None] | None] = set()
        self._owed: set[int] = set()
        self._has_begun = False

    @property
    def looks(self) -> Collection[asyncio.Task[None]]:
        """Looks that have not ended."""
        return list(self._looks.values())

    async def begin(self) -> None:
        """Before anything is claimed; after an unclean stop every destination is looked at, asked for or not."""
        if self._has_begun:
            return
        async with self._db.write() as tx:
            stopped_cleanly = await teams.start_dispatching(tx)
        for destination_id, transfer_id in [] if stopped_cleanly else await days.loaded_destinations(self._db):
            self._owed.add(destination_id)
            self._look_at(await transfers.job(self._db, transfer_id))
        self._has_begun = True

    def admits(self, job: TransferJob) -> bool:
        """Whether runs of this transfer may be claimed; if not, its destination is being looked at."""
        if self._admitted_until.get(job.destination_id, 0.0) > self._seams.monotonic():
            return True
        self._look_at(job)
        return False

    def forget(self) -> None:
        """Another server dispatches: should this one ever do so again, it looks as after a start."""
        self._has_begun = False
        self._admitted_until.clear()
        self._owed.clear()

    async def end(self) -> None:
        """The dispatcher has stopped in order. Destinations that could not be compared are at the next start.

        Looks under way are waited for: an interpreter that ends while a thread is in native code may abort. Those that
        wait for their turn are not made.
        """
        for look in self.looks:
            if look in self._queued:
                look.cancel()
        if self._looks:
            await asyncio.wait(self.looks)
        if self._has_begun and not self._owed:
            async with self._db.write() as tx:
                await teams.stop_dispatching(tx)

    def close(self) -> None:
        """Wait for nothing any more."""
        for look in self.looks:
            look.cancel()

    def _look_at(self, job: TransferJob) -> None:
        if job.destination_id not in self._looks:
            self._looks[job.destination_id] = asyncio.create_task(self._look(job))

    def _admit(self, destination_id: int, seconds: float) -> None:
        self._admitted_until[destination_id] = self._seams.monotonic() + seconds
        self._changed()

    async def _look(self, job: TransferJob) -> None:
        try:
            await self._look_when_not_busy(job)
        except NotLeading:
            return  # whoever dispatches looks for itself
        except ConnectorError as error:
            log.warning("destination_not_looked_at", destination_id=job.destination_id, why=error.message)
            self._admit(job.destination_id, AGAIN_SECONDS)
        except Exception:
            log.exception("look_failed", destination_id=job.destination_id)
            self._admit(job.destination_id, AGAIN_SECONDS)
        finally:
            del self._looks[job.destination_id]

    async def _look_when_not_busy(self, job: TransferJob) -> None:
        while True:
            try:
                return await self._reconcile(job)
            except Busy as error:  # that is the state's, and says nothing of the destination
                log.warning("destination_not_looked_at", destination_id=job.destination_id, why=error.description)
            await asyncio.sleep(BUSY_SECONDS)

    def _config(self, job: TransferJob) -> DestinationConfig:
        reach = self._reaches.of(job.team_id)
        return destination_config(job.destination, self._installation_id, self._unseal, reach)

    async def _reconcile(self, job: TransferJob) -> None:
        kind, config = destinations.get(job.destination.kind), self._config(job)
        destination_id = job.destination_id
        async with self._place():  # what the state has drawn is read in it too: while it waits the state goes on
            is_owed, drawn = destination_id in self._owed, await teams.last_token(self._db)
            reading = _apart(lambda: kind.greatest_token(config))
            await asyncio.wait([reading], timeout=PATIENCE_SECONDS)
        if not reading.done():
            self._admit(destination_id, float("inf"))
        greatest = await reading
        # The state looks through all loaded days for that; most often the last token was loaded, and it need not. A day
        # that was loaded meanwhile can only make it compare in vain.
        is_behind = not is_owed and greatest < drawn and greatest < await days.greatest_token(self._db, destination_id)
        if greatest > drawn or is_behind:
            self._owed.add(destination_id)
        if greatest > drawn:
            log.warning("ledger_ahead", destination_id=destination_id, token=greatest, drawn=drawn)
            async with self._db.write() as tx:
                await runs.lift_tokens(tx, greatest + TOKEN_GAP)
                act = Act("destination.ahead", destination_id, after={"token": greatest, "drawn": drawn})
                await audit.record(tx, DISPATCHER, job.team_id, act, self._seams.now())
        self._admit(destination_id, float("inf"))
        if destination_id in self._owed:
            for transfer_id in await days.loaded_transfers(self._db, destination_id):
                await self._compare(transfer_id, destination_id)
        self._owed.discard(destination_id)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """One of the places, in the order in which they were asked for."""
        task = asyncio.current_task()
        self._queued.add(task)
        try:
            await self._places.acquire()
        finally:
            self._queued.discard(task)
        try:
            yield
        finally:
            self._places.release()

    async def _compare(self, transfer_id: int, destination_id: int) -> None:
        async with self._place():
            loaded = await days.loaded(self._db, transfer_id)
            # After its days: they are of this place or of none any more.
            job = await transfers.job(self._db, transfer_id)
            if job.destination_id != destination_id:
                return
            kind, config = destinations.get(job.destination.kind), self._config(job)

            def compared() -> Differing:
                return differing(loaded, ledger_days(kind.ledger(config, transfer_id), job.tables))

            reading = _apart(compared)
            await asyncio.wait([reading], timeout=PATIENCE_SECONDS)
        found = await reading
        if not (found.behind or found.ahead):
            return
        log.warning(
            "days_stale", transfer_id=transfer_id, ledger_behind=len(found.behind), ledger_ahead=len(found.ahead)
        )
        why = {"ledger_behind": len(found.behind), "ledger_ahead": len(found.ahead)}
        async with self._db.write() as tx:
            await days.settle(tx, transfer_id, found)
            act = Act("transfer.outdate", transfer_id, after=why)
            await audit.record(tx, DISPATCHER, job.team_id, act, self._seams.now())


def _apart(work: Callable[[], Answer]) -> asyncio.Future[Answer]:
    """Do it on a thread of its own, which the process does not wait for when it ends."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Answer] = loop.create_future()

    def give(result: Answer | None, error: BaseException | None) -> None:
        if answer.done():  # cancelled
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except Exception as raised:
            error = raised
        if not loop.is_closed():
            loop.call_soon_threadsafe(give, result, error)

    Thread(target=run, name="look", daemon=True).start()
    return answer
