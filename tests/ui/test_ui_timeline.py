"""The timeline of a transfer: what was done, by whom, and nothing of others."""

from __future__ import annotations

import re

from browsing import Browser

from dayfill.domain.audit import DISPATCHER, OPERATOR, Act, Actor
from dayfill.engine import audit
from dayfill.ui.timeline import PAGE, VERBS
from installation import Installation
from seeds import transfer as seeded


def rows(page: str) -> list[str]:
    """The texts of its rows, newest first."""
    found = re.findall(r"<tr><td.*?</tr>", page, re.DOTALL)
    return [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row)).strip() for row in found]


async def record(made: Installation, actor: Actor, *acts: Act) -> None:
    async with made.db.write() as tx:
        for act in acts:
            await audit.record(tx, actor, made.team_id, act, made.now)


async def test_it_tells_what_was_done_newest_first(installation: Installation, browser: Browser) -> None:
    mine, other = (await seeded(installation)).transfer_id, (await seeded(installation, "Other")).transfer_id
    await browser.open(f"/transfers/{mine}")
    await browser.submit(f"/transfers/{mine}/backfills/new", start="2024-06-01", end="2024-06-03")
    await browser.submit("/backfills/1/pause")
    await record(installation, DISPATCHER, Act("backfill.stop", 1, after={"cause": "AUTH", "days_not_tried": 2}))
    changed = Act("transfer.update", mine, {"display_name": "a", "zone": "UTC"}, {"display_name": "<b>", "zone": "UTC"})
    await record(installation, OPERATOR, changed, Act("transfer.update", other, {"a": 1}, {"a": 2}))
    await record(installation, Actor("key", installation.user_id, "k"), Act("transfer.newly", mine))
    page = (await browser.open(f"/transfers/{mine}/timeline")).text
    told = [re.sub(r"^\S+ \S+ UTC ", "", row) for row in rows(page)]
    who = told[0].removesuffix(" by API key transfer.newly")
    assert told == [
        f"{who} by API key transfer.newly",
        "the operator changed the transfer display_name",
        "dayfill stopped backfill 1 after equal errors AUTH, 2 days not tried",
        f"{who} paused backfill 1",
        f"{who} started backfill 1 2024-06-01 to 2024-06-03, 3 days",
    ]
    assert 'href="/backfills/1"' in page and f'href="/transfers/{mine}/timeline" aria-current="page"' in page


async def test_older_entries_are_a_link_away(installation: Installation, browser: Browser) -> None:
    mine = (await seeded(installation)).transfer_id
    await record(installation, OPERATOR, *(Act("transfer.pause", mine) for _ in range(PAGE + 2)))
    page = (await browser.open(f"/transfers/{mine}/timeline")).text
    older = re.search(r'href="([^"]*before=\d+)"', page)
    assert len(rows(page)) == PAGE and older
    page = (await browser.open(older[1])).text
    assert len(rows(page)) == 2 and "Older" not in page
    assert (await browser.open(f"/transfers/{mine}/timeline?before=x")).status_code == 400


def test_every_verb_on_a_backfill_leaves_room_for_its_number() -> None:
    assert all("backfill" in words for action, words in VERBS.items() if action.startswith("backfill."))
