"""Transfers of a team, which tables each of them owns, and what the dispatcher must know to load their days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from dayfill.domain import connection, destination
from dayfill.domain.fair import DEFAULT_WEIGHT
from dayfill.domain.slices import DestinationJob, SourceJob
from dayfill.domain.slices import TransferJob as TransferJob
from dayfill.domain.source_settings import number_of
from dayfill.domain.transfer import (
    DEFAULT_MAX_DAY_GIGABYTES,
    DEFAULT_MAX_DAY_ROWS,
    RESERVED_SETTINGS,
    Configuration,
    Transfer,
    TransferState,
    Value,
)
from dayfill.store.db import Reader, Row, Tx, instant, micros, moment
from dayfill.store.table_groups import tables_of


@dataclass(frozen=True, slots=True)
class Chosen:
    """A checked configuration with what follows from its reserved settings."""

    configuration: Configuration
    zone: str
    parallelism: int
    deadline_seconds: int
    weight: int = DEFAULT_WEIGHT
    requests_per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """One transfer in a list. last_run_time: creation of its newest run."""

    transfer: Transfer
    destination_name: str
    destination_type: str
    last_run_time: datetime | None


async def get(db: Reader, team_id: int, transfer_id: int) -> Transfer | None:
    row = await db.one("get_transfer", team_id=team_id, transfer_id=transfer_id)
    return None if row is None else _transfer(row)


async def list_all(db: Reader, team_id: int) -> list[Summary]:
    """All transfers of a team that are not deleted, by name."""
    return [
        Summary(_transfer(row[:10]), row[10], row[11], instant(row[12]))
        for row in await db.scan("list_transfers", team_id=team_id)
    ]


async def named(db: Reader, team_id: int, display_name: str) -> int | None:
    """The id of the transfer that holds this name, if there is one."""
    row = await db.one("transfer_named", team_id=team_id, display_name=display_name)
    return None if row is None else int(row[0])


async def job(db: Reader, transfer_id: int) -> TransferJob:
    """All that the slices of a transfer share, deleted or not; the dispatcher has its id from a run."""
    row = await db.one("transfer_job", transfer_id=transfer_id)
    assert row is not None, f"run of unknown transfer {transfer_id}"
    return _job(row)


async def jobs(tx: Tx, transfer_ids: Sequence[int]) -> dict[int, TransferJob]:
    """`job` of each of these transfers."""
    rows = await tx.many("transfer_job", [{"transfer_id": one} for one in transfer_ids])
    return {row[0]: _job(row) for row in rows}


async def insert(tx: Tx, team_id: int, user_id: int, connection_id: int, chosen: Chosen, now: datetime) -> int:
    """A new transfer, active, without schedules; returns its id."""
    row = await tx.one(
        "insert_transfer",
        team_id=team_id,
        data_source_id=chosen.configuration.data_source_id,
        connection_id=connection_id,
        now=micros(now),
        user_id=user_id,
        **_values(chosen),
    )
    assert row is not None
    return int(row[0])


async def update(tx: Tx, team_id: int, transfer_id: int, connection_id: int, chosen: Chosen) -> None:
    """Replace the configuration; the data source never changes."""
    values = {"connection_id": connection_id, **_values(chosen)}
    await tx.run("update_transfer", team_id=team_id, transfer_id=transfer_id, **values)


async def set_state(tx: Tx, team_id: int, transfer_id: int, state: TransferState) -> None:
    await tx.run("set_transfer_state", team_id=team_id, transfer_id=transfer_id, state=state.value)


async def delete(tx: Tx, team_id: int, transfer_id: int, now: datetime) -> bool:
    """Hide it; False if there is no such transfer."""
    return bool(await tx.run("delete_transfer", team_id=team_id, transfer_id=transfer_id, now=micros(now)))


async def owners(db: Reader, location: str, tables: Sequence[str]) -> dict[str, int]:
    """Those of the tables that a transfer of any team loads at this place, each with that transfer's id."""
    found: dict[str, int] = {}
    for table in tables:
        row = await db.one("table_owner", location=location, table_name=table.lower())
        if row is not None:
            found[table] = row[0]
    return found


