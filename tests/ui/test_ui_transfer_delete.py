"""A transfer is deleted at its settings: what becomes of what is said first, and so it becomes."""

from __future__ import annotations

import re

from browsing import Browser, SignedIn
from scenes import loaded, waiting

from dayfill.domain.access import Role
from installation import Installation


async def test_what_becomes_of_it_is_said_before(installation: Installation, browser: Browser) -> None:
    transfer = await loaded(installation, days=30, failed=2)
    backfill = await waiting(installation, transfer, days=5)
    at = f"/transfers/{transfer}"
    assert f'href="{at}/delete"' in (await browser.open(f"{at}/settings")).text
    page = (await browser.open(f"{at}/delete")).text
    told = re.sub(r"<[^>]+>", "", page)
    for text in ("Delete Flights?", "28 loaded days stay", "5 queued days will not run, and 1 backfill at work is"):
        assert text in told, text
    answer = await browser.submit(f"{at}/delete")
    assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/transfers")
    assert (await browser.open(at)).status_code == 404 and "No transfers yet" in (await browser.open("/transfers")).text
    [(status,)] = installation.execute("SELECT status FROM backfills WHERE backfill_id = :id", id=backfill)
    assert (status, installation.woken) == ("CANCELLED", 1)


async def test_who_may_change_nothing_is_not_led_there(installation: Installation, signed_in: SignedIn) -> None:
    transfer = await loaded(installation)
    viewer = await signed_in(Role.VIEWER)
    assert "/delete" not in (await viewer.open(f"/transfers/{transfer}/settings")).text
    assert (await viewer.submit(f"/transfers/{transfer}/delete")).status_code == 403
    assert (await viewer.open(f"/transfers/{transfer}")).status_code == 200
