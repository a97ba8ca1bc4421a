"""Every transfers method of the official SDK, and what it parsed: an unset field is a wrongly wrapped body."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from official import Sdk, methods
from supermetrics import APIError, TransferAccount, TransferDataSourceSetting, TransferSchedule, TransferSegment
from supermetrics import ValidationError as SdkValidationError
from supermetrics._generated.supermetrics_api_client.types import Unset
from supermetrics.resources.transfers import TransfersAsyncResource, TransfersResource

import seeds
from dayfill.domain.days import DayRange
from dayfill.domain.run import Priority, Trigger
from dayfill.domain.schedule import Interval, Schedule
from dayfill.domain.transfer import Account, Segment
from dayfill.engine import backfills, runs
from installation import Installation


def all_set(value: object, *names: str) -> bool:
    return all(not isinstance(getattr(value, name), Unset) for name in names)


async def parts(installation: Installation) -> dict[str, object]:
    """A configuration as the SDK takes it."""
    group, destination = await seeds.group(installation), await seeds.destination(installation)
    return {
        "data_source_id": "FILES",
        "schema_id": group.schema_id,
        "destination_id": destination.destination_id,
        "display_name": "From the SDK",
        "schedule": [TransferSchedule(run_interval="weekly", run_hour=22, refresh_window=3, run_weekday=2)],
        "accounts": [TransferAccount(data_source_username="user", login_id=0, account_id="a-1")],
        "segments": [TransferSegment(data_source_username="user", login_id=0, segment_id="-1", segment_name="All")],
        "data_source_settings": [TransferDataSourceSetting(field_id="path", value="/a.csv", group="Default")],
        "notification_recipients": ["a@example.com"],
        "transfer_type": 1,
    }


async def test_create_and_get(installation: Installation, call: Sdk) -> None:
    wanted = await parts(installation)
    made = await call("transfers.create", installation.team_id, **wanted)
    assert made.transfer_name == "From the SDK"
    read = await call("transfers.get", installation.team_id, made.transfer_id)
    assert read.transfer_id == made.transfer_id
    assert read.display_name == "From the SDK"
    assert (read.schema_id, read.destination_id) == (wanted["schema_id"], wanted["destination_id"])
    assert [one.to_dict() for one in read.schedule] == [one.to_dict() for one in wanted["schedule"]]  # type: ignore[attr-defined]
    assert [one.to_dict() for one in read.accounts] == [one.to_dict() for one in wanted["accounts"]]  # type: ignore[attr-defined]
    assert [one.to_dict() for one in read.segments] == [one.to_dict() for one in wanted["segments"]]  # type: ignore[attr-defined]
    assert (read.data_source.data_source_id, read.data_source.service_name) == ("FILES", "Files")
    assert [one.to_dict() for one in read.data_source.settings] == [
        {"field_id": "path", "value": "/a.csv", "group": "Default"}
    ]
    assert [one.email for one in read.notification_recipients] == ["a@example.com"]
    assert (read.license_.is_expired, read.license_.is_trial, read.external_url) == (False, False, None)
    assert read.additional_properties["x"]["next_run_time"] == "2024-06-18T22:00:00Z"


async def test_list(installation: Installation, call: Sdk) -> None:
    login = (await seeds.login(installation)).connection_id
    made = await seeds.transfer(
        installation,
        schedules=(Schedule(Interval.DAILY), Schedule(Interval.MONTHLY)),
        accounts=(Account("u", login, "a-1"),),
        segments=(Segment("u", login, "s", "All"),),
    )
    await seeds.transfer(installation, "Idle", schedules=())
    seams, team_id = installation.server.seams, installation.team_id
    june = DayRange(date(2024, 6, 1), date(2024, 6, 3))
    async with installation.db.write() as tx:
        await backfills.create(tx, seams, team_id, installation.user_id, made.transfer_id, june, max_days=100)
        await runs.enqueue(
            tx, seams, team_id, made.transfer_id, [june.start], trigger=Trigger.SCHEDULE, priority=Priority.SCHEDULE
        )
    first, second = await call("transfers.list", team_id)
    assert (first.dwh_transfer_id, first.display_name) == (made.transfer_id, "Flights")
    assert (first.external_transfer_id, first.status, first.state) == (str(made.transfer_id), "active", "active")
    assert (first.schedule, first.run_date, first.accounts) == ("daily, monthly", "2024-06-15", ["a-1"])
    assert first.data_source.additional_properties == {"data_source_id": "FILES", "service_name": "Files"}
    assert first.destination.additional_properties["destination_type"] == "DWH_DUCKDB"
    assert first.backfill.additional_properties["status"] == "CREATED"
    assert first.backfill.additional_properties["transfer_runs_total"] == 3
    assert (second.backfill, second.schedule) == (None, "none")
    assert isinstance(second.run_date, Unset)


async def test_update(installation: Installation, call: Sdk) -> None:
    made = await seeds.transfer(installation)
    wanted = await parts(installation)
    changed = await call("transfers.update", installation.team_id, made.transfer_id, **wanted)
    assert (changed.transfer_id, changed.transfer_name) == (made.transfer_id, "From the SDK")
    assert (await call("transfers.get", installation.team_id, made.transfer_id)).schema_id == wanted["schema_id"]


async def test_delete(installation: Installation, call: Sdk) -> None:
    made = await seeds.transfer(installation)
    assert await call("transfers.delete", installation.team_id, made.transfer_id) is None
    assert await call("transfers.list", installation.team_id) == []
    with pytest.raises(APIError) as missing:
        await call("transfers.get", installation.team_id, made.transfer_id)
    assert missing.value.status_code == 404


async def test_set_state(installation: Installation, call: Sdk) -> None:
    made = await seeds.transfer(installation)
    paused = await call("transfers.set_state", installation.team_id, made.transfer_id, "pause")
    assert (paused.result, paused.state) == (True, "PAUSED")
    assert (await call("transfers.list", installation.team_id))[0].state == "paused"
    active = await call("transfers.set_state", installation.team_id, made.transfer_id, "unpause")
    assert (active.result, active.state) == (True, "ACTIVE")


async def test_validate(installation: Installation, call: Sdk) -> None:
    wanted = await parts(installation)
    right = await call("transfers.validate", installation.team_id, **wanted)
    assert (right.is_valid, right.errors) == (True, [])
    wrong = await call("transfers.validate", installation.team_id, **{**wanted, "display_name": ""})
    assert wrong.is_valid is False
    assert [error.to_dict() for error in wrong.errors] == [{"field_id": "display_name", "error_code": "isEmpty"}]


async def test_validate_update(installation: Installation, call: Sdk) -> None:
    made, wanted = await seeds.transfer(installation), await parts(installation)
    taken = {**wanted, "display_name": "Flights"}
    right = await call("transfers.validate_update", installation.team_id, made.transfer_id, **taken)
    assert (right.is_valid, right.errors) == (True, [])
    wrong = await call("transfers.validate", installation.team_id, **taken)
    assert [error.error_code for error in wrong.errors] == ["notUnique"]


async def test_list_available_sources(installation: Installation, call: Sdk) -> None:
    made = await seeds.destination(installation)
    found = await call("transfers.list_available_sources", installation.team_id)
    names = [source.service_name for source in found.data_sources]
    assert names == sorted(names, key=str.casefold) and "Files" in names
    for source in found.data_sources:
        assert all_set(source, "data_source_id", "has_custom_fields", "is_released", "applicable_destinations")
    assert found.destinations[0].to_dict() | {"destination_icon_url": ""} == {
        "destination_id": made.destination_id,
        "destination_name": "Warehouse",
        "destination_type": "DWH_DUCKDB",
        "destination_label": "DuckDB file",
        "destination_icon_url": "",
        "is_internal": False,
        "details": [],
    }
    kind = found.destination_types[0]
    assert (kind.type_, kind.title) == ("DWH_DUCKDB", "DuckDB file")
    assert kind.settings[0].additional_properties["id"] == "path"


async def test_get_available_options(installation: Installation, call: Sdk) -> None:
    made, group = await seeds.destination(installation), await seeds.group(installation)
    found = await call("transfers.get_available_options", installation.team_id, "FILES", made.destination_id)
    assert (found.data_source.data_source_id, found.data_source.service_name) == ("FILES", "Files")
    settings = {setting.additional_properties["field_id"] for setting in found.data_source.settings}
    assert {"path", "timezone", "parallelism", "weight", "deadline_seconds"} <= settings
    assert [schema.additional_properties for schema in found.schemas] == [
        {"schema_id": group.schema_id, "name": "Group"}
    ]
    assert found.schedule_options[1].additional_properties == {
        "run_interval": "daily",
        "min_refresh_window": 1,
        "max_refresh_window": 366,
    }
    assert (found.logins, found.accounts, found.segments) == ([], [], [])


async def test_list_runs(installation: Installation, call: Sdk) -> None:
    made = await seeds.transfer(installation)
    async with installation.db.write() as tx:
        await runs.enqueue(
            tx,
            installation.server.seams,
            installation.team_id,
            made.transfer_id,
            [date(2024, 6, 1)],
            trigger=Trigger.SCHEDULE,
            priority=Priority.SCHEDULE,
        )
    day = datetime(2024, 6, 15, tzinfo=UTC)
    found = await call("transfers.list_runs", installation.team_id, made.transfer_id, day, day.replace(hour=23))
    assert [(one.type_, one.status, one.message) for one in found] == [("Recurring", "QUEUED", "")]


async def test_create_datasource_connection(installation: Installation, call: Sdk) -> None:
    made = await call("transfers.create_datasource_connection", installation.team_id, "FILES", "DWH_DUCKDB")
    assert installation.execute("SELECT public_id FROM connections") == [(str(made.connection_id).upper(),)]
    assert (made.login_url, made.connect_url) == (None, None)


async def test_the_reason_of_a_refusal_reaches_the_caller(installation: Installation, call: Sdk) -> None:
    wanted = await parts(installation)
    await call("transfers.create", installation.team_id, **wanted)
    with pytest.raises(APIError) as taken:
        await call("transfers.create", installation.team_id, **wanted)
    assert taken.value.status_code == 409
    assert "named 'From the SDK'" in str(taken.value)
    with pytest.raises(SdkValidationError, match="no destination with this destination_id"):
        await call("transfers.create", installation.team_id, **{**wanted, "destination_id": 999})
    with pytest.raises(SdkValidationError, match="A monthly schedule needs run_day"):
        await call(
            "transfers.create",
            installation.team_id,
            **{**wanted, "schedule": [TransferSchedule(run_interval="monthly")]},
        )


def test_no_method_is_left_out() -> None:
    called = set(re.findall(r'call\(\s*"transfers\.(\w+)"', Path(__file__).read_text("utf-8")))
    assert called == methods(TransfersResource) == methods(TransfersAsyncResource)
