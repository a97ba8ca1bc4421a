"""A dispatcher on scripted connectors that a test drives from one quiet moment to the next, on a clock of its own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import msgspec
import pytest

from dayfill import destinations, sources
from dayfill.domain.backfill import Backfill
from dayfill.domain.days import DayRange
from dayfill.domain.run import Priority, Trigger
from dayfill.domain.transfer import Configuration, Table
from dayfill.engine import backfills as verbs
from dayfill.engine import dispatch, runs
from dayfill.engine.content_hash import joined_hash
from dayfill.engine.dispatch import Dispatcher
from dayfill.seams import Seams
from dayfill.store import backfills, invariants
from dayfill.store.db import micros
from installation import NOON, Installation
from scripted import NO_SPOOL, TEMPS, GatedExecutor, InlineExecutor, MemoryDestination, ScriptedSource, known, unsealed

LAST = date(2024, 6, 14)
"""The newest day that tests load: the clock starts at noon of the day after."""


def ago(days: int) -> date:
    """The day this many days before the newest one."""
    return LAST - timedelta(days=days)


def last(days: int) -> DayRange:
    """The range of this many newest days."""
    return DayRange(ago(days - 1), LAST)


MOST_FAULTS = 20
"""Failed passes after which a test ends: the dispatcher is stuck."""


class Killed(BaseException):
    """The process is gone: nothing catches this."""


class SteppedDispatcher(Dispatcher):
    """The real dispatcher; where it would sleep it moves the clock, or says that it is idle."""

    rig: Rig
    waits_for_looks = True

    async def _pass(self) -> None:
        try:
            await super()._pass()
        except Exception as error:
            self.rig.faults.append(error)
            if len(self.rig.faults) > MOST_FAULTS:
                raise Killed from error
            raise
        finally:
            self.rig.passes += 1
            self.rig.violations += await self.rig.check(is_whole=sys.exc_info()[0] is None)

    async def _sleep(self) -> None:
        for look in self._reconciler.looks if self.waits_for_looks else ():  # they take a thread each, and a moment
            await asyncio.wait([look])
        for _ in range(3):  # what has answered lands by callbacks of the loop
            await asyncio.sleep(0)
        if self._event.is_set() or self._has_stopped():
            return
        if self.rig.may_wait and not self._flights:
            seconds = await self._seconds_to_next_due()
            if seconds < dispatch.LONGEST_SLEEP:
                self.rig.pass_time(seconds=seconds)
                return
        self.rig.idle.set()
        await self._event.wait()


@dataclass
class Rig:
    """One installation with scripted connectors.

    violations: broken invariants, looked for after every pass. faults: what passes raised.
    """

    installation: Installation
    executor: InlineExecutor | GatedExecutor
    source: ScriptedSource = field(default_factory=ScriptedSource)
    destination: MemoryDestination = field(default_factory=MemoryDestination)
    failpoint: Callable[[str], None] = lambda name: None
    violations: list[str] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    passes: int = 0
    may_wait: bool = True
    task: asyncio.Task[None] | None = None
    transfers: int = 0
    raised: int = 0

    def __post_init__(self) -> None:
        made = self.installation
        self.db, self.team_id, self.user_id = made.db, made.team_id, made.user_id
        self.seams: Seams = replace(
            made.server.seams, monotonic=made.monotonic, failpoint=lambda name: self.failpoint(name)
        )

    @classmethod
    def create(cls, installation: Installation, patch: pytest.MonkeyPatch) -> Rig:
        rig = cls(installation, InlineExecutor())
        patch.setattr(sources, "get", known(lambda: rig.source))
        patch.setattr(destinations, "get", known(lambda: rig.destination))
        patch.setattr(dispatch, "LONGEST_SLEEP", float("inf"))
        patch.setattr(dispatch, "AFTER_ERROR_SECONDS", 0.0)
        return rig

    def gated(self, slots: int = 8) -> GatedExecutor:
        """Let slices answer only when the test says so. Call it before the first step."""
        self.executor = GatedExecutor(slots)
        return self.executor

    def single_days(self) -> None:
        """Every slice is one day and takes a second, and the source shares nothing: only limits and order matter."""
        self.source.max_days_per_read = 1
        self.source.seconds = lambda days: self.pass_time(seconds=1)

    def start(self) -> None:
        """A new incarnation."""
        self.dispatcher = SteppedDispatcher(self.db, self.seams, self.executor, unsealed, "here", NO_SPOOL, TEMPS)
        self.dispatcher.rig = self
        self.task = asyncio.create_task(self.dispatcher.run())

    async def settle(self, may_wait: bool = True) -> None:
        """Drive it until nothing is left to do; what is due later is waited for by moving the clock."""
        self.may_wait = may_wait
        if self.task is None:
            self.start()
        self.idle.clear()
        self.dispatcher.wake()
        waiting = asyncio.create_task(self.idle.wait())
        await asyncio.wait({waiting, self.task}, return_when=asyncio.FIRST_COMPLETED, timeout=60)
        if self.task.done():
            waiting.cancel()
            task, self.task = self.task, None
            task.result()
        assert self.violations == [], "\n".join(self.violations)
        assert waiting.done() or self.task is None, "the dispatcher never comes to rest"
        if not self.dispatcher._flights:
            flying, hung = self.dispatcher._budgets.in_flight, self.dispatcher._budgets.hung
            left = [*flying.of_transfer.values(), *flying.of_connection.values(), *hung.values()]
            assert (flying.here, any(left)) == (0, False), "a slot was not given back"

    async def step(self) -> None:
        """Drive it until only time or a gated slice could bring anything new."""
        await self.settle(may_wait=False)

    async def crash(self) -> None:
        """The dispatcher dies; what was in flight never answers."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait([self.task])
            self.task = None

    async def answer(self, *days: date) -> None:
        """Let the slices with these days answer (none given: the oldest slice), then take a step."""
        assert isinstance(self.executor, GatedExecutor)
        gates = [g for g in self.executor.gates if set(days) & set(g.days)] if days else self.executor.gates[:1]
        assert gates, f"no slice waits for {days}"
        for gate in gates:
            gate.answer()
        await self.step()

    async def finish(self) -> None:
        """Let every slice answer, and wait for what is due later, until all is done."""
        await self.settle()
        while isinstance(self.executor, GatedExecutor) and self.executor.gates:
            for gate in self.executor.gates:
                gate.answer()
            await self.settle()

    def fail_at(self, name: str, error: BaseException, times: int = 1, skip: int = 0) -> None:
        """Raise at the next ``times`` passages of a failpoint, after letting ``skip`` of them pass."""
        plan: list[BaseException | None] = [None] * skip + [error] * times
        self.raised = 0

        def failpoint(passed: str) -> None:
            if passed == name and plan and (next_ := plan.pop(0)) is not None:
                self.raised += 1
                raise next_

        self.failpoint = failpoint

    # -- the state

    def pass_time(self, **duration: float) -> None:
        self.installation.pass_time(**duration)

    def transfer(self, parallelism: int = 4, connection: int = 0, tables: Sequence[str | Table] = ("visits",)) -> int:
        """A transfer of its own; returns its id. connection: 0 makes a new one."""
        self.transfers += 1
        name, stamp = f"T{self.transfers}", {"team_id": self.team_id, "created_time": micros(NOON)}
        group = self.installation.insert(
            "table_groups",
            **stamp,
            data_source_id="FILES",
            name=name,
            table_prefix="",
            tables=msgspec.json.encode([one if isinstance(one, Table) else Table(one) for one in tables]).decode(),
        )
        warehouse = {"destination_type": "DWH_DUCKDB", "display_name": name, "auth_method": "", "fields": "{}"}
        target = self.installation.insert("destinations", **stamp, **warehouse, location=name)
        return self.installation.insert(
            "transfers",
            **stamp,
            display_name=name,
            data_source_id="FILES",
            schema_id=group,
            destination_id=target,
            connection_id=connection or self.connection(),
            state="active",
            configuration=msgspec.json.encode(Configuration("FILES", group, target, name)).decode(),
            zone="UTC",
            parallelism=parallelism,
            deadline_seconds=600,
            created_user_id=self.user_id,
        )

    def connection(self, parallelism: int = 100) -> int:
        return self.installation.insert(
            "connections",
            team_id=self.team_id,
            created_time=micros(NOON),
            public_id=str(self.seams.new_id()),
            parallelism=parallelism,
            **{"data_source_id": "FILES", "destination_type": "DWH_DUCKDB"},
        )

    async def backfill(self, transfer_id: int, span: DayRange, **choice: object) -> int:
        """A new backfill; returns its id."""
        async with self.db.write() as tx:
            made = await verbs.create(
                tx, self.seams, self.team_id, self.user_id, transfer_id, span, max_days=10_000, **choice
            )
        return made.backfill_id

    async def verb(self, name: str, backfill_id: int, **choice: object) -> object:
        """cancel, retry, pause or resume, as the owner, in a transaction of its own."""
        who = (self.team_id, self.user_id) if name in ("cancel", "pause") else (self.team_id,)
        async with self.db.write() as tx:
            return await getattr(verbs, name)(tx, self.seams, *who, backfill_id, **choice)

    async def refresh(self, transfer_id: int, *days: date, priority: Priority = Priority.SCHEDULE) -> runs.Enqueued:
        """Recurring runs of these days."""
        async with self.db.write() as tx:
            return await runs.enqueue(
                tx, self.seams, self.team_id, transfer_id, days, trigger=Trigger.SCHEDULE, priority=priority
            )

    async def get(self, backfill_id: int) -> Backfill:
        found = await backfills.get(self.db, self.team_id, backfill_id)
        assert found is not None
        return found

    async def report(self, backfill_id: int) -> list[tuple[date, str, int]]:
        """The error report: (day, cause, attempts)."""
        return [(one.data_date, one.cause, one.attempts) for one in await backfills.failures(self.db, backfill_id)]

    def runs(self, backfill_id: int) -> dict[date, tuple[str, int]]:
        """Day -> (status, attempts) of the runs of a backfill."""
        query = "SELECT data_date, status, attempts FROM runs WHERE backfill_id = :id"
        rows = self.installation.execute(query, id=backfill_id)
        return {date.fromisoformat(str(day)): (str(status), int(str(n))) for day, status, n in rows}

    async def check(self, is_whole: bool = True) -> list[str]:
        """All invariants of the state, in one snapshot; a pass that broke off had no time for what is overdue."""
        async with self.db.write() as tx:
            alive = self.dispatcher._claimer.owner if self.task else ""
            now = self.seams.now() if is_whole and not self.installation.has_jumped else None
            return await invariants.check(tx, owner=alive, now=now)

    def agrees(self, transfer_id: int) -> list[date]:
        """The loaded days of a transfer, after holding each against the destination."""
        rows = self.installation.execute(
            "SELECT data_date, token, run_id, row_count, content_hash FROM transfer_days"
            " WHERE transfer_id = :id AND settled = 'l' ORDER BY data_date",
            id=transfer_id,
        )
        loaded = [date.fromisoformat(str(row[0])) for row in rows]
        for day, row in zip(loaded, rows, strict=True):
            kept = {k[1]: v for k, v in self.destination.days.items() if (k[0], k[2]) == (transfer_id, day)}
            assert {(one.token, one.run_id) for one in kept.values()} == {row[1:3]}
            assert sum(one.rows.num_rows for one in kept.values()) == row[3]
            assert joined_hash({name: one.content_hash for name, one in kept.items()}) == row[4]
            assert all(len(set(one.rows["version"].to_pylist())) <= 1 for one in kept.values())
        return loaded
