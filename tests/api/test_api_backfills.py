"""Backfills on the wire: create, read, list, cancel, and each refusal with its status, code and reason."""

from __future__ import annotations

import asyncio
from datetime import date

import httpx
import pytest

import seeds
from dayfill.domain.run import Failure
from dayfill.store import invariants
from installation import Installation
from worker import claim_some, finish, materialise_all, refused, work_off

FOUR_DAYS = {"range_start": "2024-06-01", "range_end": "2024-06-04"}


def error_of(answer: httpx.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["description"]


class Backfills:
    """One transfer's backfills, as a client meets them."""

    def __init__(self, made: Installation, transfer_id: int) -> None:
        self.made, self.transfer_id, self.client = made, transfer_id, made.client()
        self.team = f"/teams/{made.team_id}"
        self.create_path = f"{self.team}/transfers/{transfer_id}/backfills"

    async def create(self, **body: object) -> httpx.Response:
        return await self.client.post(self.create_path, json=body or FOUR_DAYS)

    async def created(self, **body: object) -> int:
        answer = await self.create(**body)
        assert answer.status_code == 200, answer.text
        return int(answer.json()["data"]["transfer_backfill_id"])

    async def get(self, backfill_id: int) -> dict[str, object]:
        return (await self.client.get(f"{self.team}/backfills/{backfill_id}")).json()["data"]

    async def cancel(self, backfill_id: int, **body: object) -> httpx.Response:
        return await self.client.patch(f"{self.team}/backfills/{backfill_id}", json=body or {"status": "CANCELLED"})


@pytest.fixture
async def wire(installation: Installation) -> Backfills:
    return Backfills(installation, (await seeds.transfer(installation)).transfer_id)


async def test_a_new_backfill_is_created_and_wakes_the_dispatcher(wire: Backfills) -> None:
    woken = wire.made.woken
    answer = await wire.create()
    assert answer.status_code == 200
    assert answer.json()["data"] == {
        "transfer_backfill_id": 1,
        "transfer_id": wire.transfer_id,
        "range_start_date": "2024-06-01",
        "range_end_date": "2024-06-04",
        "created_time": "2024-06-15T12:00:00Z",
        "created_user_id": wire.made.user_id,
        "removed_time": None,
        "removed_user_id": None,
        "start_time": None,
        "end_time": None,
        "status": "CREATED",
        "transfer_runs_total": 4,
        "transfer_runs_created": 0,
        "transfer_runs_completed": 0,
        "transfer_runs_failed": 0,
        "error_report": [],
        "x": {"only": [], "priority": "backfill", "runs_running": 0, "runs_cancelled": 0, "rows_total": 0},
    }
    assert wire.made.woken == woken + 1
    assert await wire.get(1) == answer.json()["data"]


async def test_a_backfill_is_seen_through_all_its_statuses(wire: Backfills) -> None:
    backfill_id = await wire.created()
    await materialise_all(wire.made)
    assert (await wire.get(backfill_id))["status"] == "SCHEDULED"
    wire.made.pass_time(seconds=10)
    orders = await claim_some(wire.made, 2)
    running = await wire.get(backfill_id)
    assert (running["status"], running["start_time"]) == ("RUNNING", "2024-06-15T12:00:10Z")
    assert running["x"]["runs_running"] == 2 and "eta_seconds" not in running["x"]
    wire.made.pass_time(seconds=30)
    await finish(wire.made, orders)
    half = await wire.get(backfill_id)
    assert (half["transfer_runs_completed"], half["x"]["rows_total"], half["x"]["eta_seconds"]) == (2, 200, 30)
    pausing = f"/x/v1{wire.team}/backfills/{backfill_id}"
    assert "eta_seconds" not in (await wire.client.post(f"{pausing}/pause")).json()["data"]["x"]
    await wire.client.post(f"{pausing}/resume")
    await work_off(wire.made)
    done = await wire.get(backfill_id)
    assert (done["status"], done["end_time"]) == ("COMPLETED", "2024-06-15T12:00:40Z")
    assert done["transfer_runs_completed"] == 4 and "eta_seconds" not in done["x"]


async def test_the_error_report_names_each_failed_day_newest_first(wire: Backfills) -> None:
    backfill_id = await wire.created()
    failures = {date(2024, 6, 2): refused(), date(2024, 6, 4): refused("AUTH", "The login was revoked. " * 100)}
    await work_off(wire.made, failures)
    failed = await wire.get(backfill_id)
    assert (failed["status"], failed["transfer_runs_failed"], failed["transfer_runs_completed"]) == ("FAILED", 2, 2)
    newest, oldest = failed["error_report"]
    assert (newest["transfer_run_date"], newest["x"]["cause"], len(newest["error"])) == ("2024-06-04", "AUTH", 1000)
    assert oldest["transfer_run_date"] == "2024-06-02"
    assert oldest["error"] == "flights.csv: the day has no column dep_delay."
    assert oldest["x"] == {"transfer_run_id": oldest["x"]["transfer_run_id"], "cause": "SCHEMA", "attempts": 1}


async def test_a_list_shows_a_hundred_failed_days_and_a_single_read_all(wire: Backfills) -> None:
    backfill_id = await wire.created(range_start="2024-01-01", range_end="2024-04-29")
    await materialise_all(wire.made)
    while orders := await claim_some(wire.made):
        await finish(wire.made, orders, {order.data_date: refused() for order in orders})
    one = await wire.get(backfill_id)
    assert (one["transfer_runs_failed"], len(one["error_report"])) == (120, 120)
    [listed] = (await wire.client.get(f"{wire.team}/backfills")).json()["data"]
    assert [entry["transfer_run_date"] for entry in listed["error_report"]] == [
        entry["transfer_run_date"] for entry in one["error_report"][:100]
    ]


async def test_the_list_holds_what_is_not_done_newest_first_while_its_transfer_is_there(wire: Backfills) -> None:
    completed = await wire.created(range_start="2024-05-01", range_end="2024-05-01")
    await work_off(wire.made)
    failed = await wire.created(range_start="2024-05-02", range_end="2024-05-02")
    await work_off(wire.made, {date(2024, 5, 2): refused()})
    await wire.cancel(await wire.created(range_start="2024-05-03", range_end="2024-05-03"))
    waiting = await wire.created(range_start="2024-05-04", range_end="2024-05-04")
    data = (await wire.client.get(f"{wire.team}/backfills")).json()["data"]
    assert [(one["transfer_backfill_id"], one["status"]) for one in data] == [(waiting, "CREATED"), (failed, "FAILED")]
    await wire.client.delete(f"{wire.team}/transfers/{wire.transfer_id}")
    assert (await wire.client.get(f"{wire.team}/backfills")).json()["data"] == [], "of what is deleted nothing is open"
    assert [(await wire.get(one))["status"] for one in (completed, failed)] == ["COMPLETED", "FAILED"]


async def test_latest_is_the_newest_in_any_status(wire: Backfills) -> None:
    answer = await wire.client.get(f"{wire.create_path}/latest")
    assert error_of(answer) == (404, "NOT_FOUND", "This transfer has no backfill; create one.")
    await wire.created(range_start="2024-05-01", range_end="2024-05-01")
    newest = await wire.created(range_start="2024-05-02", range_end="2024-05-02")
    await wire.cancel(newest)
    data = (await wire.client.get(f"{wire.create_path}/latest")).json()["data"]
    assert (data["transfer_backfill_id"], data["status"]) == (newest, "CANCELLED")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "range_start"),
        (b"{}", "range_start"),
        (b"[]", "object"),
        (b"null", "object"),
        (b'"x"', "object"),
        (b"{", "not JSON"),
        (b'{"range_start": "2024-06-01"}', "range_end"),
        (b'{"range_start": 20240601, "range_end": "2024-06-04"}', "$.range_start"),
        (b'{"range_start": null, "range_end": "2024-06-04"}', "$.range_start"),
        (b'{"range_start": "2023-02-29", "range_end": "2024-06-04"}', "2023-02-29 is not a day"),
        (b'{"range_start": "2024-6-1", "range_end": "2024-06-04"}', "YYYY-MM-DD"),
        (b'{"range_start": "20240601", "range_end": "2024-06-04"}', "YYYY-MM-DD"),
        (b'{"range_start": "2024-06-01T00:00:00", "range_end": "2024-06-04"}', "YYYY-MM-DD"),
        ('{"range_start": "٢٠٢٤-06-01", "range_end": "2024-06-04"}'.encode(), "YYYY-MM-DD"),
        (b'{"range_start": "2024-06-01", "range_end": "0000-01-01"}', "0000-01-01 is not a day"),
        (b'{"range_start": "2024-06-01", "range_start": "2024-06-02", "range_end": "2024-06-04"}', "twice"),
    ],
)
async def test_what_cannot_be_read_is_400_and_says_where(wire: Backfills, body: bytes, named: str) -> None:
    status, code, description = error_of(await wire.client.post(wire.create_path, content=body))
    assert (status, code) == (400, "INVALID_PARAMETER")
    assert named in description
    assert wire.made.execute("SELECT count(*) FROM backfills") == [(0,)]


