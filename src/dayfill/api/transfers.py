"""Transfers of the vendor's contract: list, create, read, replace, delete, pause and unpause."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from dayfill.api import backfills as backfill_views
from dayfill.api import configurations
from dayfill.api.backfills import LISTED_FAILURES, BackfillView
from dayfill.api.destinations import TrialResult
from dayfill.api.wire import Answer, Call, Nothing
from dayfill.domain.audit import Act
from dayfill.domain.transfer import Transfer
from dayfill.engine import audited, lookups, source_check, sources
from dayfill.engine import transfers as verbs
from dayfill.store import backfills, transfers
from dayfill.store.db import Reader, Tx


class Named(msgspec.Struct):
    transfer_id: int
    transfer_name: str


class StateChange(msgspec.Struct, forbid_unknown_fields=True):
    transfer_state: Literal["pause", "unpause"]


class StateView(msgspec.Struct):
    state: str
    result: bool = True


class SourceItem(msgspec.Struct):
    data_source_id: str
    service_name: str


class DestinationItem(msgspec.Struct):
    destination_id: int
    destination_name: str
    destination_type: str


class TransferItem(msgspec.Struct):
    """One transfer in the list; status and state say the same."""

    dwh_transfer_id: int
    display_name: str
    external_transfer_id: str
    status: str
    state: str
    data_source: SourceItem
    destination: DestinationItem
    accounts: list[str]
    backfill: BackfillView | None
    schedule: str
    run_date: str | UnsetType


async def list_(call: Call) -> Answer:
    found = await transfers.list_all(call.server.db, call.team_id)
    return Answer(200, [await _item(call, summary) for summary in found])


async def create(call: Call, tx: Tx) -> Answer:
    configuration = configurations.wanted(call)
    made = await verbs.create(tx, call.server.seams, call.team_id, call.caller.user_id, configuration)
    return Answer(201, _named(made), act=Act("transfer.create", made.transfer_id, after=audited.transfer(made)))


async def get(call: Call) -> Answer:
    transfer = await read(call, call.server.db)
    return Answer(200, await configurations.show(call, transfer), wrapped=False)


async def update(call: Call, tx: Tx) -> Answer:
    transfer = await read(call, tx)
    configuration = configurations.wanted(call)
    changed = await verbs.update(tx, call.server.seams, call.team_id, transfer.transfer_id, configuration)
    return Answer(200, _named(changed), wrapped=False, act=_changed("transfer.update", transfer, changed))


async def delete(call: Call, tx: Tx) -> Answer:
    transfer = await read(call, tx)
    await verbs.delete(tx, call.server.seams, call.team_id, call.caller.user_id, transfer.transfer_id)
    return Answer(204, None, act=Act("transfer.delete", transfer.transfer_id, audited.transfer(transfer)))


async def set_state(call: Call, tx: Tx) -> Answer:
    transfer = await read(call, tx)
    verb = call.decode(StateChange).transfer_state
    if verb == "pause":
        changed = await verbs.pause(tx, call.team_id, transfer.transfer_id)
    else:
        changed = await verbs.unpause(tx, call.server.seams, call.team_id, transfer.transfer_id)
    view, act = StateView(changed.state.value.upper()), _changed(f"transfer.{verb}", transfer, changed)
    return Answer(200, view, wrapped=False, act=act)


async def test(call: Call) -> Answer:
    server, transfer = call.server, await read(call, call.server.db)
    call.decode(Nothing)
    whose, reach = transfer.transfer_id, server.reaches.of(call.team_id)
    error = await server.trials.run(call.team_id, lambda: source_check.test(server.db, server.keyring, whose, reach))
    tried = {"data_source_id": transfer.configuration.data_source_id, "success": error is None}
    return Answer(200, TrialResult(error is None, error), act=Act("transfer.test", whose, after=tried))


async def read(call: Call, db: Reader) -> Transfer:
    """The transfer of the path.

    Raises:
        Missing: the team has none with this id.
    """
    return await lookups.transfer(db, call.team_id, call.path["transfer_id"])


def _changed(action: str, before: Transfer, after: Transfer) -> Act:
    return Act(action, after.transfer_id, audited.transfer(before), audited.transfer(after))


def _named(transfer: Transfer) -> Named:
    return Named(transfer.transfer_id, transfer.configuration.display_name)


async def _item(call: Call, summary: transfers.Summary) -> TransferItem:
    transfer, configuration = summary.transfer, summary.transfer.configuration
    source = sources.find(configuration.data_source_id)
    latest = await backfills.latest(call.server.db, call.team_id, transfer.transfer_id)
    return TransferItem(
        dwh_transfer_id=transfer.transfer_id,
        display_name=configuration.display_name,
        external_transfer_id=str(transfer.transfer_id),
        status=transfer.state.value,
        state=transfer.state.value,
        data_source=SourceItem(configuration.data_source_id, source.title if source else ""),
        destination=DestinationItem(configuration.destination_id, summary.destination_name, summary.destination_type),
        accounts=[account.account_id for account in configuration.accounts],
        backfill=await backfill_views.show(call, call.server.db, latest, LISTED_FAILURES) if latest else None,
        schedule=", ".join(schedule.interval.value for schedule in configuration.schedules) or "none",
        run_date=summary.last_run_time.date().isoformat() if summary.last_run_time else UNSET,
    )
