"""The page of one backfill: every day of its range, however many, moving as they do; what is done from there."""

from __future__ import annotations

import re
from collections.abc import Callable

import houses
from furnished import NEWEST, ago
from person import Person
from playwright.sync_api import expect
from real_server import RealServer
from test_every_page import settled
from test_what_goes_wrong import api

Comes = Callable[..., Person]


def test_all_of_ten_thousand_days_are_drawn(long_house: RealServer, comes: Comes) -> None:
    me = comes(long_house)
    settled(me, f"/backfills/{long_house.ids['backfill']}")
    first, last = ago(9_969), NEWEST
    expect(me.page.locator(".year-head")).to_have_count(last.year - first.year + 1)
    me.page.locator("#calendar").focus()
    me.sees(f"{last}: loaded", "#readout")
    counts = [int(text.replace(",", "")) for text in me.page.locator("[data-count]").all_text_contents()]
    assert sum(counts) == 9_970


def test_its_days_move_and_lead_on(lively: RealServer, comes: Comes) -> None:
    """Its range begins later than the transfer's days and goes on beyond them."""
    me, transfer = comes(lively), lively.ids[houses.ADS]
    made = api(lively, "POST", f"transfers/{transfer}/backfills", ago(40), ago(17))
    me.opens(f"/backfills/{made}")
    expect(me.page.locator("#live")).to_have_text("live")
    expect(me.page.locator('[data-count="l"]')).to_have_text("24")  # 23 of them again, and the one that had failed
    expect(me.page.locator(".status")).to_have_text("Completed")
    me.page.locator("#calendar").focus()
    me.sees(f"{ago(17)}: loaded", "#readout")
    me.press("ArrowDown", "Shift+ArrowUp")
    me.link("Backfill these 2 days…").click()
    me.button("Backfill 2 days").click()
    me.sees(re.compile("Backfill 3 started: 2 days"), "#toasts")
