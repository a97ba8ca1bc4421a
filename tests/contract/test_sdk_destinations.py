"""Every destinations method of the official SDK, and what it parsed: an unset field is a wrongly wrapped body."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from official import Sdk, methods
from supermetrics import APIError
from supermetrics import ValidationError as SdkValidationError
from supermetrics.resources.destinations import DestinationsAsyncResource, DestinationsResource

import seeds
from installation import Installation


async def test_create_get_and_list(installation: Installation, call: Sdk) -> None:
    fields = {"path": "/srv/a.duckdb", "schema": "ads"}
    made = await call("destinations.create", installation.team_id, "DWH_DUCKDB", "Warehouse", fields)
    read = await call("destinations.get", installation.team_id, made.id)
    assert read.to_dict() == made.to_dict()
    assert (read.display_name, read.destination_type.type_) == ("Warehouse", "DWH_DUCKDB")
    assert read.destination_type.title == "DuckDB file"
    assert read.destination_type.icon_url.startswith("data:image/svg+xml,")
    assert {setting.id: setting.value for setting in read.edit_settings} == fields
    assert all(setting.label and setting.input_type == "text" for setting in read.edit_settings)
    items = await call("destinations.list", installation.team_id)
    assert [item.to_dict() for item in items] == [{"id": made.id, "display_name": "Warehouse", "type": "DWH_DUCKDB"}]


async def test_update(installation: Installation, call: Sdk) -> None:
    made = await seeds.destination(installation)
    changed = await call(
        "destinations.update", installation.team_id, made.destination_id, "DWH_DUCKDB", "New", {"path": "/srv/b"}
    )
    assert (changed.id, changed.display_name) == (made.destination_id, "New")
    assert {setting.id: setting.value for setting in changed.edit_settings} == {"path": "/srv/b", "schema": None}


async def test_delete_and_usage(installation: Installation, call: Sdk) -> None:
    made = await seeds.transfer(installation)
    destination_id = made.configuration.destination_id
    used = await call("destinations.get_usage", installation.team_id, destination_id)
    assert used.is_used is True
    assert [one.to_dict() for one in used.transfers] == [{"transfer_id": made.transfer_id, "transfer_name": "Flights"}]
    with pytest.raises(APIError) as refused:
        await call("destinations.delete", installation.team_id, destination_id)
    assert refused.value.status_code == 409
    await call("transfers.delete", installation.team_id, made.transfer_id)
    free = await call("destinations.get_usage", installation.team_id, destination_id)
    assert (free.is_used, free.transfers) == (False, [])
    assert await call("destinations.delete", installation.team_id, destination_id) is None
    assert await call("destinations.list", installation.team_id) == []


async def test_test_connection(installation: Installation, call: Sdk, tmp_path: Path) -> None:
    path = {"path": str(tmp_path / "a.duckdb")}
    good = await call("destinations.test_connection", installation.team_id, "DWH_DUCKDB", "Trial", path)
    assert (good.success, good.error) == (True, None)
    nowhere = {"path": str(tmp_path / "nowhere" / "a.duckdb")}
    bad = await call("destinations.test_connection", installation.team_id, "DWH_DUCKDB", "Trial", nowhere)
    assert bad.success is False
    assert "nowhere" in bad.error
    assert await call("destinations.list", installation.team_id) == []


async def test_the_reason_of_a_refusal_reaches_the_caller(installation: Installation, call: Sdk) -> None:
    with pytest.raises(SdkValidationError, match="The field path is missing"):
        await call("destinations.create", installation.team_id, "DWH_DUCKDB", "Warehouse", {})
    with pytest.raises(SdkValidationError, match="There is no destination type 'SQL_BQ'"):
        await call("destinations.create", installation.team_id, "SQL_BQ", "Warehouse", {})
    made = await seeds.destination(installation)
    with pytest.raises(SdkValidationError, match="takes no new_password: it has no secrets"):
        await call(
            "destinations.update",
            installation.team_id,
            made.destination_id,
            "DWH_DUCKDB",
            "Warehouse",
            {"path": "/srv/a"},
            new_password="x",
        )
    with pytest.raises(APIError) as taken:
        await call("destinations.create", installation.team_id, "DWH_DUCKDB", "Warehouse", {"path": "/srv/a"})
    assert taken.value.status_code == 409


def test_no_method_is_left_out() -> None:
    called = set(re.findall(r'call\(\s*"destinations\.(\w+)"', Path(__file__).read_text("utf-8")))
    assert called == methods(DestinationsResource) == methods(DestinationsAsyncResource)
