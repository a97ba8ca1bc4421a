"""Somebody makes a transfer: source, table, destination, schedule, first days; what is wrong is said beside it."""

from __future__ import annotations

from collections.abc import Callable

import houses
from person import Person
from playwright.sync_api import Route, expect
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
    _tries_a_destination(me, server)
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
    _next_one_goes_where_this_one_goes(me)


def _tries_a_destination(me: Person, server: RealServer) -> None:
    for folder, says in (("nowhere", "nowhere does not exist"), (".", "The destination can be reached and written.")):
        path = str(server.folder / folder / "warehouse.duckdb")
        me.page.locator('[name="to.DWH_DUCKDB.path"]').fill(path)
        me.button("Check the destination").click()
        me.sees(says, "#tried")


def _next_one_goes_where_this_one_goes(me: Person) -> None:
    """And nothing is asked about a new destination, until one is chosen."""
    me.opens("/transfers/new?source=DEMO_ADS")
    name, path = me.page.get_by_label("Name of the new destination"), me.page.locator('[name="to.DWH_DUCKDB.path"]')
    expect(name).not_to_be_visible()
    expect(path).not_to_be_visible()
    me.page.get_by_label("Destination", exact=True).select_option("new:DWH_DUCKDB")
    expect(name).to_be_visible()
    expect(path).to_be_visible()
    expect(me.page.locator('[name="to.DWH_POSTGRESQL.host"]')).not_to_be_visible()


def test_what_was_typed_outlives_the_session(serves: Callable[..., RealServer], comes: Callable[..., Person]) -> None:
    server = serves(houses.empty)
    me = comes(server)
    me.expected.append("status of 401")
    me.opens("/transfers/new?source=FILES")
    me.page.get_by_label("Name of the transfer").fill("Spring ads")
    me.page.get_by_label("Table in the destination").fill("spring")
    me.page.locator('[name="from.path"]').fill("/data/a.csv")
    me.page.get_by_label("First line holds the column names").uncheck()
    me.page.get_by_label("Destination", exact=True).select_option("new:DWH_POSTGRESQL")
    me.page.locator('[name="to.DWH_POSTGRESQL.password"]').fill("of a warehouse")
    server.command("session", "end", "1")
    me.button("Make the transfer").click()
    me.sees("Your session has ended.")
    assert "of a warehouse" not in me.page.evaluate("JSON.stringify(sessionStorage)"), "a secret is not kept"
    me.page.get_by_label("API key").fill(server.key)
    me.button("Sign in").click()
    me.here("/transfers/new?source=FILES")
    me.sees("Here is what you had typed.", "#toasts")
    expect(me.page.get_by_label("Name of the transfer")).to_have_value("Spring ads")
    expect(me.page.locator('[name="from.path"]')).to_have_value("/data/a.csv")
    expect(me.page.get_by_label("First line holds the column names")).not_to_be_checked()
    expect(me.page.get_by_label("Destination", exact=True)).to_have_value("new:DWH_POSTGRESQL")
    expect(me.page.locator('[name="to.DWH_POSTGRESQL.password"]')).to_have_value("")
    assert me.page.evaluate("sessionStorage.length") == 0


def test_an_answer_that_comes_late_overwrites_nothing(
    serves: Callable[..., RealServer], comes: Callable[..., Person]
) -> None:
    server = serves(houses.empty)
    (server.folder / "visits.csv").write_text("day,pages\n2024-06-01,7\n")
    me, held = comes(server), list[Route]()
    me.opens("/transfers/new?source=FILES")
    path = me.page.locator('[name="from.path"]')
    path.fill(str(server.folder))
    me.page.route("**/check", lambda route: held.append(route))
    me.button("Check the source").click()
    me.sees("Asked; the answer takes some seconds.", "#checked")
    path.fill(str(server.folder / "visits.csv"))
    me.page.locator('[name="from.date_column"]').fill("day")
    me.sees("Changed before the answer came: ask again.", "#checked")
    held[0].fulfill(body='<main id="main"><fieldset id="source">old</fieldset></main>', content_type="text/html")
    me.page.unroute("**/check")
    me.button("Check the source").click()
    me.sees("It has 2 columns", "#checked")
    expect(path).to_have_value(str(server.folder / "visits.csv"))
