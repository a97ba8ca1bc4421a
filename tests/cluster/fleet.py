"""A real dispatcher and the cluster that loads for it: what was read where, and what state and shelf say of it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import apsw
import msgspec
from kinds import DESTINATION, ROWS, SOURCE
from ray_cluster import RayCluster

from dayfill.domain.addresses import networks
from dayfill.domain.connection import sealed_for
from dayfill.domain.days import DayRange
from dayfill.domain.reach import Reach, Reaches
from dayfill.domain.transfer import Configuration, SourceSetting, Table
from dayfill.engine import backfills
from dayfill.engine.away import Away
from dayfill.engine.content_hash import joined_hash
from dayfill.engine.dispatch import Dispatcher
from dayfill.executors.ray import RayExecutor
from dayfill.executors.threads import ThreadsExecutor
from dayfill.seams import system_seams
from dayfill.settings.cluster import cluster_of
from dayfill.store import invariants
from dayfill.store.db import micros
from installation import NOON, Installation
from reaching import TEMP

LAST = date(2024, 6, 14)
REACH = Reach(TEMP.roots, nets=networks(["127.0.0.0/8"]))
PATIENCE = 120.0
"""Seconds: beside much else Ray may take half a minute for what else takes two."""


def ago(days: int) -> date:
    return LAST - timedelta(days=days)


def connected(cluster: RayCluster, address: str = "") -> RayExecutor:
    settings = cluster_of(address or cluster.address, cluster.environment)
    assert settings is not None
    return RayExecutor(settings.address, settings.environment, lambda: NOON)


@dataclass
class Fleet:
    """One installation with its dispatcher. is_timed: its clock is that of this machine, not the test's."""

    installation: Installation
    cluster: RayCluster
    folder: Path
    executor: RayExecutor
    task: asyncio.Task[None] | None = None
    is_timed: bool = False
    threads: ThreadsExecutor = field(default_factory=lambda: ThreadsExecutor(2))

    @property
    def trace(self) -> Path:
        return self.folder / "trace"

    @property
    def shelf(self) -> Path:
        return self.folder / "shelf.sqlite"

    def start(self) -> Dispatcher:
        """Dispatch, without waiting for the cluster."""
        made, seams = self.installation, system_seams()
        seams = seams if self.is_timed else replace(seams, now=lambda: self.installation.now)
        (self.folder / "spool").mkdir()
        dispatcher = Dispatcher(
            *(made.db, seams, self.threads, made.keyring.open, made.server.installation_id, self.folder / "spool"),
            *(Reaches(REACH), Away(self.executor, self.cluster.token)),
        )
        self.dispatcher = dispatcher
        self.task = asyncio.create_task(dispatcher.run())
        return dispatcher

    async def stop(self) -> None:
        if self.task is not None:
            self.dispatcher.stop()
            await asyncio.wait([self.task], timeout=10)
            self.task.cancel()
            await asyncio.wait([self.task])
            self.task = None
        self.threads.close()
        async with self.installation.db.write() as tx:
            assert await invariants.check(tx, owner="", now=None) == []

    def transfer(
        self,
        *,
        source: str = SOURCE,
        fields: Mapping[str, str] | None = None,
        into: str = "visits",
        deadline: int = 600,
        secret: str = "",
        **settings: str,
    ) -> int:
        """A new one, by default from what this test says to its shelf. fields: of a PostgreSQL database instead."""
        made, name = self.installation, f"Visits {len(self.installation.execute('SELECT 1 FROM transfers'))}"
        stamp = {"team_id": made.team_id, "created_time": micros(NOON)}
        tables = msgspec.json.encode([Table(into)]).decode()
        group = made.insert("table_groups", **stamp, data_source_id=source, name=name, table_prefix="", tables=tables)
        destination, place = (DESTINATION, {"path": str(self.shelf)}) if fields is None else ("DWH_POSTGRESQL", fields)
        shelf = {"destination_type": destination, "display_name": name, "auth_method": ""}
        there = {"location": f"{name} {place}", "fields": msgspec.json.encode(place).decode()}
        target = made.insert("destinations", **stamp, **shelf, **there)
        public = {"public_id": str(made.server.seams.new_id()), "data_source_id": source}
        connection = made.insert("connections", **stamp, **public, destination_type=destination, parallelism=100)
        if secret:
            purpose = sealed_for(made.team_id, connection)
            sealed = made.keyring.seal(msgspec.json.encode({"password": secret}), purpose)
            made.execute(
                "UPDATE connections SET sealed = :sealed WHERE connection_id = :id", sealed=sealed, id=connection
            )
        settings |= {"trace": str(self.trace)} if source == SOURCE else {}
        told = tuple(SourceSetting(name, value) for name, value in settings.items())
        chosen = Configuration(source, group, target, name, settings=told)
        return made.insert(
            "transfers",
            **stamp,
            **{"display_name": name, "data_source_id": source, "schema_id": group, "destination_id": target},
            **{"connection_id": connection, "state": "active", "zone": "UTC", "parallelism": 4},
            configuration=msgspec.json.encode(chosen).decode(),
            deadline_seconds=deadline,
            created_user_id=made.user_id,
        )

    async def backfill(self, transfer_id: int, days: int) -> int:
        made = self.installation
        async with made.db.write() as tx:
            found = await backfills.create(
                *(tx, made.server.seams, made.team_id, made.user_id, transfer_id),
                DayRange(ago(days - 1), LAST),
                max_days=10_000,
            )
        if self.task is not None:
            self.dispatcher.wake()
        return found.backfill_id

    async def until(self, met: Callable[[], Any], patience: float = PATIENCE) -> Any:
        """Wait for it; the clock of the state goes on meanwhile."""
        end = time.monotonic() + patience
        while not (found := met()):
            assert time.monotonic() < end, f"it does not come to pass; {self.runs()} {self.executor.outage}"
            await asyncio.sleep(0.02)
            self.installation.pass_time(seconds=0.1)  # what waits for a new attempt waits less
            self.dispatcher.wake()
        return found

    async def ended(self, days: int, patience: float = PATIENCE) -> None:
        """Wait for the end of so many runs."""
        await self.until(lambda: self.runs()["COMPLETED"] + self.runs()["FAILED"] == days, patience)

    def state(self, query: str) -> list[tuple[Any, ...]]:
        """Look at the state by a connection of its own: the dispatcher's may be in the middle of a transaction."""
        with closing(apsw.Connection(str(self.folder / "state.db"))) as con:
            return list(con.execute(query))

    def runs(self) -> Counter[str]:
        rows = self.state("SELECT status FROM runs")
        return Counter(str(status) for (status,) in rows)

    def attempts(self) -> list[tuple[str, int]]:
        """(day, attempts) of every run."""
        rows = self.state("SELECT data_date, attempts FROM runs ORDER BY 1")
        return [(str(day), int(str(count))) for day, count in rows]

    def readings(self) -> list[dict[str, Any]]:
        """Every reading that was begun, by whichever process."""
        if not self.trace.exists():
            return []
        return [json.loads(line) for line in self.trace.read_text().splitlines()]

    def holds(self) -> dict[str, int]:
        """Day -> version: after looking that each day holds all rows of one reading, and that the state agrees."""
        with sqlite3.connect(self.shelf) as con:
            rows = con.execute("SELECT day, min(version), max(version), count(*) FROM days GROUP BY 1").fetchall()
            ledger = con.execute("SELECT day, token, run_id, hash FROM ledger ORDER BY 1").fetchall()
        assert all(first == last and count == ROWS for _, first, last, count in rows)
        query = "SELECT data_date, token, run_id, content_hash FROM transfer_days WHERE settled = 'l' ORDER BY 1"
        assert self.state(query) == [(*row[:3], joined_hash({"visits": row[3]})) for row in ledger]
        return {day: version for day, version, _, _ in rows}
