"""Every backfills method of the official SDK, and what it parsed: an unset field is a wrongly wrapped body."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from official import KINDS, Sdk, methods, sdk
from supermetrics import APIError, AuthenticationError
from supermetrics import ValidationError as SdkValidationError
from supermetrics._generated.supermetrics_api_client.types import Unset
from supermetrics.exceptions import SupermetricsForbiddenError, SupermetricsNotFoundError
from supermetrics.resources.backfills import BackfillsAsyncResource, BackfillsResource

import seeds
from installation import NOON, Installation
from worker import claim_some, finish, materialise_all, refused, work_off

FIRST, LAST = date(2024, 6, 1), date(2024, 6, 4)


@pytest.fixture
async def transfer_id(installation: Installation) -> int:
    return (await seeds.transfer(installation)).transfer_id


async def test_create_and_get(installation: Installation, call: Sdk, transfer_id: int) -> None:
    made = await call("backfills.create", installation.team_id, transfer_id, FIRST, LAST)
    read = await call("backfills.get", installation.team_id, made.transfer_backfill_id)
    assert read.to_dict() == made.to_dict()
    assert (read.transfer_id, read.created_user_id) == (transfer_id, installation.user_id)
    assert (read.range_start_date, read.range_end_date, read.created_time) == (FIRST, LAST, NOON)
    assert (read.status, read.transfer_runs_total, read.transfer_runs_created) == ("CREATED", 4, 0)
    assert (read.transfer_runs_completed, read.transfer_runs_failed, read.error_report) == (0, 0, [])
    assert (read.removed_time, read.removed_user_id, read.start_time, read.end_time) == (None, None, None, None)
    assert read.additional_properties["x"]["priority"] == "backfill"


async def test_the_counters_move_to_completed(installation: Installation, call: Sdk, transfer_id: int) -> None:
    made = await call("backfills.create", installation.team_id, transfer_id, FIRST, LAST)
    seen = []

    async def look() -> None:
        read = await call("backfills.get", installation.team_id, made.transfer_backfill_id)
        assert not any(isinstance(value, Unset) for value in (read.start_time, read.end_time, read.error_report))
        seen.append((read.status, read.transfer_runs_created, read.transfer_runs_completed, read.end_time))

    await materialise_all(installation)
    await look()
    orders = await claim_some(installation, 2)
    await finish(installation, orders)
    await look()
    installation.pass_time(minutes=1)
    await work_off(installation)
    await look()
    end = datetime(2024, 6, 15, 12, 1, tzinfo=UTC)
    assert seen == [("SCHEDULED", 4, 0, None), ("RUNNING", 4, 2, None), ("COMPLETED", 4, 4, end)]


async def test_failed_days_reach_the_caller(installation: Installation, call: Sdk, transfer_id: int) -> None:
    made = await call("backfills.create", installation.team_id, transfer_id, FIRST, LAST)
    await work_off(installation, {FIRST: refused(), LAST: refused("AUTH", "The login was revoked.")})
    read = await call("backfills.get", installation.team_id, made.transfer_backfill_id)
    assert (read.status, read.transfer_runs_failed) == ("FAILED", 2)
    assert [(entry.transfer_run_date, entry.error) for entry in read.error_report] == [
        (LAST, "The login was revoked."),
        (FIRST, "flights.csv: the day has no column dep_delay."),
    ]


async def test_get_latest_and_list_incomplete(installation: Installation, call: Sdk, transfer_id: int) -> None:
    assert await call("backfills.list_incomplete", installation.team_id) == []
    first = await call("backfills.create", installation.team_id, transfer_id, FIRST, FIRST)
    await work_off(installation, {FIRST: refused()})
    second = await call("backfills.create", installation.team_id, transfer_id, LAST, LAST)
    latest = await call("backfills.get_latest", installation.team_id, transfer_id)
    assert latest.transfer_backfill_id == second.transfer_backfill_id
    listed = await call("backfills.list_incomplete", installation.team_id)
    assert [(one.transfer_backfill_id, one.status) for one in listed] == [
        (second.transfer_backfill_id, "CREATED"),
        (first.transfer_backfill_id, "FAILED"),
    ]
    assert len(listed[1].error_report) == 1


async def test_cancel(installation: Installation, call: Sdk, transfer_id: int) -> None:
    made = await call("backfills.create", installation.team_id, transfer_id, FIRST, LAST)
    gone = await call("backfills.cancel", installation.team_id, made.transfer_backfill_id)
    assert (gone.status, gone.removed_time, gone.removed_user_id) == ("CANCELLED", NOON, installation.user_id)
    assert gone.end_time == NOON
    with pytest.raises(SdkValidationError, match="was cancelled at 2024-06-15T12:00:00Z"):
        await call("backfills.cancel", installation.team_id, made.transfer_backfill_id)


async def test_the_reason_of_a_refusal_reaches_the_caller(
    installation: Installation, call: Sdk, transfer_id: int
) -> None:
    team_id = installation.team_id
    made = await call("backfills.create", team_id, transfer_id, FIRST, LAST)
    with pytest.raises(SdkValidationError, match=f"Backfill {made.transfer_backfill_id} .2024-06-01 to 2024-06-04"):
        await call("backfills.create", team_id, transfer_id, LAST, LAST)
    with pytest.raises(SdkValidationError, match="in the future"):
        await call("backfills.create", team_id, transfer_id, LAST, date(2024, 6, 16))
    with pytest.raises(SdkValidationError, match="The range is empty"):
        await call("backfills.create", team_id, transfer_id, LAST, FIRST)
    for method, ids in (("backfills.get", (99,)), ("backfills.cancel", (99,)), ("backfills.get_latest", (99,))):
        with pytest.raises(SupermetricsNotFoundError):
            await call(method, team_id, *ids)
    with pytest.raises(SupermetricsForbiddenError) as denied:
        await call("backfills.list_incomplete", 99)
    assert denied.value.status_code == 403


@pytest.mark.parametrize("kind", KINDS)
async def test_a_wrong_key_is_an_authentication_error(installation: Installation, kind: str) -> None:
    async with sdk(kind, installation, "api_" + "0" * 59) as call:
        with pytest.raises(AuthenticationError):
            await call("backfills.list_incomplete", installation.team_id)


@pytest.mark.parametrize("kind", KINDS)
async def test_an_idempotency_key_gives_the_same_backfill_again(
    installation: Installation, kind: str, transfer_id: int
) -> None:
    async with sdk(kind, installation) as call:
        wanted = ("backfills.create", installation.team_id, transfer_id, FIRST, LAST)
        headers = {"Idempotency-Key": "once"}
        first, again = [await call(*wanted, headers=headers) for _ in range(2)]
        assert again.to_dict() == first.to_dict()
        with pytest.raises(APIError):
            await call(*wanted)


def test_no_method_is_left_out() -> None:
    called = set(re.findall(r'"backfills\.(\w+)"', Path(__file__).read_text("utf-8")))
    assert called == methods(BackfillsResource) == methods(BackfillsAsyncResource)
