"""Transfer runs by the official SDK: the detail, the list with every way it writes a date, and what they parsed."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from official import Sdk, methods
from supermetrics.exceptions import SupermetricsNotFoundError
from supermetrics.resources.transfer_runs import TransferRunsAsyncResource, TransferRunsResource

import seeds
from installation import NOON, Installation
from worker import refused, work_off

FIRST, LAST = date(2024, 6, 1), date(2024, 6, 2)


@pytest.fixture
async def transfer_id(installation: Installation, call: Sdk) -> int:
    """A transfer whose first day failed and whose second is loaded."""
    transfer_id = (await seeds.transfer(installation)).transfer_id
    await call("backfills.create", installation.team_id, transfer_id, FIRST, LAST)
    await work_off(installation, {FIRST: refused()})
    return transfer_id


async def test_list_runs(installation: Installation, call: Sdk, transfer_id: int) -> None:
    listed = await call("transfers.list_runs", installation.team_id, transfer_id, NOON, NOON, sort_field="data_date")
    loaded, failed = listed
    assert (loaded.status, loaded.type_, loaded.message, loaded.data_date) == ("COMPLETED", "Backfill", "", LAST)
    assert (loaded.total_rows, loaded.total_duration) == (100, 1.5)
    assert (loaded.created_time, loaded.ended_time) == (NOON, NOON)
    assert (failed.status, failed.message) == ("FAILED", "flights.csv: the day has no column dep_delay.")
    assert failed.additional_properties["x"]["cause"] == "SCHEMA"
    issues = await call(
        "transfers.list_runs", installation.team_id, transfer_id, NOON, NOON, filter_issues_only=True, limit=1
    )
    assert [run.id for run in issues] == [failed.id]


@pytest.mark.parametrize(
    "zone", [None, UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-7))], ids=str
)
async def test_every_way_to_write_a_time_means_the_same(
    installation: Installation, call: Sdk, transfer_id: int, zone: timezone | None
) -> None:
    def written(instant: datetime) -> datetime:
        return instant.replace(tzinfo=None) if zone is None else instant.astimezone(zone)

    async def count(first: datetime, last: datetime) -> int:
        runs = await call("transfers.list_runs", installation.team_id, transfer_id, written(first), written(last))
        return len(runs)

    second = timedelta(seconds=1)
    assert await count(NOON, NOON) == 2
    assert await count(NOON + second, NOON + second) == 0
    assert await count(NOON - second, NOON - second) == 0


async def test_get(installation: Installation, call: Sdk, transfer_id: int) -> None:
    listed = await call("transfers.list_runs", installation.team_id, transfer_id, NOON, NOON, sort_field="data_date")
    loaded, failed = [await call("transfer_runs.get", installation.team_id, run.id) for run in listed]
    assert (loaded.id, loaded.status, loaded.external_id) == (listed[0].id, "COMPLETED", str(listed[0].id))
    assert (loaded.message, loaded.data_date, loaded.total_rows) == ("", LAST, 100)
    assert (loaded.query_amount, loaded.failed_query_amount) == (1, 0)
    assert (loaded.created_time, loaded.queued_time, loaded.started_time, loaded.ended_time) == (NOON,) * 4
    [query] = loaded.query_details
    assert (query.status, query.rows, query.duration) == ("COMPLETED", 100, 1.5)
    [query] = failed.query_details
    assert (query.status, query.error_description) == ("FAILED", "flights.csv: the day has no column dep_delay.")
    assert failed.failed_query_amount == 1


async def test_an_absent_run_is_not_found(installation: Installation, call: Sdk) -> None:
    with pytest.raises(SupermetricsNotFoundError):
        await call("transfer_runs.get", installation.team_id, 99)


def test_no_method_is_left_out() -> None:
    called = set(re.findall(r'"transfer_runs\.(\w+)"', Path(__file__).read_text("utf-8")))
    assert called == methods(TransferRunsResource) == methods(TransferRunsAsyncResource)
