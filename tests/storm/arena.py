"""An installation to storm: transfers from the stamped source into one destination, and how to reach them."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from random import choice
from typing import Any

import sabotage
import stamped
from places import State, StateDatabase, StateFile, Warehouse, WarehouseFile

from dayfill.app import open_state
from dayfill.app.state import State as Opened
from dayfill.domain.access import SCOPES, Role
from dayfill.domain.transfer import Configuration, SourceSetting, Table
from dayfill.engine import destinations, keys, table_groups, teams, transfers
from dayfill.settings import Settings
from dayfill.store.db import Tx

FIRST, OWNER = date(2024, 3, 1), "storm@example.com"
DEADLINE = 1
"""Seconds: what a stopped process, or a worker that sleeps, is meant to miss."""
LONG_DEADLINE = 20
"""Seconds: what nobody is meant to miss, so that nothing but the fence is in the way of a late load."""
LONGEST_CALL = 60.0
"""Seconds: of a server that is there, on a machine that does much else."""


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


Kinds = Sequence[tuple[str, int]]
"""Of transfers: kind of source, deadline in seconds."""


class Unanswered(Exception):
    """The server went away before it answered; whether it acted is not known."""


@dataclass
class Arena:
    """One installation.

    port: of the server that runs now, 0 while none is known to. others: ports of more servers, asked as often.
    days: that are back-filled. elsewhere: what some transfers are loaded into, if not into the target. teams: of the
    transfers that are not of the first team; one key reaches all.
    """

    folder: Path
    state: State
    target: Warehouse
    key: str
    team_id: int
    user_id: int
    transfers: dict[int, dict[str, Any]]
    tables: dict[int, tuple[str, ...]]
    port: int = 0
    others: tuple[int, ...] = ()
    days: int = 40
    elsewhere: dict[int, Warehouse] = field(default_factory=dict)
    teams: dict[int, int] = field(default_factory=dict)

    @property
    def data_dir(self) -> Path:
        return self.folder / "data"

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse.duckdb"

    @property
    def trace(self) -> Path:
        return self.folder / "trace"

    @property
    def places(self) -> list[str]:
        """The path of each team."""
        return [f"/teams/{team_id}" for team_id in sorted({self.team_id, *self.teams.values()})]

    def place(self, transfer_id: int) -> str:
        """The path of the team of a transfer."""
        return f"/teams/{self.teams.get(transfer_id, self.team_id)}"

    def holder(self, transfer_id: int) -> Warehouse:
        return self.elsewhere.get(transfer_id, self.target)

    def side_by_side(self) -> list[int]:
        """Transfers whose days are loaded one by one, several at a time."""
        return [id_ for id_, body in self.transfers.items() if stamped.KINDS[body["data_source_id"]] == 1]

    def call(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        """Status and data (or the whole document, if it has none) of one request, on a connection of its own.

        Raises:
            Unanswered: no server, or it ended before it had answered.
        """
        port = choice((self.port, *self.others)) or 1
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONGEST_CALL)
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
        """What the state says."""
        return self.state.rows(query, *values)

    def be_patient(self) -> None:
        """From now on no slice that is claimed has a deadline that a busy machine could miss."""
        self.state.change("UPDATE transfers SET deadline_seconds = ?", LONG_DEADLINE)

    def events(self) -> list[dict[str, Any]]:
        """The trace, without a line that was cut short by a kill."""
        if not self.trace.exists():
            return []
        text = self.trace.read_text()
        return [json.loads(line) for line in text.splitlines() if line.endswith("}")]


def make(
    folder: Path,
    *wanted: tuple[str, int],
    days: int = 40,
    state: str | None = None,
    target: Warehouse | None = None,
    beside: Sequence[tuple[str, int]] = (),
    other_team: Sequence[tuple[str, int]] = (),
) -> Arena:
    """A new installation with these transfers (kind of source, deadline in seconds), each of two tables of its own.

    state: DSN of the PostgreSQL database that keeps it; without one a file does. target: a DuckDB file by default.
    beside: more transfers, into a DuckDB file whatever the target is. other_team: more transfers, of a second team,
    into the same target.
    """
    sabotage.register()
    folder.mkdir(parents=True)
    kept = StateFile(folder / "data" / "state.sqlite") if state is None else StateDatabase(state)
    made = Arena(folder, kept, target or WarehouseFile(folder / "warehouse.duckdb"), "", 0, 0, {}, {}, days=days)
    asyncio.run(_fill(made, wanted, beside, other_team, state))
    return made


async def _fill(arena: Arena, wanted: Kinds, beside: Kinds, other_team: Kinds, dsn: str | None) -> None:
    async with open_state(Settings(arena.data_dir, state=dsn)) as state, state.db.write() as tx:
        team = await teams.create(tx, state.seams, "Storm")
        owner = await teams.add_member(tx, state.seams, team.team_id, OWNER, Role.OWNER)
        key = await keys.create(
            tx, state.seams, state.keyring, team.team_id, owner.user_id, scopes=SCOPES, description="storm"
        )
        arena.team_id, arena.user_id, arena.key = team.team_id, owner.user_id, key.text
        await _fill_team(arena, state, tx, arena.target, wanted)
        beside_it = WarehouseFile(arena.folder / "beside.duckdb")
        for transfer_id in await _fill_team(arena, state, tx, beside_it, beside):
            arena.elsewhere[transfer_id] = beside_it
        if other_team:
            team = await teams.create(tx, state.seams, "Other")
            await teams.add_member(tx, state.seams, team.team_id, OWNER, Role.OWNER)
            for transfer_id in await _fill_team(arena, state, tx, arena.target, other_team, team.team_id):
                arena.teams[transfer_id] = team.team_id


async def _fill_team(
    arena: Arena, opened: Opened, tx: Tx, holder: Warehouse, some: Kinds, team_id: int = 0
) -> list[int]:
    """These transfers, into a destination of their own; returns their ids. team_id: by default the first one's."""
    team_id, made, user_id = team_id or arena.team_id, [], arena.user_id
    if some:
        target = await destinations.create(tx, opened.seams, opened.keyring, team_id, holder.wanted)
    for kind, deadline in some:
        number = len(arena.transfers)
        names = (f"visits_{number}", f"costs_{number}")
        group = await table_groups.create(
            tx, opened.seams, team_id, kind, f"Group {number}", "", [Table(name) for name in names]
        )
        body = configuration(kind, f"Transfer {number}", group.schema_id, target.destination_id, deadline)
        transfer = await transfers.create(tx, opened.seams, team_id, user_id, _chosen(body))
        arena.transfers[transfer.transfer_id], arena.tables[transfer.transfer_id] = body, names
        made.append(transfer.transfer_id)
    return made


def _chosen(body: dict[str, Any]) -> Configuration:
    settings = tuple(SourceSetting(**setting) for setting in body["data_source_settings"])
    ends = body["data_source_id"], body["schema_id"], body["destination_id"]
    return Configuration(*ends, body["display_name"], settings=settings)


def configuration(kind: str, name: str, schema_id: int, destination_id: int, deadline: int) -> dict[str, Any]:
    """A transfer as its PUT wants it."""
    settings = {"flavour": "0", "deadline_seconds": deadline, "parallelism": 4, "weight": 1}
    return {
        "data_source_id": kind,
        "schema_id": schema_id,
        "destination_id": destination_id,
        "display_name": name,
        "schedule": [],
        "accounts": [],
        "data_source_settings": [{"field_id": id_, "value": value} for id_, value in settings.items()],
    }
