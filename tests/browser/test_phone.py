"""On a phone: what is wider than the screen says so at its edge, and where somebody is, is in sight."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from person import PHONE, Person
from PIL import Image
from playwright.sync_api import expect
from real_server import RealServer
from test_every_page import settled

Comes = Callable[..., Person]
EDGES = """(row) => { const {left, right, bottom} = row.getBoundingClientRect();
  return [[left, bottom - 3], [right - 1, bottom - 3], [(left + right) / 2, bottom - 3]]; }"""
"""Points at both edges of a row that scrolls, and one of its ground between them; nothing is written there."""


def edges(me: Person, within: str) -> tuple[bool, bool]:
    """Whether there is a shadow at the left and at the right edge."""
    row = me.page.locator(within).first
    row.scroll_into_view_if_needed()
    seen = Image.open(io.BytesIO(me.page.screenshot())).convert("RGB")
    left, right, ground = (seen.getpixel((int(x), int(y))) for x, y in row.evaluate(EDGES))
    return left != ground, right != ground


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("path", "within"), [("/transfers", ".scroll"), ("/runs/1", ".top nav"), ("/destinations", ".scroll")]
)
def test_what_goes_on_beyond_an_edge_has_a_shadow_there(
    path: str, within: str, theme: str, full_house: RealServer, comes: Comes
) -> None:
    me = comes(full_house, viewport=PHONE, is_mobile=True, has_touch=True, color_scheme=theme)
    settled(me, path)
    for left, seen in ((0, (False, True)), (40, (True, True)), (10_000, (True, False))):
        me.page.locator(within).first.evaluate("(row, left) => { row.scrollLeft = left }", left)
        assert edges(me, within) == seen


def test_a_table_that_fits_has_none(full_house: RealServer, comes: Comes) -> None:
    me = comes(full_house)
    settled(me, "/transfers")
    assert edges(me, ".scroll") == (False, False)


@pytest.mark.parametrize("path", ["/", "/runs", "/connections", "/settings", "/transfers/{Demo Ads}/settings"])
def test_where_somebody_is_is_in_sight(path: str, full_house: RealServer, comes: Comes) -> None:
    me = comes(full_house, viewport=PHONE, is_mobile=True, has_touch=True)
    settled(me, path.format_map(full_house.ids))
    for one in me.page.locator('[aria-current="page"]').all():
        expect(one).to_be_in_viewport(ratio=1)
