"""What goes wrong has its own plain sentence and a way on, and what was typed stays."""

from __future__ import annotations

import re
from collections.abc import Callable

import houses
import httpx
from furnished import NEWEST, ago
from person import Person
from playwright.sync_api import expect
from real_server import RealServer

Comes = Callable[..., Person]


def test_days_that_another_backfill_holds_are_named_and_the_dates_stay(lively: RealServer, comes: Comes) -> None:
    me, path = comes(lively), f"/transfers/{lively.ids[houses.ADS]}"
    me.opens(f"{path}/backfills/new?start={ago(20)}&end={ago(11)}")
    me.sees("10 days", ".plan")
    # Before the click somebody else has been quicker, with days that overlap.
    started = api(lively, "POST", f"transfers/{lively.ids[houses.ADS]}/backfills", ago(119), ago(15))
    me.expected.append("status of 422")
    me.button("Backfill 10 days").click()
    me.sees(f"Backfill {started} ({ago(119)} to {ago(15)}", '[role="alert"]')
    me.sees("shares days", '[role="alert"]')
    expect(me.page.get_by_label("First day")).to_have_value(str(ago(20)))
    expect(me.page.get_by_label("Last day")).to_have_value(str(ago(11)))
    # And whoever comes now is told before the click.
    me.opens(f"{path}/backfills/new?start={ago(20)}&end={NEWEST}")
    me.sees(f"Backfill #{started} is at work on {ago(119)} to {ago(15)}: choose other days, wait for it, or cancel it.")


def test_an_overlap_that_begins_while_the_dialog_is_open_is_named_there(lively: RealServer, comes: Comes) -> None:
    me = comes(lively)
    me.opens(f"/transfers/{lively.ids[houses.ADS]}")
    expect(me.page.locator("#live")).to_have_text("live")
    me.drags(ago(20), ago(11))
    me.link("Backfill these 10 days…").click()
    me.sees("10 days", "#dialog .plan")
    started = api(lively, "POST", f"transfers/{lively.ids[houses.ADS]}/backfills", ago(119), ago(15))
    me.sees(f"Backfill #{started} is at work on {ago(119)} to {ago(15)}", "#dialog")
    expect(me.button("Backfill 10 days")).to_be_disabled()
    # The way on: other days, beside which nothing stands.
    me.page.get_by_label("First day").fill(str(ago(14)))
    me.page.get_by_label("Last day").press("Tab")
    me.sees("4 days", "#dialog .plan")
    me.button("Backfill 4 days").click()
    me.sees(f"Backfill {started + 1} started: 4 days.", "#toasts")


def asks_to_cancel(comes: Comes, server: RealServer) -> tuple[Person, Person]:
    """Somebody asked whether to cancel a paused backfill; and the same person at its page, in a window beside."""
    transfer = server.ids[houses.ADS]
    made = api(server, "POST", f"transfers/{transfer}/backfills", ago(9), NEWEST)
    with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {server.key}"}) as client:
        client.post(f"/x/v1/teams/1/backfills/{made}/pause").raise_for_status()
    me = comes(server)
    other = me.beside(f"/backfills/{made}")
    me.opens(f"/transfers/{transfer}")
    expect(me.page.locator("#live")).to_have_text("live")
    me.link("Cancel…").click()
    me.sees("will not run", "#dialog")
    return me, other


def test_a_backfill_that_ends_while_its_cancel_is_asked_for_says_so(lively: RealServer, comes: Comes) -> None:
    me, other = asks_to_cancel(comes, lively)
    other.button("Resume").click()
    # Nobody clicks: the numbers of the question move, and then there is nothing to ask.
    me.sees("It has loaded all of its days: nothing is left to cancel.", "#dialog")
    expect(me.button(re.compile("^Cancel backfill"))).to_have_count(0)
    me.page.locator("#dialog").get_by_role("link", name="Look at it").click()
    me.here("/backfills/2")
    me.sees("Completed", ".status")


def test_a_cancel_that_comes_too_late_says_so(lively: RealServer, comes: Comes) -> None:
    me, other = asks_to_cancel(comes, lively)
    me.opens("/backfills/2/cancel")  # which is a page of its own too, and does not move
    other.button("Resume").click()
    other.sees("Completed", ".status")
    me.button(re.compile("^Cancel backfill")).click()
    me.sees("It has loaded all of its days: nothing is left to cancel.", "#cancel-backfill")
    me.link("Look at it").click()
    me.here("/backfills/2")


