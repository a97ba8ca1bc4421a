"""One installation for all stories: the real engine and the real state, with people, weather and accidents around them.

Nothing runs in a thread and nobody waits, so a story that is told again goes exactly as before.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import pytest
from configured import LINES, ORDERS, PAGES, SCHEDULES, VISITS, Transfer, other_flavour, transfer, warehouse, weighing
from ground import Ground, look_between_passes
from moods import MoodyDestination, MoodySource
from structlog.testing import capture_logs
from turns import Turns

import seeds
from dayfill.domain.transfer import Configuration, Table
from dayfill.engine import allowances, record, runs
from dayfill.engine.rescue import LOST, lost
from installation import NOON
from rig import Killed, Rig
from scripted import Gate, GatedExecutor

Answer = TypeVar("Answer")
SLOTS, FIRST = 4, 1
"""Slices at once; the team that there is at first."""


class Stumbled(Exception):
    """A fault at some step, as nobody foresaw it; who asked for something hears that it did not work."""


@dataclass(frozen=True)
class Copy:
    """A backup of the state. versions: backfill -> number of the last reading before its create."""

    state: bytes
    versions: Mapping[int, int]


@dataclass
class World:
    """One story's installation. zombies: slices of dead servers that may still answer. versions: see `Copy`."""

    ground: Ground
    rig: Rig
    stack: ExitStack
    source: MoodySource = field(default_factory=MoodySource)
    destination: MoodyDestination = field(default_factory=MoodyDestination)
    zombies: list[Gate] = field(default_factory=list)
    versions: dict[int, int] = field(default_factory=dict)
    turns: Turns = field(init=False)
    made: int = 0
    jumps: int = 0
    is_up: bool = True
    restored: bool = False

    def __post_init__(self) -> None:
        self.turns = Turns(self.admitted)

    @classmethod
    def create(cls, ground: Ground) -> World:
        stack, made = ExitStack(), ground.installation
        stack.enter_context(capture_logs())
        patch = pytest.MonkeyPatch()
        stack.callback(patch.undo)
        look_between_passes(patch)
        made.now, made.skew, made.has_jumped = NOON, timedelta(), False
        made.server.seams.chance.seed(1)
        ground.put_back(ground.first)
        made.team_id = FIRST
        world = cls(ground, Rig.create(made, patch), stack)
        world.rig.source, world.rig.destination = world.source, world.destination  # type: ignore[assignment]
        world.rig.gated(SLOTS)
        if ground.is_embedded:
            world.turns.watch(patch)
        world.act(warehouse(made))
        world.new_transfer(VISITS)
        world.new_transfer(ORDERS, LINES, PAGES)
        other = world.act(made.team("Other"))
        assert other is not None
        world.be_of(other)
        world.act(warehouse(made))
        world.new_transfer(VISITS)
        world.step()
        return world

    def close(self) -> None:
        self.ground.loop.run_until_complete(self.rig.crash())
        self.stack.close()

    # -- what the server does

    def act(self, work: Coroutine[object, object, Answer]) -> Answer | None:
        """Let the server do this; None if it died of it, or stumbled."""
        try:
            return self.ground.loop.run_until_complete(work)
        except Stumbled:
            return None
        except Killed:
            self.fall()
            return None

    def step(self) -> None:
        """Let the dispatcher do all that can be done at this moment."""
        if self.is_up:
            self.act(self.rig.step())

    def fall(self, *, with_slices: bool = False) -> None:
        """The server is gone, as by a kill; with_slices: what it was loading is gone too, else it may still load."""
        self.rig.failpoint = lambda name: None
        self.ground.loop.run_until_complete(self.rig.crash())
        if not with_slices:
            self.zombies += self.gates
        self.executor.jobs.clear()
        self.is_up = False

    def stop(self, *, drains: bool) -> None:
        """The server is asked to end, as by SIGTERM. drains: what it was loading ends first, else it may still load."""
        before = len(self.executor.jobs)
        self.rig.dispatcher.stop()
        self.step()
        for gate in self.gates if drains else ():
            if self.is_up:
                self.answer(gate)
        if self.rig.task is not None:  # else it has ended; to step on would start another one
            self.step()
        assert len(self.executor.jobs) <= before, "a server that is to end has begun something"
        if self.is_up and drains:
            assert self.rig.task is None, "it does not end"
            assert self.rows("SELECT * FROM runs WHERE status = 'RUNNING'") == [], "it has left something running"
        self.fall()

    def start(self) -> None:
        """A new incarnation of the server."""
        self.is_up = True
        self.step()

    def answer(self, gate: Gate) -> None:
        """A slice reads and loads; the server hears of it in its next step."""
        try:
            gate.answer()
        except Killed:
            self.fall()
            self.zombies.remove(gate)

    def answer_late(self, gate: Gate, late: str) -> None:
        """A slice of a dead server loads after all, or that server was not dead, and records it, or gives it up."""
        self.zombies.remove(gate)
        results = [lost(order, LOST) for order in gate.job.days]  # type: ignore[attr-defined]
        if late != "give up":
            try:
                results = gate.run(gate.job)  # type: ignore[assignment]
            except Killed:
                return
        if late != "load" and not self.restored:  # of what was claimed before a restore the state knows nothing
            self.act(self._record([(result, None) for result in results]))

    async def _record(self, results: list[tuple[object, None]]) -> None:
        async with self.rig.db.write() as tx:
            await record.record(tx, self.rig.seams, results)  # type: ignore[arg-type]

    # -- what time and accidents do

    def pass_time(self, seconds: float) -> None:
        self.rig.pass_time(seconds=seconds)
        self.step()

    def set_clock(self, seconds: float) -> None:
        """The wall clock jumps; the time that has passed does not."""
        self.ground.installation.set_clock(timedelta(seconds=seconds))
        self.jumps += 1
        self.step()

    def restore(self, copy: Copy) -> None:
        """The server is stopped and its state replaced by an older copy; the warehouse keeps what it has."""
        self.fall(with_slices=True)
        self.zombies.clear()
        self.ground.put_back(copy.state)
        self.versions = dict(copy.versions)
        self.restored = True

    def copy(self) -> Copy:
        return Copy(self.ground.copy(), dict(self.versions))

    # -- what people do

    def be_of(self, team_id: int) -> None:
        """Who acts from now on is of this team."""
        self.rig.team_id = self.ground.installation.team_id = team_id

    def be_owner(self, transfer_id: int) -> None:
        """Who acts from now on is of the team of this transfer."""
        ((team_id,),) = self.rows("SELECT team_id FROM transfers WHERE transfer_id = :id", id=transfer_id)
        self.be_of(int(str(team_id)))

    def new_transfer(self, *tables: Table) -> int | None:
        self.made += 1
        return self.act(transfer(self.ground.installation, f"T{self.made}", tables, SCHEDULES[self.made % 2]))

    def edit(self, transfer_id: int) -> None:
        """The transfer reads another flavour from now on."""
        self._update(transfer_id, other_flavour)

    def weigh(self, transfer_id: int, weight: int) -> None:
        """The transfer has other turns from now on, and what it has loaded is what it would load."""
        self._update(transfer_id, lambda old: weighing(old, weight))

    def allow(self, **limits: int | None) -> None:
        """The team has these limits, or this weight, from now on."""
        self.act(self._allow(limits))

    async def _allow(self, limits: Mapping[str, int | None]) -> None:
        async with self.rig.db.write() as tx:
            await allowances.change(tx, self.rig.seams, self.rig.team_id, limits)

    def save(self, transfer_id: int) -> None:
        """The transfer stays as it is, but for a login that was revoked: it takes another one."""
        self._update(transfer_id, lambda old: old)

    def _update(self, transfer_id: int, change: Callable[[Configuration], Configuration]) -> None:
        configuration = change(self.transfers()[transfer_id].configuration)
        self.act(seeds.update(self.ground.installation, transfer_id, configuration))

    async def refresh(self, transfer_id: int, window: int) -> runs.Enqueued:
        """The last days and what has no days, now."""
        async with self.rig.db.write() as tx:
            return await runs.run_now(tx, self.rig.seams, self.rig.team_id, transfer_id, window=window)

    # -- what there is to see

    @property
    def executor(self) -> GatedExecutor:
        assert isinstance(self.rig.executor, GatedExecutor)
        return self.rig.executor

    @property
    def gates(self) -> list[Gate]:
        return self.executor.gates

    def is_reconciled(self, transfer_id: int) -> bool:
        """Whether the server knows what its warehouse holds, also after an older state was restored."""
        if not self.restored:
            return True
        destination_id = self.all_transfers()[transfer_id].configuration.destination_id
        return self.is_up and destination_id in self.rig.dispatcher._reconciler._admitted_until

    def admitted(self) -> set[int]:
        """The warehouses that may be loaded into."""
        until = self.rig.dispatcher._reconciler._admitted_until
        return {destination_id for destination_id in until if until[destination_id] > self.rig.seams.monotonic()}

    def rows(self, statement: str, **values: object) -> list[tuple[object, ...]]:
        return self.ground.installation.execute(statement, **values)

    def transfers(self) -> dict[int, Transfer]:
        """Those that are not deleted."""
        return {transfer_id: one for transfer_id, one in self.all_transfers().items() if not one.is_deleted}

    def all_transfers(self) -> dict[int, Transfer]:
        found = self.rows(
            "SELECT t.transfer_id, t.configuration, g.tables, t.deleted_time IS NOT NULL"
            " FROM transfers t JOIN table_groups g USING (schema_id)"
        )
        return {int(str(row[0])): Transfer.of(str(row[1]), str(row[2]), bool(row[3])) for row in found}
