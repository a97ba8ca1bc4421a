"""Somebody mends the settings of a transfer: sees what is stale now, loads it again; who comes second is told."""

from __future__ import annotations

from collections.abc import Callable

import houses
from person import Person
from playwright.sync_api import expect
from real_server import RealServer


def test_settings_are_changed_and_stale_days_loaded_again(
    serves: Callable[..., RealServer], comes: Callable[..., Person]
) -> None:
    server = serves(houses.several)
    me, at = comes(server), f"/transfers/{server.ids[houses.ADS]}"
    me.expected.append("status of 422")
    me.opens(at)
    me.link("Settings").last.click()
    me.here(f"{at}/settings")
    other = me.beside(f"{at}/settings")
    expect(me.page.get_by_label("on day of the month")).not_to_be_visible()
    me.page.get_by_label("It refreshes itself").select_option("monthly")
    me.page.get_by_label("on day of the month").fill("31")
    me.page.get_by_label("Restate the last 7 days").check()
    me.page.get_by_label("Name of the transfer").fill("Autumn ads")
    me.page.get_by_label("and loads this many last days").fill("400")
    me.button("Save the settings").click()
    me.sees("refresh_window", "#schedule-problem")
    expect(me.page.get_by_label("Name of the transfer")).to_have_value("Autumn ads")
    expect(me.page.get_by_label("Restate the last 7 days")).to_be_checked()
    me.page.get_by_label("and loads this many last days").fill("40")
    me.button("Check the source").click()
    me.sees("The source can be read.", "#checked")
    me.button("Save the settings").click()
    me.sees("28 loaded days are stale now", "#saved")
    me.sees("2 days failed before", "#saved")
    me.sees("monthly on day 31", ".sub")
    me.link("Backfill 28 stale days").click()
    me.button("Backfill 28 days").click()
    me.sees("Completed", "#ended")
    me.button("Retry 2 failed days").click()
    me.sees("Healthy", "#word")
    other.button("Save the settings").click()
    other.sees("Somebody else has changed this transfer since you opened it")
    expect(other.page.get_by_label("Name of the transfer")).to_have_value(houses.ADS)
