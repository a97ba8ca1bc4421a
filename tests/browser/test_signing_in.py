"""Somebody signs in by the link that the server printed, or with a key; signs out; and loses the session."""

from __future__ import annotations

from collections.abc import Callable

import houses
from furnished import ago
from person import Person
from playwright.sync_api import expect
from real_server import RealServer

Comes = Callable[..., Person]


def test_a_link_signs_in_once(lively: RealServer, comes: Comes) -> None:
    me = comes(lively, signed_in=False)
    me.opens("/transfers")
    me.here("/sign-in?next=/transfers")
    me.opens(lively.link)
    me.here("/")
    me.sees("Needs you")
    me.button("Sign out").click()
    me.here("/sign-in")
    me.page.go_back()
    me.here("/sign-in?next=/")
    me.expected.append("status of 401")
    me.opens(lively.link)
    me.sees("This link has been used or is older than 15 minutes. Ask for a new one: dayfill sign-in-link EMAIL")


def test_a_key_signs_in_by_keyboard_and_what_is_wrong_is_said_beside_it(lively: RealServer, comes: Comes) -> None:
    me = comes(lively, signed_in=False)
    me.expected.append("status of 401")
    me.opens("/transfers")
    me.focused("API key")
    me.page.keyboard.type("api_wrong")
    me.press("Enter")
    field = me.page.get_by_label("API key")
    expect(field).to_have_attribute("aria-invalid", "true")
    me.sees("key", "#problem")
    me.focused("API key")
    me.page.keyboard.type(lively.key)
    me.press("Enter")
    me.here("/transfers")
    assert lively.key not in str(me.page.context.cookies()), "the browser keeps no key"


def test_a_session_that_is_lost_leads_to_the_sign_in_and_back(lively: RealServer, comes: Comes) -> None:
    me = comes(lively)
    me.opens(f"/transfers/{lively.ids[houses.ADS]}")
    expect(me.page.locator("#live")).to_have_text("live")
    lively.command("session", "end", "1")
    me.expected += ["status of 401"]
    me.button("Retry 11").click()
    me.sees("Your session has ended. Sign in, and you are back where you were.")
    me.page.get_by_label("API key").fill(lively.key)
    me.button("Sign in").click()
    me.here(f"/transfers/{lively.ids[houses.ADS]}")
    me.sees("14", "#failed-days")


def test_a_dialog_is_open_again_as_it_was_typed(lively: RealServer, comes: Comes) -> None:
    me, path = comes(lively), f"/transfers/{lively.ids[houses.ADS]}"
    me.opens(path)
    expect(me.page.locator("#live")).to_have_text("live")
    me.link("New backfill…").click()
    me.page.get_by_label("First day").fill(str(ago(59)))
    me.page.get_by_label("only failed").check()
    me.sees("failed", "#dialog .plan")
    lively.command("session", "end", "1")
    me.expected += ["status of 401"]
    me.page.get_by_label("Last day").fill(str(ago(20)))  # asks what would run
    me.sees("Your session has ended. Sign in, and you are back where you were.")
    me.page.get_by_label("API key").fill(lively.key)
    me.button("Sign in").click()
    me.here(path)
    me.sees("Here is what you had typed.", "#toasts")
    expect(me.page.get_by_label("First day")).to_have_value(str(ago(59)))
    expect(me.page.get_by_label("Last day")).to_have_value(str(ago(20)))
    expect(me.page.get_by_label("only failed")).to_be_checked()
    me.button("Backfill 1 day").click()
    me.sees("Backfill 2 started: 1 day.", "#toasts")
