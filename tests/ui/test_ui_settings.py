"""Settings: who may change members and keys, what is shown once, and where one is signed in."""

from __future__ import annotations

import re

import pytest
from browsing import Browser, SignedIn

from dayfill.domain.access import Role
from installation import Installation


async def opened(browser: Browser) -> str:
    answer = await browser.open("/settings")
    assert answer.status_code == 200
    return answer.text


async def test_a_member_is_added_changed_and_removed(installation: Installation, browser: Browser) -> None:
    await opened(browser)
    assert (await browser.submit("/settings/members", email="ann@example.com", role="VIEWER")).status_code == 303
    assert "ann@example.com" in await opened(browser)
    [(user_id,)] = installation.execute("SELECT user_id FROM users WHERE email = 'ann@example.com'")
    assert (await browser.submit(f"/settings/members/{user_id}", role="EDITOR")).status_code == 303
    assert installation.execute("SELECT role FROM members WHERE user_id = :u", u=user_id) == [("EDITOR",)]
    assert (await browser.submit(f"/settings/members/{user_id}", do="remove")).status_code == 303
    assert installation.execute("SELECT role FROM members WHERE user_id = :u", u=user_id) == []
    actions = installation.execute("SELECT actor, action FROM audit WHERE action LIKE 'member.%' ORDER BY audit_id")
    assert actions == [("session", "member.add"), ("session", "member.role"), ("session", "member.remove")]
    assert "member.remove" in await opened(browser)


@pytest.mark.parametrize("email", ["nothing", "", "a@b@c", "<i>@x y"])
async def test_a_wrong_address_is_told_beside_its_field_and_kept(email: str, browser: Browser) -> None:
    await opened(browser)
    answer = await browser.submit("/settings/members", email=email, role="ADMIN")
    assert answer.status_code == 422
    assert 'id="email-problem" role="alert"' in answer.text
    assert "<option selected>ADMIN" in answer.text
    assert "<i>" not in answer.text


async def test_the_last_owner_stays(installation: Installation, browser: Browser) -> None:
    await opened(browser)
    for change in ({"role": "VIEWER"}, {"do": "remove"}):
        answer = await browser.submit(f"/settings/members/{installation.user_id}", **change)
        assert (answer.status_code, "last owner" in answer.text) == (422, True)


async def test_an_admin_is_no_match_for_an_owner(installation: Installation, signed_in: SignedIn) -> None:
    admin = await signed_in(Role.ADMIN)
    await opened(admin)
    assert (await admin.submit(f"/settings/members/{installation.user_id}", role="VIEWER")).status_code == 403
    answer = await admin.submit("/settings/members", email="new@example.com", role="OWNER")
    assert (answer.status_code, "Only an owner" in answer.text) == (422, True)
    [(key_id,)] = installation.execute("SELECT api_key_id FROM api_keys WHERE user_id = :u", u=installation.user_id)
    assert (await admin.submit(f"/settings/keys/{key_id}/disable")).status_code == 403


async def test_a_key_of_ones_own_is_shown_once_and_works(installation: Installation, browser: Browser) -> None:
    await opened(browser)
    answer = await browser.submit("/settings/keys", description="<b>mine</b>", reach="read", lifetime="90")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    [key] = set(re.findall(r"api_\w{8}_\w{43}_\w{6}", answer.text))
    assert key not in await opened(browser)
    assert "&lt;b&gt;mine" in browser.page
    api = installation.client(key)
    assert (await api.get(f"/teams/{installation.team_id}/transfers")).status_code == 200
    [(key_id,)] = installation.execute("SELECT api_key_id FROM api_keys WHERE description <> 'test'")
    assert (await browser.submit(f"/settings/keys/{key_id}/disable")).status_code == 303
    assert (await api.get(f"/teams/{installation.team_id}/transfers")).status_code == 403
    assert (await browser.submit("/settings/keys", reach="all", lifetime="90")).status_code == 400
    long = await browser.submit("/settings/keys", description="x" * 1001, reach="read", lifetime="")
    assert (long.status_code, 'id="description-problem"' in long.text) == (422, True)


async def test_who_does_not_manage_sees_only_what_is_theirs(installation: Installation, signed_in: SignedIn) -> None:
    viewer = await signed_in(Role.VIEWER)
    page = await opened(viewer)
    assert installation.key[:10] not in page
    assert "Who did what" not in page and "Add a member" not in page
    assert "Your role VIEWER in First may not manage the team" in page
    for path in ("/settings/keys", "/settings/members", f"/settings/members/{installation.user_id}"):
        assert (await viewer.submit(path, email="a@example.com", role="OWNER")).status_code == 403
    [(key_id,)] = installation.execute("SELECT api_key_id FROM api_keys WHERE user_id = :u", u=installation.user_id)
    assert (await viewer.submit(f"/settings/keys/{key_id}/disable")).status_code == 403
    assert (await viewer.submit("/settings/keys/apk_none/disable")).status_code == 404


async def test_one_signs_oneself_out_elsewhere_and_nobody_else(
    installation: Installation, browser: Browser, signed_in: SignedIn
) -> None:
    elsewhere = Browser(installation)
    await elsewhere.sign_in(installation.key)
    viewer = await signed_in(Role.VIEWER)
    found = re.findall(r"/settings/sessions/(\d+)/end", await opened(browser))
    assert found == ["2"]
    await opened(viewer)
    assert (await viewer.submit("/settings/sessions/2/end")).status_code == 404
    assert (await browser.submit("/settings/sessions/2/end")).status_code == 303
    assert (await elsewhere.open("/")).status_code == 303
    assert (await viewer.open("/")).status_code == 200


async def test_the_limits_and_the_weight_of_the_team_are_shown(installation: Installation, browser: Browser) -> None:
    installation.execute("UPDATE teams SET rows_per_month = 5000000, weight = 3")
    told = " ".join(re.sub(r"<[^>]+>", " ", await opened(browser)).split())
    assert (
        "Rows this month 0 of 5,000,000 Oldest day any Weight 3 (3 turns for each one of a team whose weight is 1)"
        in told
    )


async def test_the_audit_log_comes_in_pages(installation: Installation, browser: Browser) -> None:
    for number in range(60):
        installation.insert(
            "audit", team_id=1, audit_time=number, actor="operator", action="test.do", object=f"test:{number}"
        )
    page = await opened(browser)
    assert page.count("test.do") == 50
    [more] = re.findall(r'href="/settings\?audit=(\d+)#audit"', page)
    answer = await browser.open(f"/settings?audit={more}")
    assert answer.text.count("test.do") == 10
    assert (await browser.open("/settings?audit=x")).status_code == 400
