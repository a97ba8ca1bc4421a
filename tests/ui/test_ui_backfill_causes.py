"""The page of a backfill: its failed days by cause, each tried again by itself."""

from __future__ import annotations

import re
from datetime import timedelta

from browsing import Browser
from scenes import LAST, backfill, last, named

from installation import Installation
from worker import refused, work_off


async def test_a_backfill_tries_the_days_of_one_cause_again(installation: Installation, browser: Browser) -> None:
    transfer = await named(installation, "Flights")
    made = await backfill(installation, transfer.transfer_id, last(5))
    fail = {LAST: refused("SCHEMA", "No column x."), LAST - timedelta(days=1): refused("AUTH", "No.")}
    await work_off(installation, {**fail, LAST - timedelta(days=2): refused("AUTH", "No.")})
    page = (await browser.open(f"/backfills/{made}")).text
    assert re.findall(r'name="cause" value="(\w+)"><button>Retry (\d)<', page) == [("AUTH", "2"), ("SCHEMA", "1")]
    answer = await browser.submit(f"/backfills/{made}/retry", cause="AUTH")
    assert (answer.status_code, "Queued%202%20failed%20days" in answer.headers["location"]) == (303, True)
    page = (await browser.open(f"/backfills/{made}")).text
    assert re.findall(r'<button disabled title="The backfill is still at work[^>]*>(Retry \d)<', page) == ["Retry 1"]
    assert (await browser.submit(f"/backfills/{made}/retry", cause="SCHEMA")).status_code == 422
