"""Transfer runs on the wire: the list with its filters and orders, one run in detail, runs that a person starts."""

from __future__ import annotations

from datetime import date

import httpx
import pytest

import seeds
from dayfill.domain.schedule import Interval, Schedule
from installation import Installation
from worker import claim_some, finish, materialise_all, refused, work_off

JUNE = {"start_date": "2024-06-01", "end_date": "2024-06-30"}


class Runs:
    """One transfer's runs, as a client meets them."""

    def __init__(self, made: Installation, transfer_id: int) -> None:
        self.made, self.transfer_id, self.client = made, transfer_id, made.client()
        self.team = f"/teams/{made.team_id}"
        self.path = f"{self.team}/transfers/{transfer_id}/runs"

    async def backfill(self, start: str, end: str) -> None:
        body = {"range_start": start, "range_end": end}
        answer = await self.client.post(f"{self.team}/transfers/{self.transfer_id}/backfills", json=body)
        assert answer.status_code == 200, answer.text

    async def start(self, **body: object) -> httpx.Response:
        return await self.client.post(f"/x/v1{self.path}", json=body)

    async def list(self, **query: object) -> list[dict[str, object]]:
        answer = await self.client.get(self.path, params={**JUNE, **query})
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    async def refusal(self, **query: object) -> str:
        answer = await self.client.get(self.path, params=query)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_PARAMETER")
        return answer.json()["error"]["description"]


@pytest.fixture
async def wire(installation: Installation) -> Runs:
    return Runs(installation, (await seeds.transfer(installation)).transfer_id)


def days(runs: list[dict[str, object]]) -> list[object]:
    return [str(run["data_date"])[-2:] for run in runs]


async def test_a_completed_run_in_list_and_detail(wire: Runs) -> None:
    await wire.backfill("2024-06-01", "2024-06-01")
    await materialise_all(wire.made)
    wire.made.pass_time(seconds=3)
    orders = await claim_some(wire.made)
    wire.made.pass_time(seconds=4)
    await finish(wire.made, orders)
    [item] = await wire.list()
    extension = {"trigger": "backfill", "attempt": 1, "transfer_backfill_id": 1, "content_hash": "c0ffee"}
    assert item == {
        "id": 1,
        "status": "COMPLETED",
        "message": "",
        "type": "Backfill",
        "created_time": "2024-06-15T12:00:00Z",
        "ended_time": "2024-06-15T12:00:07Z",
        "total_duration": 1.5,
        "total_rows": 100,
        "data_date": "2024-06-01",
        "x": extension,
    }
    detail = (await wire.client.get(f"{wire.team}/transfer_runs/1")).json()["data"]
    assert detail == {
        **{key: value for key, value in item.items() if key != "type"},
        "queued_time": "2024-06-15T12:00:00Z",
        "started_time": "2024-06-15T12:00:03Z",
        "external_id": "1",
        "query_amount": 1,
        "failed_query_amount": 0,
        "query_details": [{"status": "COMPLETED", "rows": 100, "duration": 1.5}],
    }


async def test_a_failed_run_says_why_and_which_query(wire: Runs) -> None:
    await wire.backfill("2024-06-01", "2024-06-01")
    await work_off(wire.made, {date(2024, 6, 1): refused()})
    [item] = await wire.list()
    message = "flights.csv: the day has no column dep_delay."
    assert (item["status"], item["message"], item["x"]["cause"]) == ("FAILED", message, "SCHEMA")
    detail = (await wire.client.get(f"{wire.team}/transfer_runs/1")).json()["data"]
    assert detail["failed_query_amount"] == 1
    assert detail["query_details"][0]["error_description"] == message


async def test_a_waiting_run_has_no_times_rows_or_duration(wire: Runs) -> None:
    await wire.backfill("2024-06-01", "2024-06-01")
    await materialise_all(wire.made)
    [item] = await wire.list()
    assert (item["status"], item["ended_time"], item["total_duration"], item["total_rows"]) == ("QUEUED", *[None] * 3)


async def test_row_counts_stop_at_the_largest_32_bit_number(wire: Runs) -> None:
    await wire.backfill("2024-06-01", "2024-06-01")
    await work_off(wire.made)
    wire.made.execute("UPDATE runs SET row_count = 5000000000")
    assert (await wire.list())[0]["total_rows"] == 2**31 - 1


async def test_the_period_filters_by_creation_with_both_ends_included(wire: Runs) -> None:
    await wire.start(dates=["2024-06-10"])  # created at noon of June 15
    noon = ["2024-06-15", "2024-06-15T12:00:00", "2024-06-15T12:00:00+00:00", "2024-06-15T14:00:00+02:00"]
    for text in [*noon, "2024-06-15T12:00:00Z"]:
        assert len(await wire.list(start_date=text)) == 1, text
        assert len(await wire.list(end_date=text)) == 1, text
    assert await wire.list(start_date="2024-06-15T12:00:01") == []
    assert await wire.list(end_date="2024-06-15T11:59:59") == []
    assert await wire.list(end_date="2024-06-14") == []
    assert await wire.list(start_date="2024-06-16") == []


async def test_a_second_that_holds_the_creation_is_included_as_an_end(wire: Runs) -> None:
    wire.made.pass_time(microseconds=700_000)
    await wire.start(dates=["2024-06-10"])
    assert len(await wire.list(end_date="2024-06-15T12:00:00")) == 1


async def test_a_plus_that_became_a_space_is_a_plus(wire: Runs) -> None:
    await wire.start(dates=["2024-06-10"])
    answer = await wire.client.get(f"{wire.path}?start_date=2024-06-15T14:00:00+02:00&end_date=2024-06-30")
    assert len(answer.json()["data"]) == 1


