"""What is wrong with a server under test, and what a load does to itself: it pauses, or does without the fence.

A load is one of the server's or one of a cluster's worker, which is told by its environment. Only a process that
`template.py` forked, or the cluster of a storm, does any of it; the product has no switch for it. The rest of what is
wrong with a server does `server_sabotage.py`.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from itertools import chain
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import stamped
from stamped import Habits, note

from dayfill import seams, sources
from dayfill.destinations import DayOutcome, DestinationConfig, FinishedDay, fence
from dayfill.destinations import postgresql as of_postgresql
from dayfill.destinations.duckdb import DuckDBFile, ledger
from dayfill.destinations.postgresql import PostgreSQL
from dayfill.domain import run
from dayfill.engine import extract
from dayfill.seams import Fault, Seams, system_seams
from dayfill.store.postgresql import leading

TOLD = "STORM_SABOTAGE"
"""The variable of a worker's environment that says what is wrong with it, as JSON."""

Load = Callable[[Any, DestinationConfig, Sequence[FinishedDay], Callable[[], None]], list[DayOutcome]]


@dataclass(frozen=True)
class Sabotage:
    """What is wrong with one server.

    grace: seconds after a deadline in which a slice may still answer. backoff: seconds before the first new attempt,
    and the shortest wait of any other kind. rest: seconds before a destination that was away is tried again.
    naps, sleeps: chance of a worker to pause at a step, shorter than `deadline` or longer than deadline and grace.
    drain: seconds that a stopping server waits for what is under way, if not as long as it does. memory: bytes of a day
    that needs no spool.
    gate: a file; the first load of ``gate_of`` (a transfer) is held as long as it is not there.
    silent: seconds after which a server that says nothing is taken for hung by the others.
    """

    habits: Habits = field(default_factory=Habits)
    fence: bool = True
    grace: float = 0.3
    backoff: float = 0.05
    rest: float = run.FIRST_BACKOFF.total_seconds()
    deadline: float = 1.0
    naps: float = 0.0
    sleeps: float = 0.0
    drain: float | None = None
    memory: int = extract.MEMORY_BYTES
    gate: str = ""
    gate_of: int = 0
    silent: float = leading.SILENT_SECONDS

    @property
    def words(self) -> str:
        """For another process, which makes it again by `from_words`."""
        return json.dumps(asdict(self))


def register() -> None:
    """Make the stamped sources kinds of this process."""
    for source in stamped.SOURCES:
        name = source.kind.lower()
        sys.modules[f"dayfill.sources.{name}"] = cast(Any, SimpleNamespace(SOURCE=source))
        sources.KINDS[source.kind] = name


def from_words(words: str) -> Sabotage:
    """One that was told as JSON."""
    given = json.loads(words)
    return Sabotage(**given | {"habits": Habits(**given.get("habits", {}))})


def of_worker() -> None:
    """Do to this worker of a cluster what its environment says; each has chances of its own."""
    told = from_words(os.environ[TOLD])
    of_loads(replace(told, habits=replace(told.habits, seed=told.habits.seed + os.getpid())))


def of_loads(sabotage: Sabotage, *places: object) -> None:
    """Do to this process what concerns loads. places: other modules that have imported `system_seams`."""
    for source in stamped.SOURCES:
        source.behave(sabotage.habits)
    pauses = _Pauses(sabotage)
    put(extract, MEMORY_BYTES=sabotage.memory)
    for place in (seams, *places):
        put(place, system_seams=lambda failing=(): _seams(pauses, failing))
    for kind in DuckDBFile, PostgreSQL:
        put(kind, replace_days=_watched(kind.replace_days, pauses, sabotage))
    if not sabotage.fence:
        put(fence.Seen, fresh=lambda seen, days: list(days))
        put(ledger, _update=_update_whatever_is_there)
        put(of_postgresql.ledger, write=_write_whatever_is_there(of_postgresql.ledger.write))


def put(place: object, **values: object) -> None:
    """In place of what is there: a name that is no longer there would change nothing, and nobody would notice."""
    for name, value in values.items():
        assert hasattr(place, name), f"{place} has no {name}"
        setattr(place, name, value)


