"""A role opens and does what it may, and is told why not; and the small pictures of the lists."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from browsing import FROM_HERE, Browser, SignedIn
from scenes import LAST, loaded, waiting

import seeds
from dayfill.domain.access import Permission, Role, role_allows
from dayfill.domain.days import DayRange, DayState
from dayfill.store import boards
from dayfill.ui.routes import ROUTES
from dayfill.ui.strip import bars, strip
from installation import Installation
from worker import claim_some

# -- roles


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_opens_what_it_may(role: Role, installation: Installation, signed_in: SignedIn) -> None:
    await loaded(installation, "Ads", days=3)
    browser = await signed_in(role)
    for page in ROUTES:
        if "GET" in page.methods and "{" not in page.path and page.path != "/sign-in":
            may = page.permission is None or role_allows(role, page.permission)
            answer = await browser.open(page.path)
            assert answer.status_code == (200 if may else 403), page.path
            if not may:
                assert f"Your role {role.value} in First may not" in answer.text
                assert "ask an owner or admin" in answer.text


async def test_what_a_role_may_not_do_is_shown_disabled_with_the_reason(
    installation: Installation, signed_in: SignedIn
) -> None:
    await seeds.destination(installation)
    viewer = await signed_in(Role.VIEWER)
    await viewer.open("/destinations")
    assert re.search(r'<button disabled title="Your role VIEWER in First may not change transfers', viewer.page)
    answer = await viewer.submit("/destinations/1/test")
    assert answer.status_code == 403
    assert not role_allows(Role.VIEWER, Permission.TRANSFER_EDIT)
    editor = await signed_in(Role.EDITOR)
    await editor.open("/destinations")
    assert "disabled title" not in editor.page


async def test_a_destination_is_tested(
    installation: Installation, browser: Browser, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = await seeds.destination(installation, "Good", f"{tmp_path}/good.duckdb")
    bad = await seeds.destination(installation, "Bad", "/srv/elsewhere/bad.duckdb")
    await browser.open("/destinations")
    answer = await browser.submit(f"/destinations/{good.destination_id}/test")
    assert (answer.status_code, "can%20be%20reached" in answer.headers["location"]) == (303, True)
    part = {**FROM_HERE, "HX-Request": "true", "X-CSRF-Token": browser.token()}
    answer = await browser.post(f"/destinations/{bad.destination_id}/test", headers=part)
    assert answer.status_code == 200
    assert 'class="problem"' in answer.text


# -- pieces


def test_a_strip_has_one_path_for_each_state() -> None:
    span = DayRange(LAST - timedelta(days=11), LAST)
    picture = strip("lsfrq.lsfrq.", span)
    assert picture.count("<path") == 6
    assert "2 loaded, 2 stale, 2 failed, 2 running, 2 queued, 2 missing" in picture
    assert strip("l" * 90, span).count("<path") == 1


def test_bars_are_as_high_as_their_rows() -> None:
    span = DayRange(LAST - timedelta(days=2), LAST)
    picture = bars({LAST: 10, LAST - timedelta(days=1): 5}, span, height=10)
    assert 'd="M11 10v-5.0h8v5.0zM21 10v-10.0h8v10.0z"' in picture
    assert 'd=""' in bars({}, span)


async def test_a_tally_counts_each_day_once(installation: Installation) -> None:
    transfer = await loaded(installation, "Ads", days=10, failed=2)
    await waiting(installation, transfer, days=3)
    await claim_some(installation, 1)
    counted = await boards.tally(installation.db, transfer)
    assert counted.span is not None
    assert counted.counts == {
        DayState.LOADED: 8,
        DayState.FAILED: 2,
        DayState.STALE: 0,
        DayState.QUEUED: 2,
        DayState.RUNNING: 1,
        DayState.MISSING: len(counted.span) - 13,
    }
    assert (counted.freshest, counted.rows) == (LAST - timedelta(days=2), 800)
