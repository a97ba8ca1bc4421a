"""Forced colours, as in the high contrast of Windows: states are told apart by shape, and one sees where one is."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from itertools import combinations

import houses
import pytest
from furnished import ago
from person import Person
from PIL import Image, ImageChops
from playwright.sync_api import Locator, expect
from real_server import RealServer
from test_every_page import PAGES, settled

Comes = Callable[..., Person]
LOOKED_AT = ("overview", "transfer", "backfill", "new backfill")
SIDE = 22
"""Pixels of a state's shape, made larger; of their 484 two shapes differ in at least so many."""
DIFFERENT = 40
FAILED = "button[data-only=f]"


def looks(comes: Comes, server: RealServer, name: str, theme: str) -> Person:
    me = comes(server, forced_colors="active", color_scheme=theme, reduced_motion="reduce")
    settled(me, PAGES[name].format_map(server.ids))
    assert me.page.evaluate("matchMedia('(forced-colors: active)').matches")
    return me


def shape(where: Locator) -> Image.Image:
    """What is drawn, without its colours: ground or not."""
    with Image.open(BytesIO(where.screenshot())) as shot:
        grey = shot.convert("L").resize((SIDE, SIDE))
    ground = grey.getpixel((0, 0))
    return grey.point(lambda value: 255 if abs(value - ground) > 60 else 0)  # type: ignore[operator]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_states_are_told_apart_without_their_colours(theme: str, full_house: RealServer, comes: Comes) -> None:
    me = looks(comes, full_house, "transfer", theme)
    keys = {name: shape(me.page.locator(f'button[data-only="{name}"] svg')) for name in "lsfrq."}
    same = [
        (one, two)
        for one, two in combinations(keys, 2)
        if SIDE * SIDE - ImageChops.difference(keys[one], keys[two]).histogram()[0] < DIFFERENT
    ]
    assert same == []


@pytest.mark.parametrize("name", LOOKED_AT)
def test_one_sees_where_the_focus_is(name: str, full_house: RealServer, comes: Comes) -> None:
    me = looks(comes, full_house, name, "dark")
    stops = me.stops()
    assert [stop["html"] for stop in stops if not (stop["ring"] and stop["seen"])] == []
    assert len(stops) > 5


def test_what_is_chosen_pressed_or_current_has_a_line(full_house: RealServer, comes: Comes) -> None:
    me = looks(comes, full_house, "transfer", "light")

    def edge(selector: str) -> str:
        return str(me.page.locator(selector).first.evaluate("(one) => getComputedStyle(one).borderBottomColor"))

    assert edge('.tabs [aria-current="page"]') != edge(".tabs a:not([aria-current])")
    me.page.locator(FAILED).click()
    assert edge(FAILED) != edge("button[data-only=l]")
    me.page.locator(FAILED).click()
    me.drags(ago(20), ago(6))
    me.sees("15 days", "#chosen")
    chosen, ground = (
        me.page.locator(selector).first.evaluate(f"(one) => getComputedStyle(one).{what}")
        for selector, what in (("#calendar .chosen[d^=M]", "fill"), ("body", "backgroundColor"))
    )
    assert chosen != ground
    expect(me.link("Backfill these 15 days…")).to_be_visible()
    assert houses.ADS in str(me.page.title())
