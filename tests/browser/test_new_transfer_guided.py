"""Somebody makes a transfer: source, table, destination, schedule, first days; what is wrong is said beside it."""

from __future__ import annotations

from collections.abc import Callable

import houses
from person import Person
from playwright.sync_api import expect
from real_server import RealServer


def test_from_nothing_to_the_first_loaded_days(serves: Callable[..., RealServer], comes: Callable[..., Person]) -> None:
    server = serves(houses.empty)
    me = comes(server)
    me.expected.append("status of 422")
    me.opens("/")
    me.sees("No transfers yet")
    me.link("New transfer").click()
    me.link("Demo Ads").click()
    me.page.get_by_label("Name of the transfer").fill("Spring ads")
    me.page.get_by_label("Parallel loads").evaluate("field => { field.value = '99' }")
    me.button("Check the source").click()
    me.sees("The setting parallelism must be a whole number", "#source")
    me.page.get_by_label("Parallel loads").fill("4")
    me.button("Check the source").click()
    me.sees("The source can be read.", "#checked")
    expect(me.page.get_by_label("Name of the transfer")).to_have_value("Spring ads")
    me.page.get_by_label("Table in the destination").fill("no table; at all")
    me.page.get_by_label("Name of the new destination").fill("Warehouse")
    me.page.locator('[name="to.DWH_DUCKDB.path"]').fill(str(server.folder / "warehouse.duckdb"))
    me.button("Make the transfer").click()
    me.sees("Nothing was made yet: see what is said beside the field.")
    table = me.page.get_by_label("Table in the destination")
    expect(table).to_have_attribute("aria-invalid", "true")
    expect(me.page.get_by_label("Name of the transfer")).to_have_value("Spring ads")
    expect(me.page.get_by_label("Name of the new destination")).to_have_value("Warehouse")
    table.fill("spring_ads")
    me.button("Make the transfer").click()
    me.sees("The transfer is made. Fill its first days.", "#toasts")
    me.link("Last 7 days").click()
    me.sees("7 days, and no earlier backfill tells how long they take", ".plan")
    me.button("Backfill 7 days").click()
    me.sees("7 of 7", "#there")
    me.sees("Healthy", "#word")
    me.opens("/")
    me.sees("1 of 1 transfer is healthy.")
