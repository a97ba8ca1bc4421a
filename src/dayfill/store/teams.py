"""Rows of the installation, its teams, users and memberships."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dayfill.domain import connection, destination
from dayfill.domain.access import ROLES, Role
from dayfill.store.db import Reader, Row, Tx, micros, moment

_SEALED_FOR = {"destinations": destination.sealed_for, "connections": connection.sealed_for}


@dataclass(frozen=True, slots=True)
class Team:
    team_id: int
    name: str
    created_time: datetime


@dataclass(frozen=True, slots=True)
class Member:
    """A user in one team since created_time; a role that this version does not know is None and may do nothing."""

    user_id: int
    email: str
    first_name: str
    last_name: str
    is_enabled: bool
    created_time: datetime
    role: Role | None


async def installation_id(db: Reader) -> str | None:
    """The id of this installation, once it has been set up."""
    row = await db.one("get_installation")
    return None if row is None else str(row[0])


async def insert_installation(tx: Tx, installation_id: str, now: datetime) -> None:
    await tx.one("insert_installation", installation_id=installation_id, created_time=micros(now))


async def last_token(db: Reader) -> int:
    """The last token that was drawn."""
    row = await db.one("read_sequence")
    assert row is not None
    return int(row[0])


async def start_dispatching(tx: Tx) -> bool:
    """A dispatcher is at work from now on; returns whether the one before it had stopped in order."""
    row = await tx.one("read_sequence")
    assert row is not None
    await tx.run("mark_stop", stopped_cleanly=0)
    return bool(row[1])


async def stop_dispatching(tx: Tx) -> None:
    """The dispatcher has stopped in order."""
    await tx.run("mark_stop", stopped_cleanly=1)


@dataclass(frozen=True, slots=True)
class Needs:
    """What the state holds that is worth nothing without the keyring. keys: API keys. secrets: sealed ones."""

    keys: int
    secrets: int

    def __str__(self) -> str:
        return f"{self.keys} API keys and {self.secrets} stored secrets"


async def needs_of_keyring(db: Reader) -> Needs:
    row = await db.one("count_needs_of_keyring")
    assert row is not None
    return Needs(*row)


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """What one row keeps sealed. table: destinations or connections."""

    table: str
    team_id: int
    row_id: int
    sealed: bytes

    @property
    def sealed_for(self) -> str:
        return _SEALED_FOR[self.table](self.team_id, self.row_id)

    @property
    def name(self) -> str:
        return f"{self.table.removesuffix('s')} {self.row_id} of team {self.team_id}"


async def sealed_secrets(db: Reader) -> list[SealedSecret]:
    """The secrets of every destination and connection."""
    return [SealedSecret(*row) for row in await db.scan("sealed_secrets")]


async def reseal(tx: Tx, one: SealedSecret, sealed: bytes) -> bool:
    """The same secret sealed anew; False if the row holds another one by now, or none."""
    return bool(await tx.run(f"reseal_{one.table}", row_id=one.row_id, old=one.sealed, sealed=sealed))


async def page(db: Reader) -> list[Team]:
    """Every team, oldest first; for operators, not for the wire."""
    return [_team(row) for row in await db.all("list_teams")]


async def get(db: Reader, team_id: int) -> Team | None:
    row = await db.one("get_team", team_id=team_id)
    return None if row is None else _team(row)


async def insert(tx: Tx, name: str, now: datetime) -> Team:
    row = await tx.one("insert_team", name=name, created_time=micros(now))
    assert row is not None
    return _team(row)


async def user_id_of(db: Reader, email: str) -> int | None:
    """The user with this address, in any team."""
    row = await db.one("get_user_by_email", email=email)
    return None if row is None else int(row[0])


async def insert_user(tx: Tx, email: str, first_name: str, last_name: str, now: datetime) -> int:
    row = await tx.one("insert_user", email=email, first_name=first_name, last_name=last_name, created_time=micros(now))
    assert row is not None
    return int(row[0])


async def set_user_enabled(tx: Tx, user_id: int, is_enabled: bool) -> None:
    """Disable a user in every team, or enable one again; for the operator, not for the wire."""
    await tx.one("set_user_enabled", user_id=user_id, is_enabled=is_enabled)


async def set_member(tx: Tx, team_id: int, user_id: int, role: Role, now: datetime) -> None:
    """Give the user this role in the team, whatever it was before."""
    await tx.one("set_member", team_id=team_id, user_id=user_id, role=role.value, created_time=micros(now))


async def remove_member(tx: Tx, team_id: int, user_id: int) -> None:
    await tx.one("remove_member", team_id=team_id, user_id=user_id)


async def member(db: Reader, team_id: int, user_id: int) -> Member | None:
    row = await db.one("get_member", team_id=team_id, user_id=user_id)
    return None if row is None else _member(row)


async def roles_of(db: Reader, user_id: int) -> dict[int, Role | None]:
    """The user's role in each team; for the engine, not for the wire."""
    return {team_id: ROLES.get(role) for team_id, role in await db.all("roles_of_user", user_id=user_id)}


async def members(db: Reader, team_id: int) -> list[Member]:
    """Users of the team, oldest first."""
    return [_member(row) for row in await db.all("list_members", team_id=team_id)]


def _team(row: Row) -> Team:
    team_id, name, created_time = row
    return Team(team_id, name, moment(created_time))


def _member(row: Row) -> Member:
    user_id, email, first_name, last_name, is_enabled, created_time, role = row
    return Member(user_id, email, first_name, last_name, bool(is_enabled), moment(created_time), ROLES.get(role))