async def own(tx: Tx, transfer_id: int, location: str, tables: Sequence[str]) -> None:
    """The transfer loads exactly these tables from now on; all must be free or its own (see `owners`)."""
    await release(tx, transfer_id)
    await tx.many(
        "own_table",
        [{"location": location, "table_name": table.lower(), "transfer_id": transfer_id} for table in tables],
    )


async def release(tx: Tx, transfer_id: int) -> None:
    """The transfer loads no table any more."""
    await tx.run("release_tables", transfer_id=transfer_id)


async def owned(db: Reader, transfer_id: int) -> list[str]:
    """The tables that a transfer owns, in lower case."""
    return [table for _, table in await db.all("tables_of_transfer", transfer_id=transfer_id)]


def _values(chosen: Chosen) -> dict[str, object]:
    configuration = chosen.configuration
    return {
        "display_name": configuration.display_name,
        "schema_id": configuration.schema_id,
        "destination_id": configuration.destination_id,
        "configuration": msgspec.json.encode(configuration).decode(),
        "zone": chosen.zone,
        "parallelism": chosen.parallelism,
        "deadline_seconds": chosen.deadline_seconds,
        "weight": chosen.weight,
        "requests_per_minute": chosen.requests_per_minute,
    }


def _transfer(row: Row) -> Transfer:
    identity, team_id, state, configuration, created, user_id, connection_id, parallelism, deadline, zone = row
    return Transfer(
        transfer_id=identity,
        team_id=team_id,
        state=TransferState(state),
        configuration=msgspec.json.decode(configuration, type=Configuration),
        created_time=moment(created),
        created_user_id=user_id,
        connection_id=connection_id,
        parallelism=parallelism,
        deadline_seconds=deadline,
        zone=zone,
    )


def _job(row: Row) -> TransferJob:
    transfer_id, team_id, text, zone, parallelism, deadline = row[:6]
    connection_id, connection_parallelism, parked_until, credentials, revoked_time, requests_per_minute = row[6:12]
    tables, destination_id, destination_type, fields, secrets, down_until, rivals = row[12:]
    configuration = msgspec.json.decode(text, type=Configuration)
    return TransferJob(
        transfer_id=transfer_id,
        team_id=team_id,
        connection_id=connection_id,
        connection_parallelism=connection_parallelism,
        requests_per_minute=requests_per_minute,
        parked_until=instant(parked_until or None),
        parallelism=parallelism,
        deadline_seconds=deadline,
        zone=zone,
        source=_source(configuration, zone, credentials, team_id, connection_id, is_revoked=revoked_time is not None),
        tables=tables_of(tables),
        destination_id=destination_id,
        destination_parked_until=instant(down_until or None),
        destination=DestinationJob(
            kind=destination_type,
            fields=msgspec.json.decode(fields, type=dict[str, Value]),
            sealed=secrets,
            sealed_for=destination.sealed_for(team_id, destination_id),
            rivals=frozenset(map(int, rivals.split(","))) if rivals else frozenset(),
            check_first=bool(down_until),
        ),
    )


def _source(
    configuration: Configuration, zone: str, sealed: bytes | None, team_id: int, connection_id: int, *, is_revoked: bool
) -> SourceJob:
    return SourceJob(
        kind=configuration.data_source_id,
        settings={s.field_id: s.value for s in configuration.settings if s.field_id not in RESERVED_SETTINGS},
        accounts=configuration.accounts,
        segments=configuration.segments,
        zone=zone,
        sealed=sealed,
        sealed_for=connection.sealed_for(team_id, connection_id),
        max_day_rows=number_of(configuration.settings, "max_day_rows", DEFAULT_MAX_DAY_ROWS),
        max_day_gigabytes=number_of(configuration.settings, "max_day_gigabytes", DEFAULT_MAX_DAY_GIGABYTES),
        connection_id=connection_id,
        is_revoked=is_revoked,
    )
