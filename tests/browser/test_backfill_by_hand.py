"""Somebody sees failed days, has them tried again, then loads other days anew: by mouse, and by keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Callable

import houses
from furnished import ago
from person import Person
from playwright.sync_api import expect
from real_server import RealServer

Comes = Callable[..., Person]


def at_the_transfer(comes: Comes, server: RealServer) -> Person:
    me = comes(server)
    me.opens(f"/transfers/{server.ids[houses.ADS]}")
    expect(me.page.locator("#live")).to_have_text("live")
    return me


def test_failed_days_are_tried_again_by_cause_and_then_all(lively: RealServer, comes: Comes) -> None:
    me = at_the_transfer(comes, lively)
    me.sees("14", "#failed-days")
    expect(me.page.locator("#causes tbody tr")).to_have_count(3)
    me.button("Retry 11").click()
    me.sees("Queued 11 failed days again.", "#toasts")
    # Nobody reloads anything: the row goes when its days are loaded, the figures move with them.
    expect(me.page.locator("#causes tbody tr")).to_have_count(2)
    me.sees("3", "#failed-days")
    me.button("Retry 3 failed days").click()
    me.sees("No day has failed.", "#causes")
    me.sees("120 of 120", "#there")
    me.sees("100 %", "#calendar")  # written as the figures above it are
    me.sees("Healthy", "#word")


def test_days_are_chosen_by_mouse_previewed_started_paused_and_cancelled(lively: RealServer, comes: Comes) -> None:
    me = at_the_transfer(comes, lively)
    me.drags(ago(119), ago(60))
    me.sees(f"{ago(119)} to {ago(60)}: 47 loaded, 13 failed", "#readout")
    me.link("Backfill these 60 days…").click()
    me.sees("60 days", "#dialog .plan")
    me.sees("The range holds 47 loaded, 13 failed.", "#dialog .plan")
    me.page.get_by_label("only failed").check()
    me.sees("13 days", "#dialog .plan")
    me.page.get_by_label("only failed").uncheck()
    me.button("Backfill 60 days").click()
    me.sees("Backfill 2 started: 60 days.", "#toasts")
    card = me.page.locator("#backfill-2")
    expect(card.locator('[data-is="done"]')).to_have_text(re.compile("[1-9]"))
    expect(me.page).to_have_title(re.compile(r"^\d+% · Demo Ads → demo_ads"))
    card.get_by_role("button", name="Pause").click()
    expect(card.get_by_role("button", name="Resume")).to_be_visible()
    card.get_by_role("link", name="Cancel…").click()
    queued = me.page.locator("#dialog li").first.text_content() or ""
    assert re.fullmatch(r"\d+ queued days will not run; each is again what it was before\.", queued)
    me.button(f"Cancel backfill, {queued.split()[0]} days less").click()
    expect(card).to_have_count(0)
    me.sees("Cancelled", "#ended")
    expect(me.page.locator('[data-count="q"]')).to_have_text("0")


def test_the_same_by_keyboard_alone(lively: RealServer, comes: Comes) -> None:
    me = at_the_transfer(comes, lively)
    me.tab_to("Calendar of the days of Demo Ads")
    me.sees(f"{ago(0)}: loaded", "#readout")
    me.press("p")
    me.sees(f"{ago(23)}: failed", "#readout")
    me.press("Shift+ArrowLeft", "Shift+ArrowUp")
    me.sees(f"{ago(31)} to {ago(23)}: 8 loaded, 1 failed", "#readout")
    me.tab_to("Backfill these 9 days…")
    me.press("Enter")
    me.sees("9 days", "#dialog .plan")
    me.tab_to("Backfill 9 days")
    me.press("Enter")
    me.sees("Backfill 2 started: 9 days.", "#toasts")
    card = me.page.locator("#backfill-2")
    expect(card).to_be_visible()
    me.tab_to("Pause")
    me.press("Enter")
    expect(card.get_by_role("button", name="Resume")).to_be_visible()
    me.focused("Resume")
    me.press("Enter")
    expect(card).to_have_count(0)
    me.sees("13", "#failed-days")
    me.tab_to("Calendar of the days of Demo Ads")
    me.press("Enter")
    me.sees("Load this day again", "#drawer")
    me.press("Escape")
    expect(me.page.locator("#drawer")).not_to_be_visible()
    me.focused("Calendar of the days of Demo Ads")


def test_the_form_as_a_page_of_its_own_shows_what_will_run_too(lively: RealServer, comes: Comes) -> None:
    me = comes(lively)
    me.opens(f"/transfers/{lively.ids[houses.ADS]}/backfills/new?start={ago(20)}&end={ago(11)}")
    preview = me.page.get_by_role("group", name="The days that will run: 10 days")
    expect(preview.locator("svg")).not_to_have_count(0)
    me.page.get_by_label("Last day").fill(str(ago(16)))
    me.page.get_by_label("Last day").blur()
    me.sees("5 days", ".plan")
    expect(me.page.get_by_role("group", name="The days that will run: 5 days").locator("svg")).not_to_have_count(0)
    expect(me.page.get_by_role("heading", level=1)).to_have_text("New backfill of Demo Ads")
    me.link("Last 7 days").click()
    me.sees("7 days", ".plan")
    expect(me.button("Close")).to_have_count(0)
    me.button("Backfill 7 days").click()
    me.sees("started: 7 days.", "#toasts")
