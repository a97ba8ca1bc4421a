"""What the audit log tells of an object: every word of it, since a page shows it and nothing else remembers it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dayfill.domain.access import Role
from dayfill.domain.allowance import Allowance
from dayfill.domain.connection import Connection
from dayfill.domain.destination import Destination
from dayfill.domain.transfer import Configuration, SourceSetting, Table, TableGroup, Transfer, TransferState
from dayfill.engine import audited
from dayfill.store.keys import ApiKey
from dayfill.store.teams import Member, Team
from installation import NOON

WAREHOUSE = Destination(4, 1, "DWH_DUCKDB", "Warehouse", "", {"path": "w.duckdb"}, None, "file:w.duckdb", NOON)
SEALED = Destination(5, 1, "DWH_OTHER", "Sealed", "AUTH_METHOD_SECRET", {"host": "db"}, b"sealed", "db", NOON)
FLIGHTS = Configuration("FILES", 2, 4, "Flights", settings=(SourceSetting("path", "f.csv"),))
KEY = ApiKey("k1", "api_abcdef", 3, "for CI", frozenset({"b", "a"}), True, NOON, NOON, ("192.0.2.1",), None, 1)
TOLD: list[tuple[Callable[[Any], Any], object, dict[str, Any]]] = [
    (audited.team, Team(1, "First", NOON), {"name": "First"}),
    (audited.allowance, Allowance(5, None, 3, 2), {"rows_per_month": 5, "history_days": None, "weight": 2}),
    (
        audited.member,
        Member(3, "a@example.com", "A", "B", False, NOON, Role.OWNER),
        {"user_id": 3, "email": "a@example.com", "role": Role.OWNER.value, "is_enabled": False},
    ),
    (
        audited.member,
        Member(3, "a@example.com", "A", "B", True, NOON, None),
        {"user_id": 3, "email": "a@example.com", "role": None, "is_enabled": True},
    ),
    (
        audited.api_key,
        KEY,
        {
            "key_start": "api_abcdef",
            "user_id": 3,
            "description": "for CI",
            "scope_names": ["a", "b"],
            "allow_ips": ("192.0.2.1",),
            "is_enabled": True,
            "expires_time": NOON,
            "only_team_id": 1,
        },
    ),
    (
        audited.connection,
        Connection(7, "ID", 1, "FILES", "DWH_DUCKDB", b"sealed", 2, NOON),
        {"data_source_id": "FILES", "destination_type": "DWH_DUCKDB"},
    ),
    (
        audited.destination,
        WAREHOUSE,
        {"display_name": "Warehouse", "type": "DWH_DUCKDB", "fields": {"path": "w.duckdb"}, "has_secret": False},
    ),
    (
        audited.destination,
        SEALED,
        {"display_name": "Sealed", "type": "DWH_OTHER", "fields": {"host": "db"}, "has_secret": True},
    ),
    (
        audited.table_group,
        TableGroup(2, 1, "FILES", "Group", "p_", (Table("one"), Table("two"))),
        {"name": "Group", "data_source_id": "FILES", "table_prefix": "p_", "tables": ["one", "two"]},
    ),
]


@pytest.mark.parametrize(("tell", "one", "expected"), TOLD)
def test_of_each_kind_of_object(tell: Callable[[Any], Any], one: object, expected: dict[str, Any]) -> None:
    assert tell(one) == expected


def test_of_a_transfer_its_whole_configuration_and_its_state() -> None:
    said = audited.transfer(Transfer(9, 1, TransferState.PAUSED, FLIGHTS, NOON, 3, 7))
    assert (said["display_name"], said["destination_id"], said["state"]) == ("Flights", 4, TransferState.PAUSED.value)
    assert said["settings"] == ({"field_id": "path", "value": "f.csv", "group": ""},)
    assert set(said) == {*Configuration.__dataclass_fields__, "state"}