async def test_order_limit_and_offset(wire: Runs) -> None:
    for day in ("2024-06-03", "2024-06-01", "2024-06-02"):
        await wire.start(dates=[day])
        wire.made.pass_time(seconds=1)
    assert days(await wire.list()) == ["02", "01", "03"]
    assert days(await wire.list(sort_direction="ASC")) == ["03", "01", "02"]
    assert days(await wire.list(sort_field="data_date")) == ["03", "02", "01"]
    assert days(await wire.list(sort_field="data_date", sort_direction="ASC", limit=1, offset=1)) == ["02"]
    assert days(await wire.list(offset=3)) == []
    await work_off(wire.made)
    assert set(days(await wire.list(sort_field="ended_time"))) == {"01", "02", "03"}


async def test_ties_are_broken_by_id(wire: Runs) -> None:
    await wire.start(dates=["2024-06-01", "2024-06-02", "2024-06-03"])
    ascending = [run["id"] for run in await wire.list(sort_direction="ASC")]
    assert ascending == sorted(ascending)
    assert [run["id"] for run in await wire.list()] == ascending[::-1]


async def test_only_runs_with_issues(wire: Runs) -> None:
    await wire.backfill("2024-06-01", "2024-06-03")
    await work_off(wire.made, {date(2024, 6, 2): refused()})
    assert days(await wire.list(filter_issues_only="true")) == ["02"]
    assert len(await wire.list(filter_issues_only="false")) == 3


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"start_date": "2024-06-01"}, "end_date"),
        ({"end_date": "2024-06-01"}, "start_date"),
        ({**JUNE, "start_date": "yesterday"}, "start_date"),
        ({**JUNE, "start_date": "2023-02-29"}, "start_date"),
        ({**JUNE, "end_date": "2024-06-15T25:00:00"}, "end_date"),
        ({**JUNE, "end_date": "9999-12-31T23:59:59-10:00"}, "end_date"),
        ({**JUNE, "end_date": ""}, "end_date"),
        ({**JUNE, "filter_issues_only": "yes"}, "filter_issues_only"),
        ({**JUNE, "sort_field": "id"}, "sort_field"),
        ({**JUNE, "sort_direction": "asc"}, "sort_direction"),
        ({**JUNE, "limit": "0"}, "limit"),
        ({**JUNE, "limit": "10001"}, "limit"),
        ({**JUNE, "limit": "ten"}, "limit"),
        ({**JUNE, "offset": "-1"}, "offset"),
    ],
)
async def test_what_cannot_be_read_is_400_and_named(wire: Runs, query: dict[str, str], named: str) -> None:
    assert named in await wire.refusal(**query)


async def test_the_largest_page_is_ten_thousand_and_unknown_parameters_are_ignored(wire: Runs) -> None:
    assert await wire.list(limit=10_000, colour="red") == []


async def test_a_run_now_loads_the_refresh_window(wire: Runs) -> None:
    woken = wire.made.woken
    answer = await wire.start()
    assert answer.status_code == 202
    assert answer.json()["data"] == {"run_ids": [1, 2], "dates": ["2024-06-15", "2024-06-14"], "joined": []}
    assert wire.made.woken == woken + 1
    [newest, _] = await wire.list(sort_field="data_date")
    assert (newest["type"], newest["x"]) == ("Recurring", {"trigger": "manual", "attempt": 0})


async def test_a_run_now_takes_days_or_a_window_and_joins_what_waits(wire: Runs) -> None:
    first = (await wire.start(dates=["2024-06-01", "2024-06-03"])).json()["data"]
    assert first["dates"] == ["2024-06-03", "2024-06-01"]
    again = (await wire.start(dates=["2024-06-02", "2024-06-03"])).json()["data"]
    assert again["dates"] == ["2024-06-02"]
    assert again["joined"] == [{"date": "2024-06-03", "run_id": first["run_ids"][0]}]
    assert (await wire.start(refresh_window=3)).json()["data"]["dates"] == ["2024-06-15", "2024-06-14", "2024-06-13"]
    assert (await wire.client.post(f"/x/v1{wire.path}")).status_code == 202


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"dates": []}, 400),
        ({"dates": ["2024-06-01"], "refresh_window": 2}, 400),
        ({"dates": ["2024-06-31"]}, 400),
        ({"dates": ["2024-01-01"] * 367}, 400),
        ({"dates": "2024-06-01"}, 400),
        ({"refresh_window": 0}, 400),
        ({"refresh_window": 367}, 400),
        ({"refresh_window": True}, 400),
        ({"window": 2}, 400),
        ({"dates": ["2024-06-16"]}, 422),
        ({"dates": ["1989-12-31"]}, 422),
    ],
)
async def test_a_run_now_that_cannot_be_is_refused(wire: Runs, body: dict[str, object], status: int) -> None:
    assert (await wire.start(**body)).status_code == status
    assert wire.made.execute("SELECT count(*) FROM runs") == [(0,)]


async def test_the_window_of_a_run_now_is_the_widest_of_the_schedules(installation: Installation) -> None:
    schedules = (Schedule(Interval.DAILY, refresh_window=1), Schedule(Interval.WEEKLY, refresh_window=7))
    transfer = await seeds.transfer(installation, schedules=schedules)
    answer = await Runs(installation, transfer.transfer_id).start()
    assert len(answer.json()["data"]["dates"]) == 7


async def test_what_is_absent_is_404(wire: Runs) -> None:
    answers = [
        await wire.client.get(f"{wire.team}/transfer_runs/99"),
        await wire.client.get(f"{wire.team}/transfers/99/runs"),
        await wire.client.post(f"/x/v1{wire.team}/transfers/99/runs", content=b"{"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 3
