"""Backfills beyond the vendor's contract: pages, choices, plan, retry, pause and resume."""

from __future__ import annotations

from datetime import date

import httpx
import pytest

import seeds
from dayfill.store import invariants
from installation import Installation
from worker import claim_some, finish, materialise_all, refused, work_off


class Extension:
    def __init__(self, made: Installation, transfer_id: int) -> None:
        self.made, self.client = made, made.client()
        self.team = f"/x/v1/teams/{made.team_id}"
        self.transfer = f"{self.team}/transfers/{transfer_id}"

    async def create(self, start: str, end: str, **body: object) -> httpx.Response:
        body = {"range_start": start, "range_end": end, **body}
        return await self.client.post(f"{self.transfer}/backfills", json=body)

    async def created(self, start: str, end: str, **body: object) -> dict[str, object]:
        answer = await self.create(start, end, **body)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    async def do(self, backfill_id: object, verb: str, **body: object) -> httpx.Response:
        return await self.client.post(f"{self.team}/backfills/{backfill_id}/{verb}", json=body)

    async def plan(self, start: str, end: str, **body: object) -> httpx.Response:
        body = {"range_start": start, "range_end": end, **body}
        return await self.client.post(f"{self.transfer}/backfills/plan", json=body)

    async def page(self, **query: object) -> tuple[list[object], str | None]:
        answer = await self.client.get(f"{self.team}/backfills", params=query)
        assert answer.status_code == 200, answer.text
        ids = [one["transfer_backfill_id"] for one in answer.json()["data"]]
        return ids, answer.json()["meta"].get("next_cursor")


@pytest.fixture
async def wire(installation: Installation) -> Extension:
    return Extension(installation, (await seeds.transfer(installation)).transfer_id)


async def a_failed_one(wire: Extension) -> dict[str, object]:
    """June 1 to 4; the 2nd failed with SCHEMA, the 3rd with AUTH."""
    made = await wire.created("2024-06-01", "2024-06-04")
    await work_off(wire.made, {date(2024, 6, 2): refused(), date(2024, 6, 3): refused("AUTH", "Revoked.")})
    return made


async def test_pages_hold_finished_backfills_too_and_follow_each_other(wire: Extension) -> None:
    for day in range(1, 6):
        await wire.created(f"2024-05-0{day}", f"2024-05-0{day}")
        if day == 3:
            wire.made.pass_time(seconds=1)  # the others share their instant, so the id breaks the tie
    await work_off(wire.made)
    assert await wire.page() == ([5, 4, 3, 2, 1], None)
    seen, cursor = await wire.page(limit=2)
    assert seen == [5, 4] and cursor
    seen, cursor = await wire.page(limit=2, cursor=cursor)
    assert seen == [3, 2] and cursor
    assert await wire.page(limit=2, cursor=cursor) == ([1], None)
    assert await wire.page(limit=5) == ([5, 4, 3, 2, 1], None)


