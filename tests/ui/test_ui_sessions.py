"""Sessions: who gets in and how, what a browser keeps, when it is over."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import NoReturn

import pytest
from browsing import FROM_HERE, HOST, Browser

from dayfill.api.limits import Limits
from dayfill.domain.access import Role
from dayfill.domain.audit import OPERATOR
from dayfill.engine import keys, members, sessions
from dayfill.errors import Busy
from dayfill.store import teams
from installation import Installation


async def link(installation: Installation) -> str:
    async with installation.db.write() as tx:
        return await sessions.link(tx, installation.server.seams, installation.user_id)


async def is_in(browser: Browser) -> bool:
    answer = await browser.open("/")
    assert answer.status_code in (200, 303)
    return answer.status_code == 200


async def test_a_key_signs_in_and_is_not_kept_by_the_browser(installation: Installation) -> None:
    browser = Browser(installation)
    await browser.open("/sign-in?next=/runs")
    answer = await browser.submit("/sign-in", api_key=installation.key, next="/runs")
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs")
    cookie = answer.headers["set-cookie"]
    assert re.fullmatch(r"dayfill=[\w-]{43}; HttpOnly; Max-Age=604800; Path=/; SameSite=lax", cookie)
    assert installation.key not in str(answer.headers)
    assert await is_in(browser)


async def test_with_tls_in_front_the_cookie_is_bound_to_the_host(installation: Installation) -> None:
    browser = Browser(installation, is_https=True, host="http://dayfill.example")
    await browser.open("/sign-in")
    answer = await browser.submit("/sign-in", api_key=installation.key)
    assert re.fullmatch(
        r"__Host-dayfill=[\w-]{43}; HttpOnly; Max-Age=604800; Path=/; SameSite=lax; Secure",
        answer.headers["set-cookie"],
    )
    assert await is_in(browser)


async def test_the_state_does_not_hold_what_the_cookie_holds(installation: Installation, browser: Browser) -> None:
    token = browser.cookies["dayfill"]
    [(kept, csrf)] = installation.execute("SELECT session_hash, csrf FROM sessions")
    assert kept == sessions.hash_of(token)
    assert token.encode() not in kept + csrf
    assert len(kept) == len(csrf) == 32


async def test_a_link_signs_in_once_and_not_by_being_opened(installation: Installation) -> None:
    token = await link(installation)
    previewer, first, second = Browser(installation), Browser(installation), Browser(installation)
    for one in (previewer, first, second):
        assert (await one.open(f"/sign-in?link={token}")).status_code == 200
    assert not await is_in(previewer)
    assert (await first.submit("/sign-in", link=token)).status_code == 303
    assert await is_in(first)
    answer = await second.submit("/sign-in", link=token)
    assert answer.status_code == 401
    assert "used or is older than 15 minutes" in answer.text
    assert not await is_in(second)


async def test_a_link_lasts_a_quarter_of_an_hour(installation: Installation) -> None:
    token, browser = await link(installation), Browser(installation)
    installation.pass_time(minutes=15)
    assert (await browser.submit("/sign-in", link=token)).status_code == 401


@pytest.mark.parametrize(
    ("text", "status", "says"),
    [
        ("", 401, "it begins with api_"),
        ("api_nothing", 401, "not an API key of this server"),
        ("x" * 5_000, 401, "it begins with api_"),
        (keys.compose("AAAAAAAA", "B" * 43), 401, "not an API key of this server"),
    ],
    ids=["empty", "no key", "too long", "unknown"],
)
async def test_a_wrong_key_is_told_beside_the_field(
    text: str, status: int, says: str, installation: Installation
) -> None:
    browser = Browser(installation)
    answer = await browser.submit("/sign-in", api_key=text, next="/runs")
    assert answer.status_code == status
    assert says in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert 'name="next" value="/runs"' in answer.text
    assert "set-cookie" not in answer.headers


async def test_a_disabled_key_and_a_disabled_user_do_not_get_in(installation: Installation) -> None:
    user_id, key = await installation.user(installation.team_id, Role.EDITOR)
    browser = Browser(installation)
    await browser.sign_in(key)
    installation.execute("UPDATE users SET is_enabled = 0 WHERE user_id = :user_id", user_id=user_id)
    assert not await is_in(browser)
    answer = await browser.submit("/sign-in", api_key=key)
    assert (answer.status_code, "disabled" in answer.text) == (403, True)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("DELETE FROM members", "You are in no team of this server"),
        ("UPDATE users SET is_enabled = 0", "Your user is disabled"),
    ],
    ids=["in no team", "disabled"],
)
async def test_a_link_signs_in_nobody_who_has_lost_the_right_since(
    installation: Installation, change: str, says: str
) -> None:
    token, browser = await link(installation), Browser(installation)
    installation.execute(change)
    answer = await browser.submit("/sign-in", link=token)
    assert (answer.status_code, says in answer.text) == (403, True)
    assert installation.execute("SELECT count(*) FROM sessions") == [(0,)]


async def test_a_full_disk_takes_no_page_away(
    installation: Installation, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That the session was used is written down, if it can be."""

    def full() -> NoReturn:
        raise Busy("The disk is full.")

    [(before,)] = installation.execute("SELECT seen_time FROM sessions")
    installation.pass_time(minutes=1)
    with monkeypatch.context() as patch:
        patch.setattr(installation.server.db, "write", full)
        assert await is_in(browser)
    assert installation.execute("SELECT seen_time FROM sessions") == [(before,)]
    assert await is_in(browser)
    assert installation.execute("SELECT seen_time - :before FROM sessions", before=before) == [(60_000_000,)]


