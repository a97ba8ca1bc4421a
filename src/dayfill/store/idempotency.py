"""Answers kept under an Idempotency-Key, so that a repeated request changes nothing and hears the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from dayfill.store.db import Reader, Tx, micros

KEPT_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Place:
    """What a key is unique within: one user, one method, one path (without the mount)."""

    user_id: int
    method: str
    path: str
    key: str


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The first answer. answer and headers are JSON; body_hash is a fingerprint of the request's body."""

    body_hash: bytes
    status: int
    answer: bytes
    headers: str


async def find(db: Reader, place: Place, now: datetime) -> KeptAnswer | None:
    """The answer kept for this place, if it is not older than `KEPT_FOR`."""
    row = await db.one(
        "get_idempotency_key",
        user_id=place.user_id,
        method=place.method,
        path=place.path,
        idempotency_key=place.key,
        since=micros(now - KEPT_FOR),
    )
    return None if row is None else KeptAnswer(*row)


async def keep(tx: Tx, place: Place, kept: KeptAnswer, now: datetime) -> None:
    """Keep an answer in the transaction of its change, and drop those that are too old."""
    await tx.run("drop_idempotency_keys", before=micros(now - KEPT_FOR))
    await tx.one(
        "keep_idempotency_key",
        user_id=place.user_id,
        method=place.method,
        path=place.path,
        idempotency_key=place.key,
        body_hash=kept.body_hash,
        status=kept.status,
        answer=kept.answer,
        headers=kept.headers,
        created_time=micros(now),
    )
