"""The pictures of the documentation, taken from the same made data each time: light, dark, on a phone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import houses
import pytest
from furnished import ago
from person import DESK, PHONE, Person
from PIL import Image
from playwright.sync_api import expect
from real_server import RealServer
from test_every_page import PAGES, settled

from installation import NOON

IMG = Path(__file__).parents[2] / "docs" / "img"
Comes = Callable[..., Person]


LAST = """document.addEventListener("told", (event) => {
  if (window.last && !event.detail.isMade) event.stopImmediatePropagation();
  else if (event.detail.c) window.last ??= event.detail;
})"""
"""Keep the first that the stream tells; from then on only what is made here moves the page."""
GOES_ON = """(step) => {
  const days = 7.3 + 0.9 * Math.sin(step / 5) + (step * 7919 % 13) / 10 - 0.6 - (step % 61 === 57 ? 2.6 : 0);
  window.days = (window.days ?? 0) + days;
  window.rows = (window.rows ?? 0) + days * (1390 + step * 104729 % 17 * 12);
  const b = window.last.b.map((one) => ({...one, done: one.done + window.days, rows: one.rows + window.rows}));
  const detail = {...window.last, isMade: true, name: "days", states: null, b};
  document.dispatchEvent(new CustomEvent("told", {detail}));
}"""
"""Two seconds of a backfill, as the stream would tell them to the chart."""


PLACES = """() => { for (const one of document.querySelectorAll("code"))
  one.textContent = one.textContent.replace(/^.*[/](?=warehouse.duckdb$)/, "/data/"); }"""
"""Where the tests keep their files is nobody's business."""


def looks_for_three_minutes(person: Person, path: str) -> None:
    """The server's clock stands still for the pictures: this page's runs ahead, and its chart fills."""
    person.page.clock.install(time=NOON)
    person.page.add_init_script(LAST)
    settled(person, path)
    person.page.clock.pause_at(NOON + timedelta(seconds=30))
    for step in range(93):
        person.page.evaluate(GOES_ON, step)
        person.page.clock.run_for(2_000)
    person.page.clock.resume()
    expect(person.page.locator("#live")).to_have_text("live")
    person.page.wait_for_function("() => !document.body.classList.contains('is-old')")


def take(person: Person, name: str, height: int | None = None) -> None:
    """A picture of the page from its top to its end, or of so many pixels of what is in sight."""
    person.page.mouse.move(0, 0)
    person.page.evaluate("() => document.fonts.ready")
    person.page.evaluate(PLACES)
    width, bottom = person.page.evaluate(
        "() => [innerWidth, document.querySelector('main').getBoundingClientRect().bottom]"
    )
    clip = {"x": 0, "y": 0, "width": width, "height": height or bottom}
    IMG.mkdir(exist_ok=True)
    person.page.screenshot(
        path=IMG / f"{name}.png", full_page=height is None, clip=clip, animations="disabled", caret="hide", scale="css"
    )
    smaller(IMG / f"{name}.png")


def smaller(picture: Path) -> None:
    """Of 256 colours nobody misses the others, and it is a third of the size."""
    with Image.open(picture) as read:
        palette = read.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    palette.save(picture, optimize=True)


LOOKS = {"overview": settled, "transfer": looks_for_three_minutes}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["overview", "transfer"])
def test_a_page_on_a_desk(name: str, theme: str, pretty_house: RealServer, comes: Comes) -> None:
    me = comes(pretty_house, color_scheme=theme, reduced_motion="reduce")
    LOOKS[name](me, PAGES[name].format_map(pretty_house.ids))
    take(me, f"{name}-{theme}")


@pytest.mark.parametrize("name", ["transfers", "backfill", "destinations"])
def test_a_page_that_is_shown_once(name: str, pretty_house: RealServer, comes: Comes) -> None:
    me = comes(pretty_house, reduced_motion="reduce")
    settled(me, PAGES[name].format_map(pretty_house.ids))
    take(me, name)


@pytest.mark.parametrize("name", ["overview", "transfer"])
def test_a_page_on_a_phone(name: str, pretty_house: RealServer, comes: Comes) -> None:
    me = comes(pretty_house, viewport=PHONE, has_touch=True, is_mobile=True, reduced_motion="reduce")
    LOOKS[name](me, PAGES[name].format_map(pretty_house.ids))
    take(me, f"{name}-phone")


def test_the_days_that_will_run(pretty_house: RealServer, comes: Comes) -> None:
    me = comes(pretty_house, reduced_motion="reduce")
    settled(me, f"/transfers/{pretty_house.ids[houses.SHOP]}")
    me.drags(ago(160), ago(40))
    me.link("Backfill these 121 days…").click()
    me.page.get_by_label("only stale").check()
    me.sees("14 days", "#dialog .plan")
    take(me, "new-backfill", DESK["height"])


def test_a_day(pretty_house: RealServer, comes: Comes) -> None:
    me = comes(pretty_house, reduced_motion="reduce")
    settled(me, PAGES["transfer"].format_map(pretty_house.ids))
    me.link(f"{ago(255)}").click()
    me.sees("SCHEMA", "#drawer")
    take(me, "day", DESK["height"])


def test_ten_thousand_days(long_house: RealServer, comes: Comes) -> None:
    me = comes(long_house, reduced_motion="reduce")
    looks_for_three_minutes(me, PAGES["transfer"].format_map(long_house.ids))
    take(me, "ten-thousand-days")


def test_a_server_with_nothing_in_it(empty_house: RealServer, comes: Comes) -> None:
    me = comes(empty_house, reduced_motion="reduce")
    settled(me, "/")
    take(me, "empty")