def _seams(pauses: _Pauses, failing: Sequence[Fault]) -> Seams:
    made, watched = system_seams(failing), {fault.name for fault in failing}

    def failpoint(name: str) -> None:
        pauses.at(name)
        if name in watched:
            note(pauses.sabotage.habits.trace, what="passed", step=name)
        made.failpoint(name)

    return replace(made, failpoint=failpoint)


class _Pauses:
    """Workers that stand still for a while: a nap ends before the deadline, a sleep long after it."""

    steps = ("extract", "before_load", "inside_load", "before_commit", "after_load")

    def __init__(self, sabotage: Sabotage) -> None:
        self.sabotage = sabotage
        self.chance = Random(sabotage.habits.seed + 1)

    def at(self, step: str) -> None:
        if step not in self.steps:
            return
        luck, deadline = self.chance.random(), self.sabotage.deadline
        if luck < self.sabotage.sleeps:
            self._pause(step, deadline + self.sabotage.grace + self.chance.uniform(0.1, 0.6), "sleep")
        elif luck < self.sabotage.sleeps + self.sabotage.naps:
            self._pause(step, deadline * self.chance.uniform(0.2, 0.6), "nap")

    def _pause(self, step: str, seconds: float, what: str) -> None:
        note(self.sabotage.habits.trace, what=what, step=step, seconds=seconds)
        time.sleep(seconds)


class _Gate:
    """Holds the first load of one transfer."""

    def __init__(self, sabotage: Sabotage) -> None:
        self.sabotage, self.lock, self.is_new = sabotage, threading.Lock(), bool(sabotage.gate)

    @contextmanager
    def holding(self, first: FinishedDay) -> Iterator[None]:
        with self.lock:
            mine = self.is_new and first.transfer_id == self.sabotage.gate_of
            self.is_new = self.is_new and not mine
        event = {"transfer_id": first.transfer_id, "day": str(first.data_date), "token": first.token}
        if mine:
            note(self.sabotage.habits.trace, what="held", **event)
            while not Path(self.sabotage.gate).exists():
                time.sleep(0.005)
        try:
            yield
        finally:
            if mine:
                note(self.sabotage.habits.trace, what="let go", **event)


def _watched(load: Load, pauses: _Pauses, sabotage: Sabotage) -> Load:
    """The destination's load, with places to pause before it looks at the ledger, and its refusals in the trace."""
    gate = _Gate(sabotage)

    def replace_days(
        self: object, config: DestinationConfig, days: Sequence[FinishedDay], before_commit: Callable[[], None]
    ) -> list[DayOutcome]:
        with gate.holding(days[0]):
            pauses.at("inside_load")
            outcomes = load(self, config, days, before_commit)
            refused = sum(outcome is DayOutcome.STALE for outcome in outcomes)
            if refused:
                note(sabotage.habits.trace, what="refused", days=refused)
        return outcomes

    return replace_days


def _update_whatever_is_there(con: Any, schema: str, transfer_id: int, entries: Sequence[fence.Entry]) -> int:
    """The ledger's update without its guard: a lower token overwrites a greater one."""
    for entry in entries:
        con.execute(
            f'UPDATE "{schema}"._dayfill_days SET token = ?, run_id = ?, row_count = ?, content_hash = ?'
            " WHERE transfer_id = ? AND table_name = ? AND data_date = ?",
            [*chain((entry.token, entry.run_id, entry.row_count, entry.content_hash), (transfer_id, *entry.key))],
        )
    return len(entries)


def _write_whatever_is_there(write: Callable[..., bool]) -> Callable[..., bool]:
    """The same for PostgreSQL: what is there is gone before it is compared."""

    def delete_and_write(con: Any, schema: str, transfer_id: int, entries: Sequence[fence.Entry], *more: Any) -> bool:
        for entry in entries:
            con.execute(
                f'DELETE FROM "{schema}"._dayfill_days'
                " WHERE transfer_id = $1::bigint AND table_name = $2 AND data_date = $3::date",
                *(transfer_id, *entry.key),
            )
        return write(con, schema, transfer_id, entries, *more)

    return delete_and_write