async def test_signing_in_makes_a_session_anew(installation: Installation, browser: Browser) -> None:
    """What a stranger put into the browser, or knew of it, is worth nothing after."""
    before = browser.cookies["dayfill"]
    await browser.open("/sign-in?link=" + (token := await link(installation)))
    assert (await browser.submit("/sign-in", link=token)).status_code == 303
    assert browser.cookies["dayfill"] != before
    assert await is_in(browser)
    stranger = Browser(installation)
    stranger.cookies.set("dayfill", before)
    assert not await is_in(stranger)


async def test_a_session_that_was_planted_is_not_adopted(installation: Installation) -> None:
    browser = Browser(installation)
    browser.cookies.set("dayfill", "planted", domain="127.0.0.1")
    answer = await browser.submit("/sign-in", api_key=installation.key)
    assert "planted" not in answer.headers["set-cookie"]
    assert installation.execute("SELECT count(*) FROM sessions") == [(1,)]


async def test_it_ends_after_eight_idle_hours_and_after_a_week(installation: Installation, browser: Browser) -> None:
    for _ in range(7 * 24 // 7):
        installation.pass_time(hours=7)
        if installation.now.timestamp() - 1718452800 >= timedelta(days=7).total_seconds():
            break
        assert await is_in(browser), installation.now
    assert not await is_in(browser)
    other = Browser(installation)
    await other.sign_in(installation.key)
    assert installation.execute("SELECT count(*) FROM sessions") == [(1,)], "old ones are dropped"
    installation.pass_time(hours=7, minutes=59)
    assert await is_in(other)
    installation.pass_time(hours=8)
    answer = await other.open("/backfills?status=RUNNING")
    assert answer.headers["location"] == "/sign-in?next=/backfills%3Fstatus%3DRUNNING&ended=1"
    assert "Your session has ended" in (await other.open(answer.headers["location"])).text


async def test_signing_out_ends_it_for_the_server_too(installation: Installation, browser: Browser) -> None:
    token = browser.cookies["dayfill"]
    assert (await browser.submit("/sign-out")).headers["location"] == "/sign-in"
    assert "dayfill" not in browser.cookies
    browser.cookies.set("dayfill", token)
    assert not await is_in(browser)


async def test_an_operator_ends_a_session(installation: Installation, browser: Browser) -> None:
    [listed] = await sessions.listed(installation.db, installation.server.seams)
    assert (listed.user_id, listed.address) == (installation.user_id, "127.0.0.1")
    async with installation.db.write() as tx:
        await sessions.end(tx, listed.session_id)
    assert not await is_in(browser)


@pytest.mark.parametrize("change", ["role", "remove"])
async def test_another_role_takes_a_new_sign_in(change: str, installation: Installation) -> None:
    user_id, key = await installation.user(installation.team_id, Role.EDITOR)
    browser = Browser(installation)
    await browser.sign_in(key)
    async with installation.db.write() as tx:
        if change == "role":
            await members.set_role(tx, installation.server.seams, installation.team_id, user_id, Role.ADMIN)
        else:
            await members.remove(tx, installation.team_id, user_id)
    assert not await is_in(browser)


async def test_what_a_session_did_is_in_the_audit_log(installation: Installation, browser: Browser) -> None:
    await browser.submit("/sign-out")
    rows = installation.execute("SELECT actor, user_id, address, action FROM audit ORDER BY audit_id")
    who = ("session", installation.user_id, "127.0.0.1")
    assert rows == [(*who, "session.begin"), (*who, "session.end")]
    assert OPERATOR.kind == "operator"


@pytest.mark.parametrize(
    "elsewhere",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/a\r\nb", "/\t/x"],
)
async def test_after_signing_in_the_way_leads_nowhere_else(elsewhere: str, installation: Installation) -> None:
    browser = Browser(installation)
    answer = await browser.submit("/sign-in", api_key=installation.key, next=elsewhere)
    assert answer.headers["location"] == "/"


async def test_a_person_of_two_teams_turns_from_one_to_the_other(installation: Installation, browser: Browser) -> None:
    second = await installation.team("Second <b>")
    async with installation.db.write() as tx:
        await teams.set_member(tx, second, installation.user_id, Role.VIEWER, installation.now)
    assert "Second &lt;b&gt;" in (await browser.open("/")).text
    assert (await browser.submit("/team", team_id=str(second))).headers["location"] == "/"
    assert f'value="{second}" selected' in (await browser.open("/")).text
    [written] = installation.execute("SELECT before, after FROM audit WHERE action = 'session.turn'")
    assert written == (f'{{"team_id":{installation.team_id}}}', f'{{"team_id":{second}}}')
    assert (await browser.submit("/team", team_id="99")).status_code == 404
    assert (await browser.submit("/team", team_id="x")).status_code == 400


async def test_too_many_tries_are_told_when_to_go_on(installation: Installation) -> None:
    installation.server = replace(installation.server, limits=Limits(lambda: 0.0, refused=2))
    browser = Browser(installation)
    _, disabled = await installation.user(installation.team_id, Role.OWNER)
    installation.execute("UPDATE api_keys SET is_enabled = 0 WHERE key_start = :s", s=disabled[:10])
    for key, status in (("api_wrong", 401), (disabled, 403)):
        assert (await browser.submit("/sign-in", api_key=key)).status_code == status
    answer = await browser.submit("/sign-in", api_key="api_wrong")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1800")
    assert "Try again in 1800 s." in answer.text
    assert (
        await browser.post(f"{HOST}/sign-in", data={"api_key": installation.key}, headers=FROM_HERE)
    ).status_code == 303