async def test_pages_can_be_filtered(wire: Extension) -> None:
    await wire.created("2024-05-01", "2024-05-01")
    await work_off(wire.made)
    wire.made.pass_time(days=1)
    await wire.created("2024-05-02", "2024-05-02")
    assert await wire.page(status="COMPLETED") == ([1], None)
    assert await wire.page(status=["COMPLETED", "CREATED"]) == ([2, 1], None)
    assert await wire.page(created_from="2024-06-16") == ([2], None)
    assert await wire.page(created_to="2024-06-15") == ([1], None)
    assert await wire.page(transfer_id=1) == ([2, 1], None)
    assert await wire.page(transfer_id=99) == ([], None)
    assert await wire.page(transfer_id=2**63 - 1, limit=500) == ([], None)


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "501"},
        {"status": "DONE"},
        {"transfer_id": "x"},
        {"transfer_id": str(2**63)},
        {"cursor": "x"},
        {"cursor": "W10"},
        {"cursor": "é"},
        {"cursor": ""},
        {"cursor": "WzFlOTksMV0"},
        {"cursor": "Wzk5OTk5OTk5OTk5OTk5OTk5OTksMV0"},
        {"created_from": "soon"},
    ],
)
async def test_a_page_that_cannot_be_is_400(wire: Extension, query: dict[str, str]) -> None:
    answer = await wire.client.get(f"{wire.team}/backfills", params=query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_PARAMETER")
    assert next(iter(query)) in answer.json()["error"]["description"]


async def test_only_chooses_days_by_their_state_when_it_is_created(wire: Extension) -> None:
    await a_failed_one(wire)
    chosen = await wire.created(
        "2024-06-01", "2024-06-06", only=["failed", "missing", "failed"], priority="interactive"
    )
    assert chosen["transfer_runs_total"] == 4
    assert (chosen["x"]["only"], chosen["x"]["priority"]) == (["failed", "missing"], "interactive")
    await work_off(wire.made)
    loaded = wire.made.execute("SELECT data_date FROM runs WHERE backfill_id = 2 ORDER BY data_date")
    assert [day for (day,) in loaded] == ["2024-06-02", "2024-06-03", "2024-06-05", "2024-06-06"]


async def test_choosing_nothing_is_refused(wire: Extension) -> None:
    await wire.created("2024-06-01", "2024-06-02")
    await work_off(wire.made)
    answer = await wire.create("2024-06-01", "2024-06-02", only=["missing"])
    assert answer.status_code == 422
    assert "Choose other days" in answer.json()["error"]["description"]


@pytest.mark.parametrize("body", [{"only": ["loaded"]}, {"only": "failed"}, {"priority": "urgent"}, {"prioritiy": "x"}])
async def test_a_choice_that_does_not_exist_is_400(wire: Extension, body: dict[str, object]) -> None:
    for call in (wire.create, wire.plan):
        answer = await call("2024-06-01", "2024-06-02", **body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_PARAMETER")


async def test_a_wrong_choice_is_answered_with_the_choices_that_there_are(wire: Extension) -> None:
    answer = await wire.create("2024-06-01", "2024-06-02", only=["failed", "loaded"])
    assert answer.json()["error"]["description"] == (
        "Request body: Invalid enum value 'loaded', choose from failed, missing, stale - at `$.only[1]`. "
        "See /openapi.yaml for what it may hold."
    )


async def test_a_plan_says_what_a_create_would_do_and_changes_nothing(wire: Extension) -> None:
    await a_failed_one(wire)
    answer = await wire.plan("2024-06-01", "2024-06-06", only=["failed", "missing"])
    plan = answer.json()["data"]
    assert plan["days_chosen"] == 4
    assert plan["counts"] == {"loaded": 2, "failed": 2, "missing": 2, "queued": 0, "running": 0, "stale": 0}
    assert plan["date_ranges"] == [["2024-06-02", "2024-06-03"], ["2024-06-05", "2024-06-06"]]
    assert plan["conflicts"] == [] and "refusal" not in plan
    assert wire.made.execute("SELECT count(*) FROM backfills") == [(1,)]


async def test_a_plan_names_conflicts_and_the_refusal(wire: Extension) -> None:
    made = await wire.created("2024-06-01", "2024-06-04")
    plan = (await wire.plan("2024-06-04", "2024-06-10")).json()["data"]
    assert [one["transfer_backfill_id"] for one in plan["conflicts"]] == [made["transfer_backfill_id"]]
    future = (await wire.plan("2024-06-10", "2024-06-16")).json()["data"]
    assert (future["refusal"]["status"], future["refusal"]["code"]) == (422, "UNPROCESSABLE_ENTITY")
    assert "in the future" in future["refusal"]["description"]


async def test_a_plan_estimates_from_what_was_measured(wire: Extension) -> None:
    assert "estimate" not in (await wire.plan("2024-05-01", "2024-05-10")).json()["data"]
    await wire.created("2024-06-01", "2024-06-04")
    await materialise_all(wire.made)
    orders = await claim_some(wire.made)
    wire.made.pass_time(seconds=8)
    await finish(wire.made, orders)
    estimate = (await wire.plan("2024-05-01", "2024-05-10")).json()["data"]["estimate"]
    assert (estimate["seconds_low"], estimate["seconds_high"]) == (20, 20)
    assert estimate["source_calls"] >= 1


async def test_a_plan_of_ages_is_refused_without_counting_them(wire: Extension) -> None:
    answer = await wire.plan("0001-01-01", "9999-12-31")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "UNPROCESSABLE_ENTITY")
    assert (await wire.plan("2024-06-02", "2024-06-01")).status_code == 422


async def test_a_retry_queues_all_failed_days_again(wire: Extension) -> None:
    await a_failed_one(wire)
    woken = wire.made.woken
    answer = await wire.do(1, "retry")
    assert answer.json()["meta"]["retried_days"] == 2
    data = answer.json()["data"]
    assert (data["status"], data["end_time"], data["transfer_runs_failed"]) == ("RUNNING", None, 0)
    assert data["start_time"] is not None and wire.made.woken == woken + 1
    await work_off(wire.made)
    assert (await wire.page(status="COMPLETED"))[0] == [1]
    async with wire.made.db.write() as tx:
        assert await invariants.check(tx) == []


@pytest.mark.parametrize(
    ("body", "retried", "left"),
    [
        ({"cause": "AUTH"}, 1, "2024-06-02"),
        ({"dates": ["2024-06-02", "2024-06-04"]}, 1, "2024-06-03"),
        ({"cause": "SCHEMA", "dates": []}, 1, "2024-06-03"),
    ],
)
async def test_days_that_are_not_chosen_stay_failed(
    wire: Extension, body: dict[str, object], retried: int, left: str
) -> None:
    await a_failed_one(wire)
    answer = await wire.do(1, "retry", **body)
    assert answer.json()["meta"]["retried_days"] == retried
    assert [entry["transfer_run_date"] for entry in answer.json()["data"]["error_report"]] == [left]


async def test_a_retry_that_cannot_be_is_refused(wire: Extension) -> None:
    await a_failed_one(wire)
    for body in ({"cause": "TIMEOUT"}, {"dates": ["2024-06-01"]}):
        assert (await wire.do(1, "retry", **body)).status_code == 422
    for body in ({"dates": ["x"]}, {"dates": "2024-06-01"}, {"day": "2024-06-01"}, {"dates": ["2024-06-01"] * 10_001}):
        assert (await wire.do(1, "retry", **body)).status_code == 400
    await wire.created("2024-06-04", "2024-06-05")
    answer = await wire.do(1, "retry")
    assert answer.status_code == 422 and "Backfill 2 " in answer.json()["error"]["description"]
    assert (await wire.do(2, "retry")).status_code == 422
    assert (await wire.do(99, "retry")).status_code == 404


async def test_a_paused_backfill_starts_no_day_until_it_is_resumed(wire: Extension) -> None:
    await wire.created("2024-06-01", "2024-06-04")
    await materialise_all(wire.made)
    paused = await wire.do(1, "pause")
    assert (paused.status_code, paused.json()["data"]["status"]) == (200, "SCHEDULED")
    extension = paused.json()["data"]["x"]
    assert (extension["paused_time"], extension["paused_user_id"]) == ("2024-06-15T12:00:00Z", wire.made.user_id)
    assert await claim_some(wire.made) == []
    wire.made.pass_time(minutes=1)
    assert (await wire.do(1, "pause")).json()["data"] == paused.json()["data"]
    resumed = await wire.do(1, "resume")
    assert "paused_time" not in resumed.json()["data"]["x"]
    assert (await wire.do(1, "resume")).json()["data"] == resumed.json()["data"]
    assert len(await claim_some(wire.made)) == 4


async def test_what_is_over_can_neither_be_paused_nor_resumed(wire: Extension) -> None:
    await a_failed_one(wire)
    for verb in ("pause", "resume"):
        answer = await wire.do(1, verb)
        assert answer.status_code == 422 and "FAILED" in answer.json()["error"]["description"]
        assert (await wire.do(99, verb)).status_code == 404
        assert (await wire.do(1, verb, now=True)).status_code == 400
