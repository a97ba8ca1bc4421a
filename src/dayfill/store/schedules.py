"""When each schedule fires next, and which slots have fired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from dayfill.domain.schedule import Schedule
from dayfill.store.db import Reader, Row, Tx, instant, micros, moment


@dataclass(frozen=True, slots=True)
class Due:
    """A schedule with its next slot."""

    transfer_id: int
    team_id: int
    zone: str
    position: int
    schedule: Schedule
    slot: datetime


async def replace(tx: Tx, transfer_id: int, planned: Sequence[tuple[Schedule, datetime | None]]) -> None:
    """Give a transfer exactly these schedules, each with its next slot (None: it is paused)."""
    await tx.run("delete_schedules", transfer_id=transfer_id)
    await tx.many(
        "insert_schedule",
        [
            {
                "transfer_id": transfer_id,
                "position": position,
                "schedule": msgspec.json.encode(schedule).decode(),
                "next_time": micros(slot),
            }
            for position, (schedule, slot) in enumerate(planned)
        ],
    )


async def hold(tx: Tx, transfer_id: int) -> None:
    """Nothing of the transfer is due until `set_next` says so."""
    await tx.run("hold_schedules", transfer_id=transfer_id)


async def delete(tx: Tx, transfer_id: int) -> None:
    await tx.run("delete_schedules", transfer_id=transfer_id)


async def of_transfer(db: Reader, transfer_id: int) -> list[tuple[int, Schedule, datetime | None]]:
    """Position, schedule and next slot of each schedule of a transfer."""
    return [
        (position, msgspec.json.decode(text, type=Schedule), instant(slot))
        for position, text, slot in await db.all("schedules_of_transfer", transfer_id=transfer_id)
    ]


async def due(db: Reader, now: datetime, limit: int = 500) -> list[Due]:
    """Schedules whose slot has come, oldest slot first; at most ``limit``."""
    return [_due(row) for row in await db.all("due_schedules", now=micros(now), limit=limit)]


async def planned(tx: Tx) -> list[Due]:
    """Every schedule that waits for its slot, however far that is."""
    return [_due(row) for row in await tx.scan("planned_schedules")]


async def next_due(db: Reader) -> datetime | None:
    """When the next schedule of all fires; None if no schedule waits."""
    row = await db.one("next_due")
    return None if row is None else moment(row[0])


async def next_of(db: Reader, transfer_id: int) -> datetime | None:
    """When this transfer fires next; None while it is paused or has no schedule."""
    row = await db.one("next_slot_of_transfer", transfer_id=transfer_id)
    return None if row is None else instant(row[0])


async def set_next(tx: Tx, transfer_id: int, position: int, slot: datetime) -> None:
    await tx.run("set_next_slot", transfer_id=transfer_id, position=position, next_time=micros(slot))


async def fire(tx: Tx, transfer_id: int, slot: datetime, now: datetime) -> bool:
    """Record that a slot fires; False if it has fired before."""
    row = await tx.one("fire_slot", transfer_id=transfer_id, slot_time=micros(slot), now=micros(now))
    return row is not None


def _due(row: Row) -> Due:
    transfer_id, team_id, zone, position, text, slot = row
    return Due(transfer_id, team_id, zone, position, msgspec.json.decode(text, type=Schedule), moment(slot))
