"""Destinations of a team; secret fields only pass through here sealed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from dayfill.domain.destination import Destination
from dayfill.domain.transfer import Value
from dayfill.store.db import Reader, Row, Tx, micros, moment


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a person chose for a destination, checked; ``location`` follows from type and fields."""

    destination_type: str
    display_name: str
    auth_method: str
    fields: Mapping[str, Value]
    location: str


async def get(db: Reader, team_id: int, destination_id: int) -> Destination | None:
    row = await db.one("get_destination", team_id=team_id, destination_id=destination_id)
    return None if row is None else _destination(row)


async def list_all(db: Reader, team_id: int) -> list[Destination]:
    """All destinations of a team, by name."""
    return [_destination(row) for row in await db.scan("list_destinations", team_id=team_id)]


async def named(db: Reader, team_id: int, display_name: str) -> int | None:
    """The id of the destination that holds this name, if there is one."""
    row = await db.one("destination_named", team_id=team_id, display_name=display_name)
    return None if row is None else int(row[0])


async def usage(db: Reader, team_id: int, destination_id: int) -> list[tuple[int, str]]:
    """Id and name of each transfer that loads into the destination."""
    return [
        (transfer_id, name)
        for transfer_id, name in await db.all(
            "transfers_of_destination", team_id=team_id, destination_id=destination_id
        )
    ]


async def insert(tx: Tx, team_id: int, chosen: Chosen, now: datetime) -> int:
    """A destination without secrets; returns its id."""
    row = await tx.one(
        "insert_destination",
        team_id=team_id,
        destination_type=chosen.destination_type,
        display_name=chosen.display_name,
        auth_method=chosen.auth_method,
        fields=_json(chosen.fields),
        location=chosen.location,
        created_time=micros(now),
    )
    assert row is not None
    return int(row[0])


async def seal(tx: Tx, team_id: int, destination_id: int, sealed: bytes | None) -> None:
    await tx.run("seal_destination", team_id=team_id, destination_id=destination_id, sealed=sealed)


async def update(tx: Tx, team_id: int, destination_id: int, chosen: Chosen) -> None:
    await tx.run(
        "update_destination",
        team_id=team_id,
        destination_id=destination_id,
        display_name=chosen.display_name,
        auth_method=chosen.auth_method,
        fields=_json(chosen.fields),
        location=chosen.location,
    )


async def delete(tx: Tx, team_id: int, destination_id: int, now: datetime) -> bool:
    """Hide it and forget its secrets; False if there is no such destination."""
    return bool(await tx.run("delete_destination", team_id=team_id, destination_id=destination_id, now=micros(now)))


def _json(fields: Mapping[str, Value]) -> str:
    return msgspec.json.encode(fields).decode()


def _destination(row: Row) -> Destination:
    identity, team_id, kind, name, auth_method, fields, sealed, location, created = row
    return Destination(
        destination_id=identity,
        team_id=team_id,
        destination_type=kind,
        display_name=name,
        auth_method=auth_method,
        fields=msgspec.json.decode(fields, type=dict[str, Value]),
        sealed=sealed,
        location=location,
        created_time=moment(created),
    )
