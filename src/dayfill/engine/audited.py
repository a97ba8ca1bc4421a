"""What the audit log keeps of each kind of object: what a person may change about it, and never a secret."""

from __future__ import annotations

import msgspec

from dayfill.domain.allowance import Allowance
from dayfill.domain.audit import Audited
from dayfill.domain.backfill import Backfill
from dayfill.domain.connection import Connection
from dayfill.domain.destination import Destination
from dayfill.domain.transfer import TableGroup, Transfer
from dayfill.store.keys import ApiKey
from dayfill.store.teams import Member, Team


def team(one: Team) -> Audited:
    return {"name": one.name}


def allowance(one: Allowance) -> Audited:
    return {"rows_per_month": one.rows_per_month, "history_days": one.history_days, "weight": one.weight}


def member(one: Member) -> Audited:
    return {
        "user_id": one.user_id,
        "email": one.email,
        "role": one.role and one.role.value,
        "is_enabled": one.is_enabled,
    }


def api_key(one: ApiKey) -> Audited:
    return {
        "key_start": one.key_start,
        "user_id": one.user_id,
        "description": one.description,
        "scope_names": sorted(one.scopes),
        "allow_ips": one.allow_ips,
        "is_enabled": one.is_enabled,
        "expires_time": one.expires_time,
        "only_team_id": one.only_team_id,
    }


def connection(one: Connection) -> Audited:
    return {"data_source_id": one.data_source_id, "destination_type": one.destination_type}


def destination(one: Destination) -> Audited:
    return {
        "display_name": one.display_name,
        "type": one.destination_type,
        "fields": one.fields,
        "has_secret": one.sealed is not None,
    }


def table_group(one: TableGroup) -> Audited:
    return {
        "name": one.name,
        "data_source_id": one.data_source_id,
        "table_prefix": one.table_prefix,
        "tables": [table.name for table in one.tables],
    }


def transfer(one: Transfer) -> Audited:
    configuration: dict[str, object] = msgspec.to_builtins(one.configuration)
    return configuration | {"state": one.state.value}


def backfill(one: Backfill) -> Audited:
    return {
        "transfer_id": one.transfer_id,
        "range_start": one.days.start,
        "range_end": one.days.end,
        "only": one.only,
        "days": one.total,
        "status": one.status.value,
        "is_paused": one.paused_time is not None,
    }
