"""The days vector: one character per day, its counts, its version, its bounds."""

from __future__ import annotations

from datetime import date

import httpx
import pytest

import seeds
from installation import Installation
from worker import claim_some, materialise_all, refused, work_off

NOTHING = {"loaded": 0, "stale": 0, "failed": 0, "running": 0, "queued": 0, "missing": 0}


class Days:
    def __init__(self, made: Installation, transfer_id: int) -> None:
        self.made, self.client = made, made.client()
        self.transfer = f"/teams/{made.team_id}/transfers/{transfer_id}"

    async def get(self, **query: str) -> httpx.Response:
        return await self.client.get(f"/x/v1{self.transfer}/days", params=query)

    async def data(self, **query: str) -> dict[str, object]:
        answer = await self.get(**query)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    async def backfill(self, start: str, end: str) -> None:
        body = {"range_start": start, "range_end": end}
        assert (await self.client.post(f"{self.transfer}/backfills", json=body)).status_code == 200


@pytest.fixture
async def wire(installation: Installation) -> Days:
    return Days(installation, (await seeds.transfer(installation)).transfer_id)


async def test_without_a_known_day_there_are_no_dates(wire: Days) -> None:
    assert await wire.data() == {"version": 0, "states": "", "counts": NOTHING}


async def test_each_day_has_its_state(wire: Days) -> None:
    await wire.backfill("2024-06-01", "2024-06-04")
    await work_off(wire.made, {date(2024, 6, 3): refused()})
    before = await wire.data()
    await wire.backfill("2024-06-06", "2024-06-08")
    await materialise_all(wire.made)
    await claim_some(wire.made, 1)
    days = await wire.data()
    assert (days["start_date"], days["end_date"]) == ("2024-06-01", "2024-06-08")
    assert days["states"] == "llfl.qqr"
    assert days["counts"] == {**NOTHING, "loaded": 3, "failed": 1, "queued": 2, "running": 1, "missing": 1}
    assert days["version"] > before["version"]


async def test_the_bounds_may_be_chosen_and_an_absent_one_is_the_known_end(wire: Days) -> None:
    await wire.backfill("2024-06-02", "2024-06-03")
    await work_off(wire.made)

    async def seen(**query: str) -> tuple[object, object, object]:
        days = await wire.data(**query)
        return days["start_date"], days["end_date"], days["states"]

    assert await seen(**{"from": "2024-06-01", "to": "2024-06-04"}) == ("2024-06-01", "2024-06-04", ".ll.")
    assert await seen(**{"from": "2024-06-03"}) == ("2024-06-03", "2024-06-03", "l")
    assert await seen(to="2024-06-02") == ("2024-06-02", "2024-06-02", "l")
    assert await seen(**{"from": "2024-06-05"}) == ("2024-06-05", "2024-06-05", ".")
    assert await seen(to="2024-06-01") == ("2024-06-01", "2024-06-01", ".")


async def test_one_bound_before_any_day_is_known_is_that_day(wire: Days) -> None:
    days = await wire.data(to="2024-06-02")
    assert (days["start_date"], days["states"], days["counts"]) == ("2024-06-02", ".", {**NOTHING, "missing": 1})


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"from": "2024-06-02", "to": "2024-06-01"}, 422),
        ({"from": "today"}, 400),
        ({"to": "2024-02-30"}, 400),
        ({"from": "1989-12-31"}, 400),
        ({"to": "2101-01-01"}, 400),
    ],
)
async def test_bounds_that_cannot_be_are_refused(wire: Days, query: dict[str, str], status: int) -> None:
    assert (await wire.get(**query)).status_code == status


async def test_all_days_that_can_be_are_one_answer(wire: Days) -> None:
    days = await wire.data(**{"from": "1990-01-01", "to": "2100-12-31"})
    assert days["states"] == "." * 40_542


async def test_days_of_a_transfer_that_is_not_there_are_404(wire: Days) -> None:
    assert (await wire.client.get(f"/x/v1/teams/{wire.made.team_id}/transfers/99/days")).status_code == 404
