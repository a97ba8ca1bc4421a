"""The dispatcher: the only writer of run state, one async task, woken by events.

Each pass records what has ended, fires what is due, materialises what is new, claims what may start and hands it to
the executor; then it sleeps until a result, a change, or the next due moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from functools import partial
from pathlib import Path

import structlog

from dayfill.domain.reach import Reaches
from dayfill.domain.slices import DayResult, Slice
from dayfill.engine.away import Away
from dayfill.engine.brakes import Brakes
from dayfill.engine.budgets import Budgets
from dayfill.engine.claim import Claimed, claim, look
from dayfill.engine.claimer import Claimer
from dayfill.engine.clock import shorten_waits
from dayfill.engine.configs import Unseal
from dayfill.engine.due import seconds_to_next_due
from dayfill.engine.flights import Flights
from dayfill.engine.load_slice import load_slice
from dayfill.engine.materialise import materialise
from dayfill.engine.rates import MOMENT
from dayfill.engine.reconcile import Reconciler
from dayfill.engine.record import record
from dayfill.engine.rescue import committed, rescue
from dayfill.engine.schedule import fire_due
from dayfill.engine.transport import Transport
from dayfill.engine.work import Work
from dayfill.errors import Busy, NotLeading
from dayfill.executors import Cluster, Executor
from dayfill.seams import Seams
from dayfill.store.db import Database

LONGEST_SLEEP = 5.0
"""An operator's command, which may have raised a limit, writes to the state from its own process and wakes nobody."""
AFTER_ERROR_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Dispatcher:
    """Owns what is in flight; everything else is in the state database.

    spool: folder of readings that are large. reaches: what the loads of each team may open; by default nothing.
    work: what it has done since it was made. away: a cluster for what needs not be loaded here.
    """

    def __init__(
        self,
        db: Database,
        seams: Seams,
        executor: Executor,
        unseal: Unseal,
        installation_id: str,
        spool: Path,
        reaches: Reaches | None = None,
        away: Away | None = None,
    ) -> None:
        reaches = reaches or Reaches()
        self._db = db
        self._seams = seams
        self._executor = executor
        self._away = away
        self._transport = Transport(unseal, None if away is None else away.token)
        self._load: Callable[[Slice], list[DayResult]] = partial(
            load_slice, seams=seams, unseal=self._transport.unseal, spool=spool, brakes=Brakes()
        )
        self._budgets = Budgets(executor.slots)
        self._reconciler = Reconciler(db, seams, unseal, installation_id, self.wake, reaches)
        self._claimer = Claimer(str(seams.new_id()), installation_id, self._budgets, self._reconciler.admits, reaches)
        self._claimer.has_cluster = away is not None
        self._claimed: list[Claimed] = []
        self._event = asyncio.Event()
        self._latest: datetime | None = None
        self._stopping = False
        self._looked = seams.now(), seams.monotonic()
        self._fault: str | None = None
        self.work = Work()
        self._flights = Flights(seams, self._claimer, self.work, self.wake)

    @property
    def fault(self) -> str | None:
        """Why no work is done at the moment; None while all is well."""
        if self._fault is None and self._budgets.are_all_hung():
            count = self._budgets.hung.total()
            return f"{count} loads hang past their deadline: nothing more starts before one of them returns"
        return self._fault

    @property
    def cluster(self) -> Cluster | None:
        return None if self._away is None else self._away.cluster

    def wake(self) -> None:
        """Something has changed: look again now. Call it on the event loop."""
        self._event.set()

    def stop(self) -> None:
        """Claim nothing more, record what is in flight, then let `run` return."""
        self._stopping = True
        self.wake()

    def close(self) -> None:
        """Wait for nothing that is still under way."""
        self._executor.close()
        if self._away is not None:
            self._away.cluster.close()

    async def run(self) -> None:
        """Dispatch until `stop`. A fault of the state database is logged and tried again; no result is dropped."""
        try:
            await self._dispatch()
        finally:
            self._reconciler.close()

    async def _dispatch(self) -> None:
        needs_rescue = True
        while True:
            self._event.clear()
            try:
                if self._has_stopped():
                    await self._reconciler.end()
                    return
                if needs_rescue:
                    await self._reconciler.begin()
                    self._claimed = await committed(self._db, self._claimed)
                    self._hand_out_claimed()
                    await rescue(self._db, self._seams, self._flights.known_tokens())
                    needs_rescue = False
                await self._pass()
                self.work.passed(self._seams.monotonic() - self._looked[1])
                self._fault = None
                await self._sleep()
            except NotLeading:
                # What has landed here is no result any more: the server that dispatches has given the days to others.
                self._fault = None
                self._flights.landed.clear()
                self._reconciler.forget()
                needs_rescue = True
                if self._has_stopped():
                    return
                await asyncio.sleep(AFTER_ERROR_SECONDS)
            except Exception as error:
                # Whatever was half done is in the database or still in memory; runs claimed but never handed out
                # are found by the rescue that precedes the next pass.
                self._fault = _told(error)
                needs_rescue = True
                await asyncio.sleep(AFTER_ERROR_SECONDS)

    def _has_stopped(self) -> bool:
        return self._stopping and not self._flights and not self._flights.landed

    async def _pass(self) -> None:
        self._looked = self._seams.now(), self._seams.monotonic()
        await self._record()
        if self._stopping:
            return
        await self._follow_clock()
        await fire_due(self._db, self._seams)
        if await materialise(self._db, self._seams):
            self.wake()  # the rest follows in the next passes, so that days which wait need not wait for it
        await self._claim()

    async def _follow_clock(self) -> None:
        """What was planned by a clock that was set back since, while we ran or before we started, is planned anew."""
        now = self._seams.now()
        if self._latest is None or now < self._latest:
            await shorten_waits(self._db, self._seams)
        self._latest = now

    async def _record(self) -> None:
        self._flights.give_up_overdue()
        landed = self._flights.landed
        if not landed:
            return
        results = list(landed)
        async with self._db.write() as tx:
            done = await record(tx, self._seams, results)
        self.work.recorded(len(results), done)
        del landed[: len(results)]

    async def _claim(self) -> None:
        awaited = self._flights.awaited
        if self._away is not None:
            self._budgets.away_slots = self._away.cluster.slots
        if self._budgets.is_full() or any(flight.claimed.alone for flight in awaited):
            return
        await look(self._db, self._seams, self._claimer)
        if not self._claimer.lanes:
            return
        async with self._db.write() as tx:
            self._claimed = await claim(tx, self._seams, self._claimer, busy=bool(awaited))
        self._hand_out_claimed()

    def _hand_out_claimed(self) -> None:
        while self._claimed:
            self._hand_out(self._claimed.pop(0))

    def _hand_out(self, claimed: Claimed) -> None:
        began = self._seams.monotonic()
        future = self._submit(self._transport.packed(claimed.work), claimed.away)
        # Not before: a slice that could not be handed out must hold no slot, and its runs are for the rescue.
        self._flights.add(claimed, future, began)

    def _submit(self, job: Slice, away: bool) -> Future[list[DayResult]]:
        if away and self._away is not None:
            return self._away.submit(job)
        return self._executor.submit(self._load, job)

    async def _sleep(self) -> None:
        if self._event.is_set() or self._has_stopped():
            return
        try:
            async with asyncio.timeout(await self._seconds_to_next_due()):
                await self._event.wait()
        except TimeoutError:
            return

    async def _seconds_to_next_due(self) -> float:
        looked, looked_monotonic = self._looked
        ends = [end for end in self._budgets.held.values() if end > looked_monotonic + MOMENT]
        ends += [flight.overdue for flight in self._flights.awaited]
        ends += [] if self._claimer.has_looked else [self._claimer.look_from]
        due = await seconds_to_next_due(self._db, self._seams, looked, self._claimer.rows_until, ends)
        return min(LONGEST_SLEEP, due)


def _told(error: Exception) -> str:
    """Why no work is done, for the log and for whoever asks whether the server is ready."""
    if isinstance(error, Busy):
        log.warning("dispatch_waits", why=error.description)
        return error.description
    log.error("dispatch_failed", exc_info=error)
    return f"the dispatcher met {type(error).__name__} and tries again"
