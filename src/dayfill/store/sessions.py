"""Rows of the sessions of people at the pages, and of the links by which they sign in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dayfill.domain.access import ROLES, Role
from dayfill.store.db import Reader, Tx, micros, moment


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody signed in. team_id: the team that is looked at. teams, roles: names and roles in each of the user's."""

    session_id: int
    user_id: int
    team_id: int
    csrf: bytes = field(repr=False)
    address: str
    created_time: datetime
    seen_time: datetime
    email: str
    teams: Mapping[int, str]
    roles: Mapping[int, Role]


@dataclass(frozen=True, slots=True)
class Listed:
    """One session in a list. address: where it was begun from."""

    session_id: int
    user_id: int
    email: str
    address: str
    created_time: datetime
    seen_time: datetime


async def get(db: Reader, session_hash: bytes) -> Session | None:
    """The session with its user's roles, in one keyed read; no team_id, because this read decides the teams."""
    rows = await db.all("get_session", session_hash=session_hash)
    if not rows:
        return None
    session_id, user_id, team_id, csrf, address, created, seen, email = rows[0][:8]
    names = {row[8]: row[10] for row in rows}
    # A role that this version does not know gives nothing.
    roles = {row[8]: ROLES[row[9]] for row in rows if row[9] in ROLES}
    team_id = team_id if team_id in names else rows[0][8]
    return Session(session_id, user_id, team_id, csrf, address, moment(created), moment(seen), email, names, roles)


async def insert(
    tx: Tx, session_hash: bytes, user_id: int, team_id: int, csrf: bytes, address: str, now: datetime
) -> int:
    """A new session; returns its id."""
    values = {"session_hash": session_hash, "user_id": user_id, "team_id": team_id, "csrf": csrf, "address": address}
    row = await tx.one("insert_session", **values, now=micros(now))
    assert row is not None
    return int(row[0])


async def see(tx: Tx, session_id: int, now: datetime) -> None:
    await tx.one("see_session", session_id=session_id, now=micros(now))


async def turn(tx: Tx, session_id: int, team_id: int) -> None:
    await tx.one("turn_session", session_id=session_id, team_id=team_id)


async def list_all(
    db: Reader, seen_after: datetime, created_after: datetime, user_id: int | None = None
) -> list[Listed]:
    """Sessions of everybody, or of one user, the last seen first."""
    rows = await db.scan(
        "list_sessions", seen_after=micros(seen_after), created_after=micros(created_after), user_id=user_id
    )
    return [Listed(row[0], row[1], row[2], row[3], moment(row[4]), moment(row[5])) for row in rows]


async def end(tx: Tx, session_id: int) -> tuple[int, int] | None:
    """End a session; returns its user and team, None if there is none."""
    row = await tx.one("end_session", session_id=session_id)
    return None if row is None else (row[0], row[1])


async def end_of_user(tx: Tx, user_id: int) -> int:
    """End all sessions of a user; returns how many."""
    return await tx.run("end_sessions_of_user", user_id=user_id)


async def drop_old(tx: Tx, seen_before: datetime, created_before: datetime, now: datetime) -> None:
    """Drop what has expired: sessions, and links."""
    await tx.run("drop_old_sessions", seen_before=micros(seen_before), created_before=micros(created_before))
    await tx.run("drop_old_links", now=micros(now))


async def insert_link(tx: Tx, link_hash: bytes, user_id: int, expires_time: datetime) -> None:
    await tx.one("insert_sign_in_link", link_hash=link_hash, user_id=user_id, expires_time=micros(expires_time))


async def use_link(tx: Tx, link_hash: bytes, now: datetime) -> int | None:
    """The user whom the link signs in, which uses it up; None if there is no such link, or it has expired."""
    row = await tx.one("use_sign_in_link", link_hash=link_hash, now=micros(now))
    return None if row is None else int(row[0])