def test_a_cancel_whose_backfill_is_not_there_any_more_says_so(lively: RealServer, comes: Comes) -> None:
    lively.command("team", "create", "Second")
    lively.command("member", "add", "ann@example.com", "--role", "OWNER", "--team", "2")
    me, other = asks_to_cancel(comes, lively)
    me.expected.append("status of 404")
    me.opens("/backfills/2/cancel")
    other.page.get_by_label("Team").select_option("Second")
    other.here("/")
    me.button(re.compile("^Cancel backfill")).click()
    me.sees("This team has no such backfill; it may belong to another team of yours.", "main")
    me.sees("Choose one from the list. Nothing was cancelled.", "main")
    me.link("All backfills").click()
    me.here("/backfills")


def api(server: RealServer, method: str, path: str, first: object, last: object) -> int:
    """Ask for a backfill as a program does; returns its id."""
    with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {server.key}"}) as client:
        answer = client.request(
            method, f"/teams/1/{path}", json={"range_start": str(first), "range_end": str(last)}
        ).raise_for_status()
    return int(answer.json()["data"]["transfer_backfill_id"])


def test_dates_that_are_none_stay_as_they_were_typed(lively: RealServer, comes: Comes) -> None:
    me = comes(lively)
    me.opens(f"/transfers/{lively.ids[houses.ADS]}/backfills/new?start={ago(0)}&end={ago(5)}")
    me.sees("The last day lies before the first one: choose a later one.", ".field:has(#new-end)")
    expect(me.page.get_by_label("Last day")).to_have_attribute("aria-invalid", "true")
    expect(me.page.get_by_label("First day")).to_have_value(str(ago(0)))


def test_a_backfill_or_a_transfer_that_is_gone_says_so_and_leads_on(lively: RealServer, comes: Comes) -> None:
    me = comes(lively)
    me.expected += ["status of 404"]
    me.opens("/backfills/999")
    me.sees("This team has no such backfill; it may belong to another team of yours.")
    me.link("Transfers").last.click()
    me.here("/transfers")
    # The page of a transfer is open while somebody deletes it.
    me.opens(f"/transfers/{lively.ids[houses.ADS]}")
    expect(me.page.locator("#live")).to_have_text("live")
    with httpx.Client(base_url=lively.url, headers={"Authorization": f"Bearer {lively.key}"}) as client:
        client.delete(f"/teams/1/transfers/{lively.ids[houses.ADS]}").raise_for_status()
    me.sees("This team has no such transfer. It may have been deleted")
    expect(me.link("Overview").last).to_be_visible()


def test_too_many_tries_to_sign_in_say_how_long_to_wait(serves: Callable[..., RealServer], comes: Comes) -> None:
    me = comes(serves(houses.empty, DAYFILL_REFUSED_REQUESTS_PER_HOUR="2"), signed_in=False)
    me.expected += ["status of 401", "status of 429"]
    me.opens("/sign-in")
    for _ in range(3):
        me.page.get_by_label("API key").fill("api_wrong")
        with me.page.expect_navigation():
            me.button("Sign in").click()
    me.sees(re.compile(r"Too many tries from your address\. Try again in \d+ s\."), "#problem")
    expect(me.page.get_by_label("API key")).to_be_visible()


def test_too_many_requests_are_told_and_the_page_goes_on_by_itself(
    serves: Callable[..., RealServer], comes: Comes
) -> None:
    server = serves(houses.lively, DAYFILL_ADDRESS_REQUESTS_PER_HOUR="8")
    me = comes(server)
    me.expected.append("status of 429")
    me.opens("/backfills")
    expect(me.page.locator("#live")).to_have_text("live")
    me.page.evaluate("async () => { while ((await fetch('/runs')).status !== 429); }")
    me.looks_away_and_back()
    me.sees("Too many requests have come from your address.", "#notice")
    me.sees(re.compile(r"as it was at \d+:\d+:\d+"), "#live")
    me.opens("/transfers")
    me.sees("Too many requests", "h1")
    expect(me.link("Try again")).to_have_attribute("href", "/transfers")


def test_a_server_that_is_gone_is_told_and_what_was_typed_stays(lively: RealServer, comes: Comes) -> None:
    me = comes(lively)
    me.expected += ["ERR_CONNECTION_REFUSED", "htmx:error: Failed to fetch"]
    me.opens("/transfers/new?source=DEMO_ADS")
    me.page.get_by_label("Name of the transfer").fill("Spring ads")
    me.page.get_by_label("Table in the destination").fill("spring_ads")
    lively.kill()
    me.button("Make the transfer").click()
    me.sees("The server does not answer. Nothing was done; try again.", "#toasts")
    expect(me.page.get_by_label("Name of the transfer")).to_have_value("Spring ads")
    lively.start()
    me.button("Make the transfer").click()
    me.sees("The transfer is made. Fill its first days.", "#toasts")
