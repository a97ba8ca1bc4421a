"""Somebody has typed ``dayfill demo``, opens the link that it prints, and heals a failed day: by keyboard alone."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from person import Person
from playwright.sync_api import expect
from real_server import RealServer

OLD = re.compile(r"^\d+% · Demo Ads")


@pytest.mark.timeout(300)  # the demo takes its time
def test_from_the_first_page_through_a_failed_day_to_a_finished_retry(
    tmp_path: Path, comes: Callable[..., Person]
) -> None:
    server = demo(tmp_path)
    try:
        me = comes(server, signed_in=False)
        me.opens(server.link)
        me.here("/")
        me.sees("backfilling")
        me.tab_to("Demo Ads")
        me.press("Enter")
        me.sees("Demo Ads →", "h1")
        expect(me.page).to_have_title(OLD)
        # The first failed day comes while the backfill runs, and n or p leads to it.
        expect(me.page.locator("#failed-days")).to_have_text(re.compile("[1-9]"), timeout=60_000)
        me.tab_to("Calendar of the days of Demo Ads")
        me.press("p")
        me.sees("failed", "#readout")
        me.press("Enter")
        me.sees(re.compile("RATE_LIMIT|AUTH|TIMEOUT"), "#drawer")
        me.press("Escape")
        # It ends with all that the demo fails on purpose, in four groups.
        expect(me.page.locator("#failed-days")).to_have_text("23", timeout=100_000)
        retry = me.button("Retry 23 failed days")
        expect(retry).to_be_enabled(timeout=60_000)
        expect(me.page.locator("#causes tbody tr")).to_have_count(4)
        me.tab_to("Retry 23 failed days")
        me.press("Enter")
        me.sees("Queued 23 failed days again.", "#toasts")
        expect(me.page.locator("#causes")).to_contain_text("No day has failed.", timeout=60_000)
        me.sees("730 of 730", "#there")
        me.sees("Completed", "#ended")
        me.sees("Healthy", "#word")
        expect(me.page).not_to_have_title(OLD)
    finally:
        server.kill()


def demo(folder: Path) -> RealServer:
    """The demo, as it runs for anybody; its banner is in its log."""
    server, ready = RealServer(folder), folder / "ready.json"
    server.spawn([sys.executable, "-m", "dayfill", "demo", "--port", "0", "--ready-file", str(ready)])
    link = server.until(r"Open it +(http://[^/]+)(/\S+)")
    server.url, server.link = link[1], link[2]
    return server
