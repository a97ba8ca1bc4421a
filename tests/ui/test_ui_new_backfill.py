"""New backfill: what will run is named before the click, and what was typed stays."""

from __future__ import annotations

import re

import pytest
from browsing import FROM_HERE, Browser

from dayfill.errors import Permanent
from installation import Installation
from rig import Rig, ago, last


@pytest.fixture
def rig(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Rig:
    return Rig.create(installation, monkeypatch)


def asked(page: str) -> dict[str, str]:
    """The fields as the form shows them."""
    return dict(re.findall(r'id="new-(\w+)" name="\w+" required value="([^"]*)"', page))


async def loaded(rig: Rig) -> int:
    """A transfer of which ten days are loaded but for the second newest, which failed."""
    transfer = rig.transfer()
    rig.source.on(ago(1), always=Permanent("SCHEMA", "No column date."))
    await rig.backfill(transfer, last(10))
    await rig.settle()
    rig.source.scripts.clear()
    return transfer


async def test_it_says_which_days_will_run_and_what_they_take(rig: Rig, browser: Browser) -> None:
    transfer = await loaded(rig)
    page = (await browser.open(f"/transfers/{transfer}/backfills/new?start={ago(11)}&end={ago(0)}")).text
    assert "<b>12 days</b>" in page and "call" in page
    assert "The range holds 9 loaded, 1 failed, 2 missing." in page
    assert f'data-start="{ago(11)}" data-states="qqqqqqqqqqqq"' in page
    assert "Backfill 12 days</button>" in page
    assert f"dayfill backfill create {transfer} {ago(11)} {ago(0)} --wait" in page


async def test_a_choice_colours_only_its_days(rig: Rig, browser: Browser) -> None:
    transfer = await loaded(rig)
    where = f"/transfers/{transfer}/backfills/new?start={ago(11)}&end={ago(0)}&only=failed&only=missing"
    page = (await browser.open(where)).text
    assert 'data-states="qqllllllllql"' in page and "Backfill 3 days</button>" in page
    assert "--only missing,failed --wait" in page


async def test_it_starts_just_these_days(rig: Rig, browser: Browser) -> None:
    transfer = await loaded(rig)
    await browser.open(f"/transfers/{transfer}/backfills/new")
    answer = await browser.submit(
        f"/transfers/{transfer}/backfills/new", start=str(ago(11)), end=str(ago(0)), only="missing"
    )
    assert answer.status_code == 303 and "toast=Backfill%202%20started%3A%202%20days." in answer.headers["location"]
    await rig.settle()
    made = await rig.get(2)
    assert (made.status, made.total, made.only) == ("COMPLETED", 2, ("missing",))


@pytest.mark.parametrize(
    ("start", "end", "says"),
    [
        ("2024-02-30", "2024-03-01", "2024-02-30 is not a day of the calendar"),
        ("", "2024-03-01", "is not a date of the form YYYY-MM-DD"),
        ("2024-03-02", "2024-03-01", "The last day lies before the first one: choose a later one."),
        ("2024-06-01", "2099-01-01", "which is in the future"),
        ("1990-01-01", "2024-06-01", "one backfill takes at most 10,000"),
        ('"><script>', "2024-06-01", "is not a date of the form YYYY-MM-DD"),
    ],
)
async def test_what_cannot_be_is_said_beside_what_was_typed(
    rig: Rig, browser: Browser, start: str, end: str, says: str
) -> None:
    where = f"/transfers/{rig.transfer()}/backfills/new"
    await browser.open(where)
    answer = await browser.submit(where, start=start, end=end)
    assert answer.status_code == 422 and says in answer.text
    assert "<script>" not in answer.text
    shown = asked(answer.text)
    assert (
        shown["end"] == end and shown["start"].replace("&#34;", '"').replace("&gt;", ">").replace("&lt;", "<") == start
    )
    assert rig.installation.execute("SELECT count(*) FROM backfills") == [(0,)]


async def test_an_overlap_is_named_before_the_click_and_after_it(rig: Rig, browser: Browser) -> None:
    transfer = rig.transfer()
    other = await rig.backfill(transfer, last(5))
    where = f"/transfers/{transfer}/backfills/new"
    page = (await browser.open(f"{where}?start={ago(9)}&end={ago(0)}")).text
    assert f'Backfill <a href="/backfills/{other}">#{other}</a> is at work on {ago(4)} to {ago(0)}' in page
    answer = await browser.submit(where, start=str(ago(9)), end=str(ago(0)))
    assert answer.status_code == 422 and f"Backfill {other} ({ago(4)} to {ago(0)}, CREATED)" in answer.text


async def test_a_dialog_gets_the_form_alone(rig: Rig, browser: Browser) -> None:
    headers = {**FROM_HERE, "HX-Request": "true"}
    answer = await browser.get(
        f"/transfers/{rig.transfer()}/backfills/new?start={ago(3)}&end={ago(4)}", headers=headers
    )
    assert "<html" not in answer.text and 'id="new-backfill"' in answer.text
    assert re.search(r'<button class="primary" disabled>Backfill 0 days</button>', answer.text)
