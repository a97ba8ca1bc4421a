"""Rows of the audit log: written with what they tell of, read newest first, dropped by age."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dayfill.domain.audit import Actor
from dayfill.store.db import Reader, Row, Tx, micros, moment

NEWEST = (1 << 63) - 1
"""A cursor in front of every row."""
_ALWAYS = (0, (1 << 63) - 1)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row. team_id: None if it was about no team. before, after: JSON texts."""

    audit_id: int
    team_id: int | None
    audit_time: datetime
    actor: Actor
    action: str
    object: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows; None is any. object: kind and id. first, last: both inclusive."""

    object: str | None = None
    user_id: int | None = None
    first: datetime | None = None
    last: datetime | None = None


async def insert(
    tx: Tx,
    team_id: int | None,
    actor: Actor,
    action: str,
    object: str,
    before: str | None,
    after: str | None,
    now: datetime,
) -> None:
    await tx.one(
        "insert_audit",
        team_id=team_id,
        audit_time=micros(now),
        actor=actor.kind,
        user_id=actor.user_id,
        api_key_id=actor.api_key_id,
        address=actor.address,
        request_id=actor.request_id,
        action=action,
        object=object,
        before=before,
        after=after,
    )


async def page(db: Reader, team_id: int, wanted: Filter, before: int, limit: int) -> list[Entry]:
    """Rows of a team, newest first, from below the row ``before``."""
    rows = await db.scan("page_of_audit", team_id=team_id, before=before, limit=limit, **_values(wanted))
    return [_entry(row) for row in rows]


async def latest(db: Reader, team_id: int | None, wanted: Filter, limit: int) -> list[Entry]:
    """The newest rows of every team, or of one, and of none; for operators, not for the wire."""
    rows = await db.scan("latest_audit", team_id=team_id, limit=limit, **_values(wanted))
    return [_entry(row) for row in rows]


async def of_transfer(db: Reader, team_id: int, transfer_id: int, before: int, limit: int) -> list[Entry]:
    """What was done with a transfer and its backfills, newest first, from below the row ``before``."""
    values = {"team_id": team_id, "transfer_id": transfer_id, "before": before, "limit": limit}
    return [_entry(row) for row in await db.scan("audit_of_transfer", **values)]


async def has_before(db: Reader, before: datetime) -> bool:
    """Whether a row is from before this time."""
    return await db.one("audit_before", before=micros(before)) is not None


async def drop(tx: Tx, before: datetime, most: int) -> None:
    """Drop rows from before this time, the oldest first, at most so many."""
    await tx.run("drop_audit", before=micros(before), most=most)


def _values(wanted: Filter) -> dict[str, object]:
    first, last = micros(wanted.first), micros(wanted.last)
    return {
        "object": wanted.object,
        "user_id": wanted.user_id,
        "first": _ALWAYS[0] if first is None else first,
        "last": _ALWAYS[1] if last is None else last,
    }


def _entry(row: Row) -> Entry:
    audit_id, team_id, audit_time, kind, user_id, api_key_id, address, request_id, *rest = row
    return Entry(audit_id, team_id, moment(audit_time), Actor(kind, user_id, api_key_id, address, request_id), *rest)