@pytest.mark.parametrize(
    ("start", "end", "named"),
    [
        ("2024-06-05", "2024-06-04", "2024-06-05"),
        ("2024-06-01", "2024-06-16", "in the future"),
        ("1989-12-31", "1990-01-02", "the first possible day is 1990-01-01"),
        ("1997-01-28", "2024-06-15", "10,001 days"),
        ("0001-01-01", "2024-06-15", "first possible day"),
    ],
)
async def test_a_range_that_cannot_be_is_422_and_says_why(wire: Backfills, start: str, end: str, named: str) -> None:
    status, code, description = error_of(await wire.create(range_start=start, range_end=end))
    assert (status, code) == (422, "UNPROCESSABLE_ENTITY")
    assert named in description


@pytest.mark.parametrize(("start", "total"), [("2024-06-15", 1), ("1997-01-29", 10_000)])
async def test_a_range_may_end_today_and_have_ten_thousand_days(wire: Backfills, start: str, total: int) -> None:
    data = (await wire.create(range_start=start, range_end="2024-06-15")).json()["data"]
    assert data["transfer_runs_total"] == total


async def test_unknown_keys_of_a_create_are_ignored(wire: Backfills) -> None:
    assert (await wire.create(**FOUR_DAYS, comment="why not")).status_code == 200


