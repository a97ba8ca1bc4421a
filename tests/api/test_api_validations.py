"""Validation answers 200 with every fault of a configuration, even one that the other routes cannot read."""

from __future__ import annotations

from typing import Any

import pytest
from test_api_transfers import body, error_of

import seeds
from dayfill.domain.access import Role
from installation import Installation


async def faults(installation: Installation, wanted: object, transfer_id: int | None = None) -> list[tuple[str, str]]:
    place = f"/teams/{installation.team_id}/transfers"
    if transfer_id is not None:
        place += f"/{transfer_id}"
    answer = await installation.client().post(f"{place}/validations", json=wanted)
    assert answer.status_code == 200
    verdict = answer.json()
    assert set(verdict) == {"is_valid", "errors"}, "the answer is bare"
    assert verdict["is_valid"] == (verdict["errors"] == [])
    return [(error["field_id"], error["error_code"]) for error in verdict["errors"]]


async def test_a_correct_configuration_is_valid_and_nothing_is_stored(installation: Installation) -> None:
    assert await faults(installation, await body(installation)) == []
    assert installation.execute("SELECT count(*) FROM transfers") == [(0,)]


async def test_an_empty_body_lacks_every_required_field(installation: Installation) -> None:
    assert await faults(installation, {}) == [
        ("data_source_id", "isEmpty"),
        ("schema_id", "isEmpty"),
        ("destination_id", "isEmpty"),
        ("display_name", "isEmpty"),
        ("schedule", "isEmpty"),
        ("accounts", "isEmpty"),
    ]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"extra": 1}, ("extra", "notAllowed")),
        ({"schema_id": "tg_1"}, ("schema_id", "isInvalid")),
        ({"schedule": [{"run_hour": "six"}]}, ("schedule", "isInvalid")),
        ({"schedule": [{"run_interval": "daily"}, {"run_interval": "x"}]}, ("schedule[1].run_interval", "isInvalid")),
        ({"display_name": "a" * 256}, ("display_name", "tooLong")),
        ({"destination_id": 999}, ("destination_id", "notFound")),
    ],
)
async def test_a_fault_is_named(installation: Installation, changes: dict[str, Any], fault: tuple[str, str]) -> None:
    assert await faults(installation, await body(installation, **changes)) == [fault]


async def test_a_schedule_that_cannot_be_hides_no_other_fault(installation: Installation) -> None:
    wanted = await body(installation, schedule=[{}], display_name="")
    assert await faults(installation, wanted) == [("schedule[0].run_interval", "isEmpty"), ("display_name", "isEmpty")]


async def test_an_update_may_keep_its_own_name_and_tables_a_new_transfer_may_not(installation: Installation) -> None:
    wanted = await body(installation)
    made = await installation.client().post(f"/teams/{installation.team_id}/transfers", json=wanted)
    assert await faults(installation, wanted, made.json()["data"]["transfer_id"]) == []
    assert await faults(installation, wanted) == [("schema_id", "notUnique"), ("display_name", "notUnique")]


async def test_the_verdict_is_that_of_the_create(installation: Installation) -> None:
    """What validates is created, and what does not is refused."""
    client, place = installation.client(), f"/teams/{installation.team_id}/transfers"
    right = await body(installation)
    for wanted in ({**right, "display_name": " "}, {**right, "destination_id": 999}, {**right, "accounts": 1}, right):
        is_valid = await faults(installation, wanted) == []
        assert is_valid == ((await client.post(place, json=wanted)).status_code == 201)


@pytest.mark.parametrize("content", [b"{", b"[]", b'"a"', b"null"])
async def test_what_is_no_object_is_malformed(installation: Installation, content: bytes) -> None:
    place = f"/teams/{installation.team_id}/transfers/validations"
    assert error_of(await installation.client().post(place, content=content)) == (400, "INVALID_PARAMETER")


async def test_a_viewer_may_validate_but_not_create(installation: Installation) -> None:
    _, key = await installation.user(installation.team_id, Role.VIEWER, ["dwh_transfers_read"])
    client, place, wanted = (
        installation.client(key),
        f"/teams/{installation.team_id}/transfers",
        await body(installation),
    )
    assert (await client.post(f"{place}/validations", json=wanted)).status_code == 200
    assert error_of(await client.post(place, json=wanted)) == (403, "ACCESS_DENIED_PERMISSIONS")


async def test_a_deleted_transfer_has_no_validation(installation: Installation) -> None:
    made = await seeds.transfer(installation)
    client, place = installation.client(), f"/teams/{installation.team_id}/transfers/{made.transfer_id}"
    await client.delete(place)
    assert error_of(await client.post(f"{place}/validations", json={})) == (404, "NOT_FOUND")
