"""What to do about a failed day is said with a way there, wherever it is said."""

from __future__ import annotations

import re

import pytest
from browsing import Browser
from scenes import LAST, backfill, last, named

from dayfill.ui.health import FIXES, fix
from installation import Installation
from worker import refused, work_off

PLACES = {"CONFIG": "/transfers/1/settings", "SCHEMA": "/transfers/1/schema", "DESTINATION": "/destinations"}
PAGES = ("/", "/transfers/1", f"/transfers/1/days/{LAST}", "/runs/1", "/backfills/1")


@pytest.mark.parametrize("cause", PLACES)
async def test_the_place_that_a_sentence_names_is_a_link(
    cause: str, installation: Installation, browser: Browser
) -> None:
    await named(installation, "Flights")
    await backfill(installation, 1, last(1))
    await work_off(installation, {LAST: refused(cause, "No.")})
    for path in PAGES:
        page = (await browser.open(path)).text
        [sentence] = re.findall(r'<p class="dim">([^\n]*(?:then retry|Retry)[^\n]*)</p>', page)
        assert re.findall('href="([^"]+)"', sentence) == [PLACES[cause]], path
    assert (await browser.open(PLACES[cause])).status_code == 200


@pytest.mark.parametrize("cause", [*FIXES, "", "SOMETHING_NEW"])
def test_a_sentence_is_whole_and_links_nothing_else(cause: str) -> None:
    text = str(fix(cause, 7))
    assert re.fullmatch(r"[^\[\]<>]+(<a href=\"/[a-z0-9/]+\">[a-z]+</a>[^\[\]<>]+)?", text)
