"""The installation in a data directory of this machine, as the operator's commands use it."""

from __future__ import annotations

import fcntl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from dayfill.app import STATE_FILE, State, open_state
from dayfill.app.holding import LOCK_FILE
from dayfill.cli.exits import CommandError, Exit
from dayfill.domain.access import SCOPES, Role
from dayfill.domain.audit import OPERATOR, Act
from dayfill.engine import audit, audited, keys, teams
from dayfill.engine.keys import NewKey
from dayfill.settings import Settings
from dayfill.store import teams as team_rows
from dayfill.store.db import Tx

FIRST_TEAM, FIRST_OWNER = "Default", "owner@localhost"


def existing(settings: Settings) -> Path:
    """The data directory, which must hold an installation: a mistyped one should not become new.

    With the state in PostgreSQL nothing need be in it yet.

    Raises:
        CommandError: it holds none.
    """
    if settings.state is None and not (settings.data_dir / STATE_FILE).is_file():
        raise CommandError(
            f"{settings.data_dir} holds no dayfill installation.",
            Exit.SETUP,
            hint="Name it with --data-dir or DAYFILL_DATA_DIR, or make one: dayfill init",
        )
    return settings.data_dir


def is_served(directory: Path) -> bool:
    """Whether a server works on this data directory now."""
    lock = directory / LOCK_FILE
    if not lock.exists():
        return False
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


@asynccontextmanager
async def existing_state(settings: Settings) -> AsyncIterator[State]:
    """The installation's state; see `existing`."""
    existing(settings)
    async with open_state(settings) as state:
        yield state


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one team by the operator, in one transaction with what the audit log says of it."""

    tx: Tx
    state: State
    team_id: int

    async def record(self, act: Act) -> None:
        await audit.record(self.tx, OPERATOR, self.team_id, act, self.state.seams.now())


@asynccontextmanager
async def changing(settings: Settings, team_id: int) -> AsyncIterator[Change]:
    """The installation's state, to be changed; see `existing`."""
    async with existing_state(settings) as state, state.db.write() as tx:
        yield Change(tx, state, team_id)


async def first_key(state: State) -> tuple[int, NewKey] | None:
    """Team id and key of a new installation's owner; None if the installation already has a team."""
    if await team_rows.page(state.db):
        return None
    async with state.db.write() as tx:
        team = await teams.create(tx, state.seams, FIRST_TEAM)
        act = Act("team.create", team.team_id, after=audited.team(team))
        await audit.record(tx, OPERATOR, team.team_id, act, state.seams.now())
        return team.team_id, await _owners_key(tx, state, team.team_id)


async def another_key(state: State) -> tuple[int, NewKey]:
    """A further key of the first team's owner, since no key can be shown twice."""
    team = (await team_rows.page(state.db))[0]
    async with state.db.write() as tx:
        return team.team_id, await _owners_key(tx, state, team.team_id)


async def _owners_key(tx: Tx, state: State, team_id: int) -> NewKey:
    owner = await teams.add_member(tx, state.seams, team_id, FIRST_OWNER, Role.OWNER)
    made = await keys.create(
        tx, state.seams, state.keyring, team_id, owner.user_id, scopes=SCOPES, description="Made on this machine"
    )
    act = Act("key.create", made.key.api_key_id, after=audited.api_key(made.key))
    await audit.record(tx, OPERATOR, team_id, act, state.seams.now())
    return made


def client_lines(url: str, team_id: int, api_key: str) -> list[str]:
    """What a shell and a Python program need to talk to the server."""
    return [
        "  In a shell:",
        f"    export DAYFILL_URL={url} DAYFILL_TEAM_ID={team_id} DAYFILL_API_KEY={api_key}",
        "  In Python, with the official SDK (pip install supermetrics):",
        "    from supermetrics import SupermetricsClient",
        f'    client = SupermetricsClient(api_key="{api_key}", base_url="{url}")',
        f"    client.backfills.list_incomplete(team_id={team_id})",
    ]
