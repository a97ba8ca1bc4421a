"""An installation to storm: two transfers from the stamped source into one DuckDB file, and how to reach them."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import apsw
import sabotage
import stamped

from dayfill.app import open_state
from dayfill.domain.access import SCOPES, Role
from dayfill.domain.transfer import Configuration, SourceSetting, Table
from dayfill.engine import destinations, keys, table_groups, teams, transfers
from dayfill.engine.destinations import Wanted
from dayfill.settings import Settings

FIRST = date(2024, 3, 1)
DEADLINE = 1
"""Seconds: what a stopped process, or a worker that sleeps, is meant to miss."""
LONG_DEADLINE = 20
"""Seconds: what nobody is meant to miss, so that nothing but the fence is in the way of a late load."""
LONGEST_CALL = 10.0


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


class Unanswered(Exception):
    """The server went away before it answered; whether it acted is not known."""


@dataclass
class Arena:
    """One installation. port: of the server that runs now, 0 while none is known to. days: that are back-filled."""

    folder: Path
    key: str
    team_id: int
    transfers: dict[int, dict[str, Any]]
    tables: dict[int, tuple[str, ...]]
    port: int = 0
    days: int = 40

    @property
    def data_dir(self) -> Path:
        return self.folder / "data"

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse.duckdb"

    @property
    def trace(self) -> Path:
        return self.folder / "trace"

    def side_by_side(self) -> list[int]:
        """Transfers whose days are loaded one by one, several at a time."""
        return [id_ for id_, body in self.transfers.items() if stamped.KINDS[body["data_source_id"]] == 1]

    def call(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        """Status and data (or the whole document, if it has none) of one request, on a connection of its own.

        Raises:
            Unanswered: no server, or it ended before it had answered.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port or 1, timeout=LONGEST_CALL)
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"} | headers
        try:
            payload = None if body is None else json.dumps(body)
            connection.request(method, path.replace("~", f"/teams/{self.team_id}"), payload, headers)
            answer = connection.getresponse()
            document = json.loads(answer.read() or b"null")
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unanswered(repr(error)) from error
        finally:
            connection.close()
        is_wrapped = isinstance(document, dict) and "data" in document
        return answer.status, document["data"] if is_wrapped else document

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What the state says. The log of a killed server is left as it is, for its successor to find."""
        with self.state() as connection:
            return connection.execute(query, values).fetchall()

    def be_patient(self) -> None:
        """From now on no slice that is claimed has a deadline that a busy machine could miss."""
        with closing(apsw.Connection(str(self.data_dir / "state.sqlite"))) as connection:
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            connection.set_busy_timeout(60_000)
            connection.execute("UPDATE transfers SET deadline_seconds = ?", (LONG_DEADLINE,))

    @contextmanager
    def state(self) -> Iterator[apsw.Connection]:
        connection = apsw.Connection(str(self.data_dir / "state.sqlite"))
        try:
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            connection.set_busy_timeout(5_000)
            connection.execute("PRAGMA query_only = ON")
            yield connection
        finally:
            connection.close()

    def events(self) -> list[dict[str, Any]]:
        """The trace, without a line that was cut short by a kill."""
        if not self.trace.exists():
            return []
        text = self.trace.read_text()
        return [json.loads(line) for line in text.splitlines() if line.endswith("}")]


def make(folder: Path, *wanted: tuple[str, int], days: int = 40, state: str | None = None) -> Arena:
    """A new installation with these transfers (kind of source, deadline in seconds), each of two tables of its own.

    state: DSN of the PostgreSQL database that keeps it; without one a file does.
    """
    sabotage.register()
    folder.mkdir(parents=True)
    return asyncio.run(_make(folder, wanted, days, state))


async def _make(folder: Path, transfers_wanted: Sequence[tuple[str, int]], days: int, dsn: str | None) -> Arena:
    async with open_state(Settings(folder / "data", state=dsn)) as state, state.db.write() as tx:
        team = await teams.create(tx, state.seams, "Storm")
        owner = await teams.add_member(tx, state.seams, team.team_id, "storm@example.com", Role.OWNER)
        key = await keys.create(
            tx, state.seams, state.keyring, team.team_id, owner.user_id, scopes=SCOPES, description="storm"
        )
        wanted = Wanted("DWH_DUCKDB", "warehouse", {"path": str(folder / "warehouse.duckdb")})
        target = await destinations.create(tx, state.seams, state.keyring, team.team_id, wanted)
        arena = Arena(folder, key.text, team.team_id, {}, {}, days=days)
        for number, (kind, deadline) in enumerate(transfers_wanted):
            names = (f"visits_{number}", f"costs_{number}")
            group = await table_groups.create(
                tx, state.seams, team.team_id, kind, f"Group {number}", "", [Table(name) for name in names]
            )
            body = configuration(kind, f"Transfer {number}", group.schema_id, target.destination_id, deadline)
            settings = tuple(SourceSetting(**setting) for setting in body["data_source_settings"])
            chosen = Configuration(
                kind, group.schema_id, target.destination_id, body["display_name"], settings=settings
            )
            made = await transfers.create(tx, state.seams, team.team_id, owner.user_id, chosen)
            arena.transfers[made.transfer_id], arena.tables[made.transfer_id] = body, names
    return arena


def configuration(kind: str, name: str, schema_id: int, destination_id: int, deadline: int) -> dict[str, Any]:
    """A transfer as its PUT wants it."""
    settings = {"flavour": "0", "deadline_seconds": deadline, "parallelism": 4}
    return {
        "data_source_id": kind,
        "schema_id": schema_id,
        "destination_id": destination_id,
        "display_name": name,
        "schedule": [],
        "accounts": [],
        "data_source_settings": [{"field_id": id_, "value": value} for id_, value in settings.items()],
    }
