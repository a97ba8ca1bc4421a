"""Somebody at a browser: looks, presses keys, and notices whatever the browser complains about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Locator, Page, expect

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
FOCUS = """() => {
  const at = document.activeElement;
  if (!at || at === document.body || at === document.documentElement) return null;
  const box = at.getBoundingClientRect(), style = getComputedStyle(at);
  const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  const seen = box.width > 0 && box.height > 0
    && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  const stops = window.focusStops ??= new Map();
  if (!stops.has(at)) stops.set(at, stops.size + 1);
  const words = at.getAttribute("aria-label") || at.labels?.[0]?.textContent || at.textContent || at.value || "";
  return {number: stops.get(at), words: words.trim().replace(/\\s+/g, " "), ring, seen,
          tag: at.tagName.toLowerCase(), html: at.outerHTML.slice(0, 160)};
}"""
"""What has the focus, and whether one can see that it has."""
CELL = """([year, iso]) => {
  const svg = document.querySelector(`#calendar #year-${year} svg`), box = svg.getBoundingClientRect();
  const width = svg.viewBox.baseVal.width, scale = box.width / width, columns = width > 500 ? 54 : 27, day = 86_400_000;
  const begin = Date.UTC(year, 0, 1), at = (Date.parse(iso) - begin) / day + (new Date(begin).getUTCDay() + 6) % 7;
  const week = Math.floor(at / 7), block = Math.floor(week / columns);
  const x = 26 + week % columns * 14, y = 15 + block * 118 + at % 7 * 14;
  return [box.left + scale * (x + 5.5), box.top + scale * (y + 5.5)];
}"""
"""The middle of a day's square: Monday first, a week each 14 units, as the calendar is laid out."""


@dataclass
class Person:
    """One page of a browser. complaints: of the browser; expected: patterns of those that belong to the story."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))
        self.page.on("dialog", self._asked)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _asked(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def unexpected(self) -> list[str]:
        return [one for one in self.complaints if not any(re.search(two, one) for two in self.expected)]

    def opens(self, path: str) -> None:
        self.page.goto(self.url + path)

    def sees(self, text: str | re.Pattern[str], within: str = "body") -> None:
        expect(self.page.locator(within)).to_contain_text(text)

    def looks_away_and_back(self) -> None:
        """Another tab is in front for a moment."""
        for is_hidden in ("true", "false"):
            self.page.evaluate(f"Object.defineProperty(document, 'hidden', {{value: {is_hidden}, configurable: true}})")
            self.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    def here(self, path: str | re.Pattern[str]) -> None:
        """The page is at this path."""
        expect(self.page).to_have_url(path if isinstance(path, re.Pattern) else self.url + path)

    def beside(self, path: str) -> Person:
        """The same person at a further page, in a window of its own beside this one."""
        other = Person(self.page.context.new_page(), self.url, self.complaints, self.expected)
        other.opens(path)
        return other

    # -- the keyboard

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def focus(self) -> dict[str, object] | None:
        found: dict[str, object] | None = self.page.evaluate(FOCUS)
        return found

    def tab_to(self, words: str, most: int = 120) -> None:
        """Press Tab until what begins with these words has the focus; each stop on the way can be seen."""
        stops = []
        for _ in range(most):
            self.press("Tab")
            at = self.focus()
            if at is None:
                continue
            assert at["ring"] and at["seen"], f"the focus cannot be seen at {at['html']}"
            stops.append(str(at["words"])[:40])
            if str(at["words"]).startswith(words):
                return
        raise AssertionError(f"Tab never comes to {words!r}, only to {stops}")

    def focused(self, words: str) -> None:
        """What begins with these words has the focus: nobody has lost the place where they were."""
        at = self.focus()
        assert at is not None and str(at["words"]).startswith(words), f"the focus is at {at}"

    def stops(self) -> Sequence[dict[str, object]]:
        """Where Tab leads, from the top of the page until it leaves it."""
        self.page.evaluate("() => { document.activeElement?.blur(); scrollTo(0, 0); }")
        found: dict[object, dict[str, object]] = {}
        for _ in range(400):
            self.press("Tab")
            at = self.focus()
            if at is None or (found and at["number"] == next(iter(found))):
                return list(found.values())
            found[at["number"]] = at
        raise AssertionError("Tab never leaves the page")

    # -- the mouse

    def cell(self, day: date) -> tuple[float, float]:
        """Where a day of the calendar is on the screen."""
        x, y = self.page.evaluate(CELL, [day.year, day.isoformat()])
        return x, y

    def drags(self, first: date, last: date) -> None:
        """Over the calendar, from one day to another."""
        self.page.locator("#calendar").scroll_into_view_if_needed()
        self.page.mouse.move(*self.cell(first))
        self.page.mouse.down()
        self.page.mouse.move(*self.cell(last), steps=8)
        self.page.mouse.up()

    def button(self, name: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("button", name=name)

    def link(self, name: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("link", name=name)


def sign_in(context: BrowserContext, url: str, link: str) -> None:
    """Use a sign-in link; the session stays in the context."""
    page = context.new_page()
    page.goto(url + link)
    page.wait_for_url(url + "/")
    page.close()
