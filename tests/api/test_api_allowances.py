"""What a team may load, on the wire: create, plan and run now are refused at the boundary; a wait says until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import httpx
import pytest

import seeds
from dayfill.domain.allowance import MOST_ACTIVE, MOST_WAITING
from dayfill.engine import allowances
from installation import NOON, Installation
from worker import ROWS, claim_some, finish, materialise_all, work_off

TODAY = NOON.date()


@dataclass
class Asking:
    """A client of a team's transfer."""

    made: Installation
    client: httpx.AsyncClient
    transfer: str

    async def backfill(self, first: date, last: date | None = None) -> httpx.Response:
        body = {"range_start": first.isoformat(), "range_end": (last or first).isoformat()}
        return await self.client.post(f"{self.transfer}/backfills", json=body)

    async def plan(self, first: date) -> dict[str, object]:
        body = {"range_start": first.isoformat(), "range_end": first.isoformat()}
        answer = await self.client.post(f"/x/v1{self.transfer}/backfills/plan", json=body)
        return answer.json()["data"].get("refusal")

    async def run(self, *days: date) -> httpx.Response:
        body = {"dates": [day.isoformat() for day in days]} if days else {}
        return await self.client.post(f"/x/v1{self.transfer}/runs", json=body)

    async def limit(self, **changes: int | None) -> None:
        async with self.made.db.write() as tx:
            await allowances.change(tx, self.made.server.seams, self.made.team_id, changes)


@pytest.fixture
async def asking(installation: Installation) -> Asking:
    made = await seeds.transfer(installation)
    path = f"/teams/{installation.team_id}/transfers/{made.transfer_id}"
    return Asking(installation, installation.client(), path)


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_a_day_is_too_old_from_the_first_beyond_the_limit(asking: Asking) -> None:
    await asking.limit(history_days=30)
    too_old = (403, "LICENSE_HISTORICAL_RANGE_EXCEEDED")
    for refused in (await asking.backfill(ago(31)), await asking.backfill(ago(31), ago(1)), await asking.run(ago(31))):
        assert code(refused) == too_old
        assert f"from {ago(30)} on" in refused.json()["error"]["description"]
    assert (await asking.plan(ago(31)))["code"] == too_old[1]
    assert await asking.plan(ago(30)) is None
    assert (await asking.backfill(ago(30), ago(29))).status_code == 200
    assert (await asking.run(ago(30), ago(2))).status_code == 202
    await asking.limit(history_days=None)
    assert (await asking.backfill(ago(31))).status_code == 200


async def test_what_cannot_be_is_said_before_what_may_not_be(asking: Asking) -> None:
    """The order of the contract: 422 of the range, 403 of the history, 422 of the overlap, 429 of the rows."""
    await asking.limit(history_days=30, rows_per_month=ROWS)
    assert (await asking.backfill(ago(3), ago(1))).status_code == 200
    assert code(await asking.backfill(ago(40), ago(-2))) == (422, "UNPROCESSABLE_ENTITY")
    assert code(await asking.backfill(ago(31), ago(1)))[0] == 403
    await materialise_all(asking.made)
    await finish(asking.made, await claim_some(asking.made, 1))
    assert code(await asking.backfill(ago(3)))[0] == 422
    assert code(await asking.backfill(ago(9))) == (429, "API_ROW_QUOTA_EXCEEDED")


@pytest.mark.parametrize(("limit", "refused"), [(2 * ROWS - 1, True), (2 * ROWS, True), (2 * ROWS + 1, False)])
async def test_rows_are_used_up_by_the_last_of_them(asking: Asking, limit: int, refused: bool) -> None:
    await asking.limit(rows_per_month=limit)
    assert (await asking.backfill(ago(2), ago(1))).status_code == 200
    await materialise_all(asking.made)
    await finish(asking.made, await claim_some(asking.made, 2))
    answers = [await asking.backfill(ago(9)), await asking.run()]
    if not refused:
        assert [answer.status_code for answer in answers] == [200, 202]
        return
    for answer in answers:
        assert code(answer) == (429, "API_ROW_QUOTA_EXCEEDED")
        assert answer.headers["retry-after"] == "86400", "July is two weeks away, and clients believe a day at most"
        assert "2024-07-01T00:00:00Z" in answer.json()["error"]["description"]
    assert await asking.plan(ago(9)) == {
        "status": 429,
        "code": "API_ROW_QUOTA_EXCEEDED",
        "description": answers[0].json()["error"]["description"],
    }
    asking.made.pass_time(days=15, hours=11, seconds=3599.5)
    assert (await asking.backfill(ago(9))).headers["retry-after"] == "1"
    asking.made.pass_time(seconds=0.5)
    assert (await asking.backfill(ago(9))).status_code == 200


async def test_a_backfill_whose_team_has_no_rows_left_says_until_when_it_waits(asking: Asking) -> None:
    await asking.limit(rows_per_month=ROWS)
    made = (await asking.backfill(ago(3), ago(1))).json()["data"]["transfer_backfill_id"]
    await materialise_all(asking.made)
    await finish(asking.made, await claim_some(asking.made, 1))
    assert await claim_some(asking.made, 1) == []
    path = f"/teams/{asking.made.team_id}/backfills/{made}"

    async def waiting() -> object:
        told = (await asking.client.get(path)).json()["data"]["x"]
        assert ("eta_seconds" in told) != ("waiting" in told), "the pace says nothing of the end while nothing starts"
        return told.get("waiting")

    error = (await asking.backfill(ago(9))).json()["error"]["description"]
    assert await waiting() == {"reason": "rows", "until": "2024-07-01T00:00:00Z", "cause": "ROWS", "error": error}
    await asking.limit(rows_per_month=ROWS + 1)
    assert await waiting() is None
    await finish(asking.made, await claim_some(asking.made, 1))
    assert await waiting() is not None
    asking.made.pass_time(days=16)
    assert await waiting() is None
    await work_off(asking.made)
    assert (await asking.client.get(path)).json()["data"]["status"] == "COMPLETED", "a new month has rows"


async def test_the_fiftieth_active_backfill_is_the_last(asking: Asking) -> None:
    for days in range(MOST_ACTIVE):
        assert (await asking.backfill(ago(days))).status_code == 200
    refused = await asking.backfill(ago(MOST_ACTIVE))
    assert code(refused) == (422, "UNPROCESSABLE_ENTITY")
    assert (await asking.plan(ago(MOST_ACTIVE)))["status"] == 422
    await work_off(asking.made)
    assert (await asking.backfill(ago(MOST_ACTIVE))).status_code == 200


async def test_a_team_has_so_many_days_left_to_do_and_no_more(asking: Asking) -> None:
    one = (await asking.backfill(ago(0))).json()["data"]["transfer_backfill_id"]
    done = "UPDATE backfills SET total = :most + 7, completed = 4, failed = 2, cancelled = 1 WHERE backfill_id = :id"
    for most, status in ((MOST_WAITING - 3, 200), (MOST_WAITING - 2, 200), (MOST_WAITING - 1, 422)):
        asking.made.execute(done, most=most, id=one)
        answer = await asking.backfill(ago(9), ago(8))
        assert answer.status_code == status
        if status == 200:
            made = answer.json()["data"]["transfer_backfill_id"]
            await asking.client.patch(f"/teams/{asking.made.team_id}/backfills/{made}", json={"status": "CANCELLED"})
    assert f"{MOST_WAITING:,} that may wait" in answer.json()["error"]["description"]
