"""What stands before every page, and what every answer carries."""

from __future__ import annotations

import gzip

import httpx
import pytest
from browsing import FROM_HERE, Browser

from dayfill.ui import assets
from dayfill.ui.routes import ROUTES
from installation import Installation

PATHS = sorted({page.path.replace("{", "").replace("}", "") for page in ROUTES})
"""Every page, an id standing for itself: it is no number, which is told as a page that is not there."""
UNSAFE = [page.path for page in ROUTES if "POST" in page.methods]
PATHS_WITH_MORE = [*PATHS, "/nothing/here", "/static/x/app.css", "/static/x/none.css"]


def has_all_headers(answer: httpx.Response) -> None:
    headers = answer.headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in headers
    assert headers["x-request-id"]
    if not answer.request.url.path.startswith("/static/"):
        assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", PATHS_WITH_MORE)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
async def test_every_answer_carries_every_header(
    path: str, method: str, installation: Installation, browser: Browser
) -> None:
    for one in (Browser(installation), browser):
        answer = await one.request(method, path)
        has_all_headers(answer)
        assert answer.status_code < 500
        assert "strict-transport-security" not in answer.headers
    secure = Browser(installation, is_https=True)
    assert (await secure.request(method, path)).headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize("path", [path for path in PATHS if path != "/sign-in"])
async def test_no_page_opens_without_signing_in(path: str, installation: Installation) -> None:
    answer = await Browser(installation).get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=/")


async def test_an_api_key_opens_no_page(installation: Installation) -> None:
    headers = {"Authorization": f"Bearer {installation.key}"}
    assert (await Browser(installation).get("/", headers=headers)).status_code == 303


async def test_the_api_heeds_no_cookie(installation: Installation, browser: Browser) -> None:
    api = installation.client("")
    cookies = {"Cookie": f"dayfill={browser.cookies['dayfill']}"}
    assert (await api.get(f"/teams/{installation.team_id}/transfers", headers=cookies)).status_code == 401


@pytest.mark.parametrize("path", UNSAFE)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:8484"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
    ],
    ids=str,
)
async def test_a_change_from_elsewhere_is_refused(path: str, headers: dict[str, str], browser: Browser) -> None:
    answer = await browser.post(path, data={"csrf": browser.token()}, headers=headers)
    assert answer.status_code == 403
    assert "was not sent from a page of this server" in answer.text
    assert (await browser.open("/")).status_code == 200, "still signed in"


@pytest.mark.parametrize("path", UNSAFE)
@pytest.mark.parametrize("token", ["", "x", "0000.0000", "é.é"])
async def test_a_change_without_the_token_of_the_session_is_refused(path: str, token: str, browser: Browser) -> None:
    path = path.replace("{", "").replace("}", "")
    for headers in (FROM_HERE, {"Origin": "http://127.0.0.1:8484"}):
        answer = await browser.post(path, data={"csrf": token}, headers=headers)
        assert answer.status_code == 403
        assert "Load it again" in answer.text
    assert (await browser.open("/")).status_code == 200, "still signed in"


async def test_the_token_of_another_session_is_refused(installation: Installation, browser: Browser) -> None:
    other = Browser(installation)
    await other.sign_in(installation.key)
    answer = await browser.post("/sign-out", data={"csrf": other.token()}, headers=FROM_HERE)
    assert answer.status_code == 403


async def test_htmx_sends_the_token_in_a_header(browser: Browser) -> None:
    assert """hx-headers:inherited='{"X-CSRF-Token": """ in browser.page
    headers = {**FROM_HERE, "X-CSRF-Token": browser.token(), "HX-Request": "true"}
    answer = await browser.post("/sign-out", headers=headers)
    assert (answer.status_code, answer.headers["hx-redirect"]) == (204, "/sign-in")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8484", "127.0.0.1.evil.example", "[", "192.0.2.1"])
async def test_another_name_does_not_lead_to_the_pages_of_this_machine(host: str, browser: Browser) -> None:
    answer = await browser.get("/", headers={"Host": host})
    assert answer.status_code == 400
    assert "DAYFILL_BEHIND_PROXY=1" in answer.text


@pytest.mark.parametrize("host", ["localhost:8484", "127.0.0.1", "[::1]:8484", "dayfill.localhost"])
async def test_the_names_of_this_machine_lead_there(host: str, browser: Browser) -> None:
    headers = {"Host": host, "Cookie": f"dayfill={browser.cookies['dayfill']}"}
    assert (await browser.get("/", headers=headers)).status_code == 200


async def test_reading_changes_nothing(installation: Installation, browser: Browser) -> None:
    before = installation.execute("SELECT total_changes()")
    for path in PATHS:
        await browser.get(path)
    assert installation.execute("SELECT total_changes()") == before


# -- what is told when something goes wrong


async def test_a_part_of_a_page_gets_a_message_and_no_page(browser: Browser) -> None:
    answer = await browser.get("/nothing", headers={"HX-Request": "true"})
    assert answer.status_code == 404
    assert (answer.headers["hx-retarget"], answer.headers["hx-reswap"]) == ("#toasts", "beforeend")
    assert "<html" not in answer.text


async def test_a_part_of_a_page_whose_session_is_over_goes_to_sign_in(installation: Installation) -> None:
    for at, wanted in (
        ("http://127.0.0.1:8484/runs?show=failed", "/runs%3Fshow%3Dfailed"),
        ("", "/"),
        ("http://[", "/"),
    ):
        part = {"HX-Request": "true", "HX-Current-URL": at}
        answer = await Browser(installation).get("/", headers=part)
        assert (answer.status_code, answer.headers["hx-redirect"]) == (401, f"/sign-in?next={wanted}")


async def test_what_breaks_is_told_with_the_id_under_which_the_log_has_it(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(_visit: object) -> None:
        raise ZeroDivisionError("secret inside")

    [first] = [page for page in ROUTES if page.path == "/"]
    monkeypatch.setitem(first.methods, "GET", breaks)  # type: ignore[arg-type]
    answer = await browser.get("/")
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] in answer.text
    assert "secret inside" not in answer.text


async def test_another_method_is_told_which_there_are(browser: Browser) -> None:
    answer = await browser.put("/", headers=FROM_HERE)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


# -- files


async def test_a_file_is_kept_for_good_by_its_name(installation: Installation) -> None:
    browser = Browser(installation)
    answer = await browser.get(assets.url("app.css"))
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    plain = await browser.get(assets.url("app.css"), headers={"Accept-Encoding": ""})
    assert plain.content == answer.content == gzip.decompress(assets.ASSETS["app.css"].packed)
    again = await browser.get(assets.url("app.css"), headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_a_page_from_before_an_upgrade_gets_the_file_but_does_not_keep_it(installation: Installation) -> None:
    answer = await Browser(installation).get("/static/older/app.css")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")


@pytest.mark.parametrize("path", ["/static/", "/static/x/../asgi.py", "/static/x/..%2fasgi.py", "/static/x/vendor/"])
async def test_nothing_but_these_files_is_given_out(path: str, installation: Installation) -> None:
    assert (await Browser(installation).get(path)).status_code in (303, 404)
