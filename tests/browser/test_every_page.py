"""Every page, for everybody: nothing that a machine finds wrong, all of it by keyboard, in both themes, on a phone."""

from __future__ import annotations

from collections.abc import Callable

import houses
import pytest
from axe_playwright_python.sync_playwright import Axe
from person import PHONE, Person
from playwright.sync_api import expect
from real_server import RealServer

PAGES = {
    "overview": "/",
    "transfers": "/transfers",
    "transfer": "/transfers/{Demo Ads}",
    "days as a table": "/transfers/{Demo Ads}/days",
    "days of a month": "/transfers/{Demo Ads}/days?month=2024-03&show=failed",
    "day": "/transfers/{Demo Ads}/days/2024-03-10",
    "timeline": "/transfers/{Demo Ads}/timeline",
    "schema": "/transfers/{Demo Ads}/schema",
    "settings of a transfer": "/transfers/{Demo Ads}/settings",
    "delete": "/transfers/{Demo Ads}/delete",
    "new backfill": "/transfers/{Shop orders}/backfills/new",
    "backfills": "/backfills",
    "backfill": "/backfills/{backfill}",
    "cancel": "/backfills/{backfill}/cancel",
    "runs": "/runs",
    "runs of a month": "/runs?transfer={Demo Ads}&month=2024-03",
    "run": "/runs/1",
    "destinations": "/destinations",
    "connections": "/connections",
    "settings": "/settings",
    "source of a new transfer": "/transfers/new",
    "new transfer": "/transfers/new?source=DEMO_ADS",
    "new transfer from SQL": "/transfers/new?source=SQL",
    "nothing": "/nothing-is-here",
}
EMPTY = ["/", "/transfers", "/backfills", "/runs", "/destinations", "/connections", "/settings", "/transfers/new"]
NARROWEST = {"width": 320, "height": 640}
"""As a desk's window looks at 400 %."""
CAN_BE_USED = """() => [...document.querySelectorAll(
    "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")]
  .filter((one) => !one.disabled && one.checkVisibility({visibilityProperty: true}) && !window.focusStops.has(one))
  .map((one) => one.outerHTML.slice(0, 160))"""
"""What a mouse could use and Tab has not come to."""
TOO_WIDE = """() => { const {clientWidth, scrollWidth} = document.documentElement;
  return scrollWidth <= clientWidth && innerWidth <= clientWidth ? []
    : [`${scrollWidth} of ${clientWidth}`, ...[...document.querySelectorAll("body *")]
        .filter((one) => one.getBoundingClientRect().right > clientWidth + 1)
        .map((one) => one.outerHTML.slice(0, 120))]; }"""
"""A phone shows all of a page that is too wide, and makes it smaller: then only innerWidth has grown."""
SMALL = """() => [...document.querySelectorAll(
    "button, .button, select, input:not([type=hidden], [type=checkbox]), .check, summary, .top a")]
  .filter((one) => one.checkVisibility()).map((one) => [one.getBoundingClientRect(), one.outerHTML.slice(0, 120)])
  .filter(([box]) => box.width < 24 || box.height < 24).map(([box, html]) => `${box.width}x${box.height} ${html}`)"""
Comes = Callable[..., Person]


def settled(person: Person, path: str) -> None:
    """At a page all of whose parts have come."""
    person.opens(path)
    person.page.wait_for_function(
        "() => !document.querySelector('#calendar') || document.querySelector('#calendar svg path')"
    )
    person.page.wait_for_function(
        "() => !document.body.dataset.topics || document.querySelector('#live')?.dataset.state === 'live'"
    )

    told = "() => [...document.querySelectorAll('[data-is=\"eta\"]')].every((one) => one.textContent)"
    person.page.wait_for_function(told)  # comes with the stream


DIALOGS = {
    "new backfill": ("/transfers/{Shop orders}", "New backfill…", "#dialog .plan"),
    "cancel": ("/transfers/{Demo Ads}", "Cancel…", "#cancel-backfill"),
    "day": ("/transfers/{Demo Ads}", "2023-10-03", "#drawer .run"),
}
"""Where each is opened, by what, and what is in it when it has come."""


def violations(person: Person) -> list[str]:
    found = Axe().run(person.page).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for one in found
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_nothing_that_axe_finds(name: str, theme: str, full_house: RealServer, comes: Comes) -> None:
    me = comes(full_house, color_scheme=theme)
    me.expected.append("status of 404")
    settled(me, PAGES[name].format_map(full_house.ids))
    assert violations(me) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", DIALOGS)
def test_an_open_dialog_has_nothing_that_axe_finds(name: str, theme: str, full_house: RealServer, comes: Comes) -> None:
    path, word, within = DIALOGS[name]
    me = comes(full_house, color_scheme=theme)
    settled(me, path.format_map(full_house.ids))
    me.link(word).click()
    expect(me.page.locator(within).first).to_be_visible()
    assert violations(me) == []


@pytest.mark.parametrize("path", EMPTY)
def test_an_empty_page_has_nothing_that_axe_finds(path: str, empty_house: RealServer, comes: Comes) -> None:
    me = comes(empty_house, color_scheme="dark")
    settled(me, path)
    assert violations(me) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_to_sign_in_has_nothing_that_axe_finds(theme: str, full_house: RealServer, comes: Comes) -> None:
    me = comes(full_house, signed_in=False, color_scheme=theme)
    settled(me, "/sign-in")
    assert violations(me) == []


@pytest.mark.parametrize("name", PAGES)
def test_tab_comes_to_all_that_can_be_used_and_one_sees_where_it_is(
    name: str, full_house: RealServer, comes: Comes
) -> None:
    me = comes(full_house)
    me.expected.append("status of 404")
    settled(me, PAGES[name].format_map(full_house.ids))
    stops = me.stops()
    assert [stop["html"] for stop in stops if not (stop["ring"] and stop["seen"])] == []
    assert me.page.evaluate(CAN_BE_USED) == []
    assert stops[0]["words"] == "Skip to the page"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_phone(name: str, full_house: RealServer, comes: Comes) -> None:
    me = comes(full_house, viewport=PHONE, has_touch=True, is_mobile=True)
    me.expected.append("status of 404")
    settled(me, PAGES[name].format_map(full_house.ids))
    assert me.page.evaluate(TOO_WIDE) == []
    assert me.page.evaluate(SMALL) == []
    me.page.set_viewport_size(NARROWEST)
    assert me.page.evaluate(TOO_WIDE) == []


def test_names_that_contain_markup_are_shown_as_text(full_house: RealServer, comes: Comes) -> None:
    me = comes(full_house)
    evil = full_house.ids[houses.EVIL]
    for path in ("/", "/transfers", f"/transfers/{evil}", f"/transfers/{evil}/days/2024-06-11", "/backfills", "/runs"):
        settled(me, path)
        me.sees(houses.EVIL)
        assert me.page.locator("img").count() == 0
        assert "54444439" not in me.page.content()
