"""What can be done with a transfer: create, update, delete, pause, unpause, and find all that is wrong with one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dayfill.domain.fair import DEFAULT_WEIGHT
from dayfill.domain.problem import Problem
from dayfill.domain.schedule import Schedule, next_slot
from dayfill.domain.source_settings import number_of, zone_of
from dayfill.domain.transfer import (
    DEFAULT_DEADLINE_SECONDS,
    DEFAULT_PARALLELISM,
    RESERVED_SETTINGS,
    Configuration,
    TableGroup,
    Transfer,
    TransferState,
)
from dayfill.domain.validation import Facts, problems
from dayfill.engine import backfills, connections, lookups, runs, sources
from dayfill.engine.rescue import start_over
from dayfill.errors import Conflict, Refused
from dayfill.seams import Seams
from dayfill.store import days, destinations, schedules, table_groups, transfers
from dayfill.store.db import Reader, Tx
from dayfill.store.transfers import Chosen

_LIMITS = RESERVED_SETTINGS - {"timezone"}


async def check(
    db: Reader, team_id: int, configuration: Configuration, transfer_id: int | None = None
) -> list[Problem]:
    """All that is wrong with a configuration, for a new transfer or as the replacement of an old one's.

    Raises:
        Missing: no such transfer in the team.
    """
    current = None if transfer_id is None else await lookups.transfer(db, team_id, transfer_id)
    source = sources.find(configuration.data_source_id)
    group = await table_groups.get(db, team_id, configuration.schema_id)
    destination = await destinations.get(db, team_id, configuration.destination_id)
    taken: list[str] = []
    if group and destination:
        owners = await transfers.owners(db, destination.location, [table.name for table in group.tables])
        taken = [table for table, owner in owners.items() if owner != transfer_id]
    facts = Facts(
        settings=None if source is None else sources.rules_of(source),
        needs_accounts=source is not None and source.has_accounts,
        has_destination=destination is not None,
        group=group,
        name_is_taken=await transfers.named(db, team_id, configuration.display_name) not in (None, transfer_id),
        taken_tables=taken,
        data_source_id=current.configuration.data_source_id if current else None,
        reads_whole=source is None or source.reads_whole,
        has_login=await _has_login(db, team_id, configuration),
    )
    return problems(configuration, facts)


async def create(
    tx: Tx, seams: Seams, team_id: int, user_id: int, configuration: Configuration, connection_id: int | None = None
) -> Transfer:
    """A new transfer, active; its first run starts at the next slot of its schedules.

    connection_id: the login that it reads through; without one, that of its accounts, else the newest.

    Raises:
        Refused: the configuration is wrong. Conflict: nothing but a name or a table that is already in use.
    """
    found = await check(tx, team_id, configuration)
    if found and all(problem.error_code == "notUnique" for problem in found):
        raise Conflict(_sentences(found))
    _refuse(found)
    group, location, destination_type = await _targets(tx, team_id, configuration)
    logins = configuration.logins if connection_id is None else (connection_id,)
    connection = await connections.for_transfer(
        tx, seams, team_id, user_id, configuration.data_source_id, destination_type, *logins
    )
    chosen = _chosen(configuration)
    transfer_id = await transfers.insert(tx, team_id, user_id, connection.connection_id, chosen, seams.now())
    await transfers.own(tx, transfer_id, location, [table.name for table in group.tables])
    await schedules.replace(tx, transfer_id, _planned(configuration, seams.now()))
    tx.touch(transfer_id)
    seams.failpoint("create_transfer")
    return await lookups.transfer(tx, team_id, transfer_id)


async def update(
    tx: Tx,
    seams: Seams,
    team_id: int,
    transfer_id: int,
    configuration: Configuration,
    connection_id: int | None = None,
) -> Transfer:
    """Replace the whole configuration; loaded days become stale if another reading of them would now be loaded.

    connection_id: the login that it reads through; without one, that which its accounts name, else the one it had,
    unless that was revoked.

    Raises:
        Missing: no such transfer in the team. Refused: the configuration is wrong.
    """
    current = await lookups.transfer(tx, team_id, transfer_id)
    _refuse(await check(tx, team_id, configuration, transfer_id))
    group, location, destination_type = await _targets(tx, team_id, configuration)
    wanted = (*configuration.logins, current.connection_id) if connection_id is None else (connection_id,)
    connection = await connections.for_transfer(
        tx, seams, team_id, current.created_user_id, configuration.data_source_id, destination_type, *wanted
    )
    await transfers.update(tx, team_id, transfer_id, connection.connection_id, _chosen(configuration))
    await transfers.own(tx, transfer_id, location, [table.name for table in group.tables])
    now = seams.now() if current.state is TransferState.ACTIVE else None
    await schedules.replace(tx, transfer_id, _planned(configuration, now))
    tx.touch(transfer_id)
    if _reading(configuration) != _reading(current.configuration):
        await days.outdate(tx, transfer_id)
        await start_over(tx, seams, transfer_id)
    return await lookups.transfer(tx, team_id, transfer_id)


async def delete(tx: Tx, seams: Seams, team_id: int, user_id: int, transfer_id: int) -> None:
    """Hide a transfer: its active backfills and waiting runs are cancelled, its tables become free, their rows stay.

    Raises:
        Missing: no such transfer in the team.
    """
    await lookups.transfer(tx, team_id, transfer_id)
    await backfills.cancel_all(tx, seams, team_id, user_id, transfer_id)
    await runs.cancel_waiting(tx, seams, transfer_id)
    await schedules.delete(tx, transfer_id)
    await transfers.release(tx, transfer_id)
    await transfers.delete(tx, team_id, transfer_id, seams.now())
    tx.touch(transfer_id)
    seams.failpoint("delete_transfer")


async def pause(tx: Tx, team_id: int, transfer_id: int) -> Transfer:
    """Start no more scheduled runs; what runs goes on, and so do backfills. Repeated, it changes nothing.

    Raises:
        Missing: no such transfer in the team.
    """
    await lookups.transfer(tx, team_id, transfer_id)
    await transfers.set_state(tx, team_id, transfer_id, TransferState.PAUSED)
    await schedules.hold(tx, transfer_id)
    tx.touch(transfer_id)
    return await lookups.transfer(tx, team_id, transfer_id)


async def unpause(tx: Tx, seams: Seams, team_id: int, transfer_id: int) -> Transfer:
    """Go on at the next scheduled time, without catching up. Repeated, it changes nothing.

    Raises:
        Missing: no such transfer in the team.
    """
    transfer = await lookups.transfer(tx, team_id, transfer_id)
    if transfer.state is TransferState.PAUSED:
        await transfers.set_state(tx, team_id, transfer_id, TransferState.ACTIVE)
        await schedules.replace(tx, transfer_id, _planned(transfer.configuration, seams.now()))
        tx.touch(transfer_id)
    return await lookups.transfer(tx, team_id, transfer_id)


async def _has_login(db: Reader, team_id: int, configuration: Configuration) -> bool:
    source = configuration.data_source_id
    return not configuration.logins or bool(await connections.usable(db, team_id, configuration.logins[0], source))


def _planned(configuration: Configuration, now: datetime | None) -> list[tuple[Schedule, datetime | None]]:
    """Each schedule with its next slot; None as ``now`` plans nothing."""
    return [(schedule, now and next_slot(schedule, now)) for schedule in configuration.schedules]


def _chosen(configuration: Configuration) -> Chosen:
    settings = configuration.settings
    return Chosen(
        configuration,
        zone=zone_of(settings),
        parallelism=number_of(settings, "parallelism", DEFAULT_PARALLELISM),
        weight=number_of(settings, "weight", DEFAULT_WEIGHT),
        deadline_seconds=number_of(settings, "deadline_seconds", DEFAULT_DEADLINE_SECONDS),
        requests_per_minute=number_of(settings, "requests_per_minute", 0) or None,
    )


def _reading(configuration: Configuration) -> object:
    """The part of a configuration that decides what a loaded day holds, and where."""
    settings = {s.field_id: s.value for s in configuration.settings if s.field_id not in _LIMITS}
    return (
        configuration.schema_id,
        configuration.destination_id,
        configuration.accounts,
        configuration.segments,
        settings,
    )


async def _targets(tx: Tx, team_id: int, configuration: Configuration) -> tuple[TableGroup, str, str]:
    """Table group, location and type of a configuration that has been checked."""
    group = await table_groups.get(tx, team_id, configuration.schema_id)
    destination = await destinations.get(tx, team_id, configuration.destination_id)
    assert group is not None and destination is not None
    return group, destination.location, destination.destination_type


def _refuse(found: Sequence[Problem]) -> None:
    if found:
        raise Refused(_sentences(found))


def _sentences(found: Sequence[Problem]) -> str:
    return " ".join(problem.text for problem in found)
