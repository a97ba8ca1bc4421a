"""Several pages at once: all are as fresh as one, and none takes the connections of which a browser has but six."""

from __future__ import annotations

from collections.abc import Callable

import houses
from furnished import NEWEST, ago
from person import Person
from playwright.sync_api import expect
from real_server import RealServer
from test_what_goes_wrong import api

Comes = Callable[..., Person]


def test_what_is_done_on_one_page_is_seen_on_the_other(lively: RealServer, comes: Comes) -> None:
    me, path = comes(lively), f"/transfers/{lively.ids[houses.ADS]}"
    me.opens(path)
    other = me.beside(path)
    expect(other.page.locator("#live")).to_have_text("live")
    me.button("Retry 11").click()
    for page in (me, other):
        page.sees("3", "#failed-days")
        expect(page.page.locator("#causes tbody tr")).to_have_count(2)


def test_eight_pages_that_are_all_in_sight_move_and_more_can_be_opened(lively: RealServer, comes: Comes) -> None:
    me, path = comes(lively), f"/transfers/{lively.ids[houses.ADS]}"
    me.opens(path)
    pages = [me, *(me.beside(path) for _ in range(7))]
    for page in pages:
        expect(page.page.locator("#live")).to_have_text("live")
    api(lively, "POST", f"transfers/{lively.ids[houses.ADS]}/backfills", ago(9), NEWEST)
    for page in pages:
        page.sees("Completed", "#ended")
        expect(page.page.locator("#live")).to_have_text("live")
    # Of them those that had to wait for a connection have their turn when others go.
    for page in pages[:5]:
        page.page.close()
    pages[5].button("Retry 11").click()
    for page in pages[5:]:
        page.sees("3", "#failed-days")
