"""Transfers on the wire: statuses, envelopes, closed bodies, and what each refusal says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

import seeds
from dayfill.domain.access import Role
from dayfill.domain.schedule import Interval, Schedule
from dayfill.domain.transfer import Field, SourceSetting, Table
from installation import Installation


async def body(installation: Installation, **changes: Any) -> dict[str, Any]:
    """The smallest correct body, then changed."""
    group, destination = await seeds.group(installation), await seeds.destination(installation)
    return {
        "data_source_id": "FILES",
        "schema_id": group.schema_id,
        "destination_id": destination.destination_id,
        "display_name": "Weather",
        "schedule": [],
        "accounts": [],
        "data_source_settings": [{"field_id": "path", "value": "/a.csv"}],
        **changes,
    }


def error_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def description(answer: httpx.Response) -> str:
    return str(answer.json()["error"]["description"])


async def test_create_is_wrapped_and_get_is_bare(installation: Installation) -> None:
    client, place = installation.client(), f"/teams/{installation.team_id}/transfers"
    woken = installation.woken
    created = await client.post(place, json=await body(installation))
    assert created.status_code == 201
    assert created.json()["data"] == {"transfer_id": 1, "transfer_name": "Weather"}
    assert installation.woken == woken + 1
    read = (await client.get(f"{place}/1")).json()
    assert read["transfer_id"] == 1
    assert read["notification_recipients"] == [] and read["external_url"] is None
    assert read["x"] == {
        "state": "active",
        "zone": "UTC",
        "created_time": "2024-06-15T12:00:00Z",
        "created_user_id": installation.user_id,
        "next_run_time": None,
    }


async def test_what_is_read_can_be_written_back(installation: Installation) -> None:
    schedules = (
        Schedule(Interval.HOURLY, 2),
        Schedule(Interval.DAILY, 1, 23),
        Schedule(Interval.WEEKLY, 1, 1, 7),
        Schedule(Interval.MONTHLY, 1, 1, 1, 31),
    )
    made = await seeds.transfer(installation, schedules=schedules, notification_recipients=("a@b.c",))
    client, place = installation.client(), f"/teams/{installation.team_id}/transfers/{made.transfer_id}"
    read = (await client.get(place)).json()
    assert read["schedule"] == [
        {"run_interval": "hourly", "refresh_window": 2},
        {"run_interval": "daily", "refresh_window": 1, "run_hour": 23},
        {"run_interval": "weekly", "refresh_window": 1, "run_hour": 1, "run_weekday": 7},
        {"run_interval": "monthly", "refresh_window": 1, "run_hour": 1, "run_day": 31},
    ]
    written = {name: read[name] for name in ("schema_id", "destination_id", "display_name", "schedule", "accounts")}
    written |= {
        "data_source_id": read["data_source"]["data_source_id"],
        "data_source_settings": read["data_source"]["settings"],
        "notification_recipients": [one["email"] for one in read["notification_recipients"]],
    }
    answer = await client.put(place, json=written)
    assert answer.json() == {"transfer_id": made.transfer_id, "transfer_name": "Flights"}
    assert (await client.get(place)).json() == read


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"unknown": 1}, "unknown"),
        ({"display_name": 7}, "$.display_name"),
        ({"display_name": None}, "$.display_name"),
        ({"schema_id": "1"}, "$.schema_id"),
        ({"schema_id": "tg_1"}, "$.schema_id"),
        ({"schema_id": 0}, "$.schema_id"),
        ({"destination_id": 2**31}, "$.destination_id"),
        ({"schedule": {}}, "$.schedule"),
        ({"schedule": [{"run_interval": "daily", "run_hour": "6"}]}, "$.schedule[0].run_hour"),
        ({"accounts": ["a"]}, "$.accounts[0]"),
        ({"accounts": [{"login_id": "1", "account_id": "a"}]}, "$.accounts[0].login_id"),
        ({"segments": None}, "$.segments"),
        ({"data_source_settings": [{"field_id": "path", "value": 1.5}]}, "$.data_source_settings[0].value"),
        ({"notification_recipients": [{"email": "a@b.c"}]}, "$.notification_recipients[0]"),
        ({"transfer_type": "1"}, "$.transfer_type"),
    ],
)
async def test_a_body_of_another_shape_is_malformed_and_the_field_is_named(
    installation: Installation, changes: dict[str, Any], field: str
) -> None:
    client, place = installation.client(), f"/teams/{installation.team_id}/transfers"
    answer = await client.post(place, json=await body(installation, **changes))
    assert error_of(answer) == (400, "INVALID_PARAMETER")
    assert field in description(answer)


@pytest.mark.parametrize(
    "missing", ["data_source_id", "schema_id", "destination_id", "display_name", "schedule", "accounts"]
)
async def test_a_missing_key_is_malformed(installation: Installation, missing: str) -> None:
    wanted = await body(installation)
    del wanted[missing]
    answer = await installation.client().post(f"/teams/{installation.team_id}/transfers", json=wanted)
    assert error_of(answer) == (400, "INVALID_PARAMETER")
    assert missing in description(answer)


async def test_keys_inside_a_schedule_account_or_segment_that_are_not_known_are_ignored(
    installation: Installation,
) -> None:
    wanted = await body(
        installation,
        schedule=[{"run_interval": "hourly", "run_minute": 5}],
        accounts=[{"account_id": "a", "note": 1}],
        segments=[{"segment_id": "s", "note": 1}],
    )
    answer = await installation.client().post(f"/teams/{installation.team_id}/transfers", json=wanted)
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"data_source_id": "GA"}, "There is no data source 'GA'"),
        ({"destination_id": 99}, "no destination with this destination_id"),
        ({"schema_id": 99}, "no table group with schema_id 99"),
        ({"display_name": ""}, "display_name is empty"),
        ({"schedule": [{"run_interval": "yearly"}]}, "'yearly' must be one of hourly, daily, weekly, monthly"),
        ({"schedule": [{"run_interval": "weekly"}]}, "A weekly schedule needs run_weekday"),
        ({"schedule": [{"run_interval": "daily", "run_hour": 24}]}, "run_hour must lie between 0 and 23, not 24"),
        ({"schedule": [{"run_interval": "daily", "refresh_window": 10**30}]}, "refresh_window must lie between"),
        ({"data_source_settings": []}, "The setting path is missing"),
        ({"data_source_settings": [{"field_id": "pth", "value": "x"}]}, "There is no setting 'pth'"),
        ({"notification_recipients": ["me"]}, "'me' is not an e-mail address"),
    ],
)
async def test_a_configuration_that_cannot_be_is_refused_with_the_reason(
    installation: Installation, changes: dict[str, Any], text: str
) -> None:
    client, place = installation.client(), f"/teams/{installation.team_id}/transfers"
    answer = await client.post(place, json=await body(installation, **changes))
    assert error_of(answer) == (422, "UNPROCESSABLE_ENTITY")
    assert text in description(answer)
    assert (await client.get(place)).json()["data"] == []


async def test_a_used_name_is_409_on_create_and_422_on_update(installation: Installation) -> None:
    client, place = installation.client(), f"/teams/{installation.team_id}/transfers"
    wanted = await body(installation)
    await seeds.transfer(installation)
    taken = await client.post(place, json={**wanted, "display_name": "Flights"})
    assert error_of(taken) == (409, "CONFLICT_ERROR")
    made = (await client.post(place, json=wanted)).json()["data"]["transfer_id"]
    refused = await client.put(f"{place}/{made}", json={**wanted, "display_name": "Flights"})
    assert error_of(refused) == (422, "UNPROCESSABLE_ENTITY")
    assert "named 'Flights'" in description(taken) and "named 'Flights'" in description(refused)


async def test_a_used_table_is_409_on_create_and_422_on_update(installation: Installation) -> None:
    client, place = installation.client(), f"/teams/{installation.team_id}/transfers"
    wanted = await body(installation)
    first = (await client.post(place, json=wanted)).json()["data"]["transfer_id"]
    second = await client.post(place, json={**wanted, "display_name": "Second"})
    assert error_of(second) == (409, "CONFLICT_ERROR")
    other = await seeds.transfer(installation)
    moved = await client.put(f"{place}/{other.transfer_id}", json={**wanted, "display_name": "Second"})
    assert error_of(moved) == (422, "UNPROCESSABLE_ENTITY")
    assert "Another transfer already loads flights" in description(moved)
    assert (await client.put(f"{place}/{first}", json=wanted)).status_code == 200


async def test_state(installation: Installation) -> None:
    made = await seeds.transfer(installation)
    client, place = installation.client(), f"/teams/{installation.team_id}/transfers/{made.transfer_id}"
    for wish, state in [("pause", "PAUSED"), ("pause", "PAUSED"), ("unpause", "ACTIVE"), ("unpause", "ACTIVE")]:
        answer = await client.put(f"{place}/state", json={"transfer_state": wish})
        assert answer.json() == {"result": True, "state": state}
        assert (await client.get(place)).json()["x"]["state"] == state.lower()
    for wrong in ({"transfer_state": "stop"}, {"transfer_state": "pause", "x": 1}, {}, []):
        assert error_of(await client.put(f"{place}/state", json=wrong)) == (400, "INVALID_PARAMETER")
    answer = await client.put(f"{place}/state", json={"transfer_state": "stop"})
    assert "'stop', choose from pause, unpause - at `$.transfer_state`" in description(answer)


async def test_delete_is_empty_and_then_everything_is_missing(installation: Installation) -> None:
    made = await seeds.transfer(installation)
    client, place = installation.client(), f"/teams/{installation.team_id}/transfers/{made.transfer_id}"
    answer = await client.delete(place)
    assert (answer.status_code, answer.content) == (204, b"")
    gone = [
        await client.get(place),
        await client.delete(place),
        await client.put(place, json=await body(installation)),
        await client.put(f"{place}/state", json={"transfer_state": "pause"}),
        await client.post(f"{place}/validations", json={}),
    ]
    assert {error_of(answer) for answer in gone} == {(404, "NOT_FOUND")}


async def test_missing_comes_before_malformed(installation: Installation) -> None:
    client, place = installation.client(), f"/teams/{installation.team_id}/transfers/999"
    assert error_of(await client.put(place, content=b"{")) == (404, "NOT_FOUND")
    assert error_of(await client.put(f"{place}/state", content=b"{")) == (404, "NOT_FOUND")


async def test_another_teams_transfer_answers_like_one_that_does_not_exist(installation: Installation) -> None:
    made = await seeds.transfer(installation)
    other = await installation.team("Second")
    _, key = await installation.user(other, Role.OWNER)
    client = installation.client(key)

    async def without_id(method: str, transfer_id: int, path: str = "", **named: Any) -> dict[str, Any]:
        answer = await client.request(method, f"/teams/{other}/transfers/{transfer_id}{path}", **named)
        return {**answer.json(), "meta": None, "status": answer.status_code}

    wanted = await body(installation)
    for method, path, named in [
        ("GET", "", {}),
        ("DELETE", "", {}),
        ("PUT", "", {"json": wanted}),
        ("PUT", "/state", {"json": {"transfer_state": "pause"}}),
        ("POST", "/validations", {"json": wanted}),
    ]:
        theirs = await without_id(method, made.transfer_id, path, **named)
        assert theirs == await without_id(method, 999, path, **named)
        assert theirs["status"] == 404
    assert (await client.get(f"/teams/{other}/transfers")).json()["data"] == []
    stolen = await client.post(f"/teams/{other}/transfers", json=wanted)
    assert error_of(stolen) == (422, "UNPROCESSABLE_ENTITY")
    assert "Warehouse" not in stolen.text


async def test_a_repeated_create_with_one_idempotency_key_makes_one_transfer(installation: Installation) -> None:
    client, place = installation.client(), f"/teams/{installation.team_id}/transfers"
    wanted = await body(installation)
    first = await client.post(place, json=wanted, headers={"Idempotency-Key": "k"})
    again = await client.post(place, json=wanted, headers={"Idempotency-Key": "k"})
    assert (again.status_code, again.json()["data"]) == (201, first.json()["data"])
    assert len((await client.get(place)).json()["data"]) == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, None),
        ({"path": "{}/gone.csv"}, "gone.csv"),
        ({"path": "{}/*.parquet"}, "*.parquet"),
        ({"date_column": "date"}, "date"),
    ],
)
async def test_what_a_first_look_at_the_source_finds_is_told_and_the_transfer_stays(
    installation: Installation, tmp_path: Path, changes: dict[str, str], says: str | None
) -> None:
    (tmp_path / "days.csv").write_text("day,visits\n2024-06-01,7\n")
    settings = {"path": "{}/days.csv", "date_column": "day", **changes}
    given = tuple(SourceSetting(name, value.format(tmp_path)) for name, value in settings.items())
    made = await seeds.transfer(installation, settings=given)
    place = f"/teams/{installation.team_id}/transfers/{made.transfer_id}"
    answer = await installation.client().post(f"/x/v1{place}/test")
    told = answer.json()["data"]
    assert (answer.status_code, told["success"], told["error"] is None) == (200, says is None, says is None)
    assert says is None or says in told["error"]
    assert (await installation.client().get(place)).status_code == 200
    assert installation.execute("SELECT object, after FROM audit WHERE action = 'transfer.test'") == [
        (f"transfer:{made.transfer_id}", f'{{"data_source_id":"FILES","success":{str(says is None).lower()}}}')
    ]


async def test_the_tables_of_a_transfer_are_looked_at_as_they_are_declared_and_through_its_login(
    installation: Installation, tmp_path: Path
) -> None:
    (tmp_path / "days.csv").write_text("day,visits\n2024-06-01,7\n")
    settings = SourceSetting("path", f"{tmp_path}/days.csv"), SourceSetting("date_column", "day")
    wrong = Table("pages", (Field("day", "day", "DATE"), Field("pages", "pages", "INTEGER")))
    group = await seeds.group(installation, "visits", "clicks", wrong, name="Declared")
    made = await seeds.transfer(installation, settings=settings, schema_id=group.schema_id)
    place = f"/x/v1/teams/{installation.team_id}/transfers/{made.transfer_id}/test"
    assert "pages" in (await installation.client().post(place)).json()["data"]["error"]
    await installation.client().delete(f"/ds/login/{made.connection_id}")
    assert "was revoked" in (await installation.client().post(place)).json()["data"]["error"]