async def test_an_overlap_names_the_other_backfill_and_its_neighbours_are_free(wire: Backfills) -> None:
    first = await wire.created()
    status, code, description = error_of(await wire.create(range_start="2024-06-04", range_end="2024-06-09"))
    assert (status, code) == (422, "UNPROCESSABLE_ENTITY")
    assert f"Backfill {first} (2024-06-01 to 2024-06-04, CREATED)" in description
    assert (await wire.create(range_start="2024-06-05", range_end="2024-06-05")).status_code == 200
    await wire.cancel(first)
    assert (await wire.create()).status_code == 200


async def test_of_many_equal_creates_at_once_one_wins(wire: Backfills) -> None:
    answers = await asyncio.gather(*(wire.create() for _ in range(16)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] + [422] * 15
    assert all("Backfill 1 (2024-06-01" in error_of(one)[2] for one in answers if one.status_code == 422)


async def test_a_cancelled_backfill_keeps_its_record(wire: Backfills) -> None:
    backfill_id = await wire.created()
    await materialise_all(wire.made)
    orders = await claim_some(wire.made, 1)
    wire.made.pass_time(seconds=5)
    woken = wire.made.woken
    data = (await wire.cancel(backfill_id)).json()["data"]
    assert (data["status"], data["removed_time"], data["removed_user_id"]) == (
        "CANCELLED",
        "2024-06-15T12:00:05Z",
        wire.made.user_id,
    )
    assert data["end_time"] == data["removed_time"] and data["x"]["runs_cancelled"] == 3
    assert wire.made.woken == woken + 1
    await finish(wire.made, orders, {orders[0].data_date: refused()})
    after = await wire.get(backfill_id)
    assert (after["status"], after["transfer_runs_failed"], len(after["error_report"])) == ("CANCELLED", 1, 1)
    assert await claim_some(wire.made) == []
    async with wire.made.db.write() as tx:
        assert await invariants.check(tx) == []


async def test_a_final_backfill_cannot_be_cancelled_and_the_refusal_says_who_and_when(wire: Backfills) -> None:
    backfill_id = await wire.created()
    await wire.cancel(backfill_id)
    status, code, description = error_of(await wire.cancel(backfill_id))
    assert (status, code) == (422, "UNPROCESSABLE_ENTITY")
    assert "2024-06-15T12:00:00Z" in description and f"user {wire.made.user_id}" in description
    done = await wire.created()
    await work_off(wire.made)
    assert "was completed at 2024-06-15T12:00:00Z" in error_of(await wire.cancel(done))[2]


async def test_a_failed_backfill_can_be_cancelled_with_its_report(wire: Backfills) -> None:
    backfill_id = await wire.created()
    await work_off(wire.made, {date(2024, 6, 1): refused()})
    data = (await wire.cancel(backfill_id)).json()["data"]
    assert data["status"] == "CANCELLED" and len(data["error_report"]) == 1
    assert data["end_time"] == data["removed_time"]


@pytest.mark.parametrize("body", [{"status": "COMPLETED"}, {"status": "cancelled"}, {"status": 1}, {"state": "x"}])
async def test_no_other_status_can_be_given(wire: Backfills, body: dict[str, object]) -> None:
    backfill_id = await wire.created()
    assert error_of(await wire.cancel(backfill_id, **body))[:2] == (400, "INVALID_PARAMETER")
    assert (await wire.get(backfill_id))["status"] == "CREATED"


async def test_what_is_absent_is_404_before_the_body_is_looked_at(wire: Backfills) -> None:
    answers = [
        await wire.client.post(f"{wire.team}/transfers/99/backfills", content=b"{"),
        await wire.client.patch(f"{wire.team}/backfills/99", content=b"{"),
        await wire.client.get(f"{wire.team}/backfills/99"),
        await wire.client.get(f"{wire.team}/transfers/99/backfills/latest"),
    ]
    assert [error_of(answer)[:2] for answer in answers] == [(404, "NOT_FOUND")] * 4


async def test_a_paused_transfer_takes_backfills_and_a_deleted_one_does_not(wire: Backfills) -> None:
    path = f"{wire.team}/transfers/{wire.transfer_id}"
    await wire.client.put(f"{path}/state", json={"transfer_state": "pause"})
    backfill_id = await wire.created()
    assert (await wire.client.delete(path)).status_code == 204
    assert error_of(await wire.create())[0] == 404
    assert error_of(await wire.client.get(f"{wire.create_path}/latest"))[0] == 404
    assert (await wire.get(backfill_id))["status"] == "CANCELLED"


async def test_equal_fatal_errors_stop_the_untried_days_and_the_report_names_them(wire: Backfills) -> None:
    backfill_id = await wire.created(range_start="2024-06-01", range_end="2024-06-10")
    revoked = Failure("AUTH", "The login was revoked.", transient=False, fatal=True)
    await materialise_all(wire.made)
    while orders := await claim_some(wire.made, 1):
        await finish(wire.made, orders, {orders[0].data_date: revoked})
    stopped = await wire.get(backfill_id)
    assert (stopped["status"], stopped["transfer_runs_failed"], stopped["x"]["stopped_cause"]) == ("FAILED", 10, "AUTH")
    untried = [entry for entry in stopped["error_report"] if entry["x"]["attempts"] == 0]
    assert len(untried) == 7 and all(entry["error"].startswith("not tried") for entry in untried)
