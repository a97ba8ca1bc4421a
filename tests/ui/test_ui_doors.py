"""Behind one socket each request finds its door, and neither door answers for the other."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx
import pytest
from browsing import FROM_HERE, HOST, Browser
from structlog.testing import capture_logs

from dayfill.api.asgi import Api
from dayfill.api.limits import Limits
from dayfill.api.routes import PUBLIC, ROUTES
from dayfill.api.traffic import Traffic
from dayfill.app import site_of
from dayfill.app.doors import API, Doors
from dayfill.ui import visit
from dayfill.ui.asgi import Ui
from dayfill.ui.routes import ROUTES as PAGES
from installation import Installation


def first(path: str) -> str:
    return path[1:].partition("/")[0]


def test_every_path_of_the_api_leads_to_the_api_and_every_page_to_the_pages() -> None:
    paths = {*PUBLIC, *(route.path for route in ROUTES)}
    mounts = {first(path) for path in paths}
    assert mounts <= API
    assert {first(page.path) for page in PAGES} & API == set()


@pytest.mark.parametrize("path", ["/nothing", "/Teams/1/backfills", "/"])
async def test_who_shows_an_api_key_hears_from_the_api(path: str, installation: Installation) -> None:
    doors = Doors(Api(installation.server), Ui(site_of(installation.server, False)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(doors), base_url=HOST) as client:
        answer = await client.get(path, headers={"Authorization": f"bearer {installation.key}"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")
        assert (await client.get(path, headers={"Authorization": "Basic eDp5"})).status_code == 303


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/", 303, ""),
        ("/sign-in", 200, "text/html"),
        ("/transfers", 303, ""),
        ("/nothing", 303, ""),
        ("/teams/1/transfers", 401, "application/json"),
        ("/enterprise/v2/team/1", 401, "application/json"),
        ("/x/nothing", 404, "application/json"),
        ("/healthz", 200, "application/json"),
        ("/openapi.yaml", 200, "application/yaml"),
        ("/teamsters", 303, ""),
        ("//teams", 303, ""),
    ],
)
async def test_a_request_finds_its_door(path: str, status: int, kind: str, installation: Installation) -> None:
    doors = Doors(Api(installation.server), Ui(site_of(installation.server, False)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(doors), base_url="http://127.0.0.1:8484") as client:
        answer = await client.get(httpx.URL("http://127.0.0.1:8484", raw_path=path.encode()))
    assert answer.status_code in ({status, 404} if kind == "application/json" and status == 401 else {status})
    assert answer.headers.get("content-type", "").startswith(kind)
    assert ("access-control-allow-origin" in answer.headers) == kind.startswith("application")


async def test_a_form_that_does_not_end_is_let_go(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit, "FORM_SECONDS", 0.0)
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    headers = [(b"host", b"127.0.0.1"), (b"sec-fetch-site", b"same-origin")]
    scope = {"type": "http", "method": "POST", "path": "/sign-in", "raw_path": b"/sign-in", "query_string": b""}
    more = {"headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 1), "scheme": "http"}
    await Ui(site_of(installation.server, False))({**scope, **more}, receive, send)  # type: ignore[arg-type]
    assert sent[0]["status"] == 400


async def test_an_address_that_asks_too_often_is_told_when_to_go_on(installation: Installation) -> None:
    server = replace(installation.server, limits=Limits(lambda: 0.0, address=1))
    ui = Ui(site_of(server, False))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(ui), base_url="http://127.0.0.1:8484") as client:
        assert (await client.get("/sign-in")).status_code == 200
        answer = await client.get("/sign-in")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "3600")
        assert "Too many requests" in answer.text and "3600 s" in answer.text
        assert (await client.get("/static/x/app.css")).status_code == 200, "its files are free"


async def test_pages_are_counted_by_their_route_and_not_by_what_they_name(installation: Installation) -> None:
    installation.server = replace(installation.server, traffic=Traffic())
    browser = Browser(installation)
    await browser.sign_in(installation.key)
    with capture_logs() as lines:
        for path in ("/backfills/7?x=secret", "/backfills/8", "/nothing/secret", "/static/x/secret.css", "/"):
            await browser.get(HOST + path)
        await browser.request("BREW", HOST + "/transfers", headers=FROM_HERE)
    told = [{name: line[name] for name in ("route", "status", "team_id")} for line in lines]
    one = {"route": "/backfills/{backfill_id}", "status": 404, "team_id": installation.team_id}
    assert told[:2] == [one, one] and "secret" not in str(lines)
    assert [(line["route"], line["status"]) for line in told[2:]] == [
        ("none", 404),
        ("/static/{file}", 404),
        ("/transfers", 405),
    ]
    counted = {(method, route): dict(series.classes) for method, route, series in installation.server.traffic.series()}
    assert counted["GET", "/backfills/{backfill_id}"] == {4: 2} and counted["GET", "/"] == {2: 2}
    assert counted["other", "/transfers"] == {4: 1} and counted["POST", "/sign-in"] == {3: 1}


async def test_a_form_that_is_too_large_is_told(installation: Installation) -> None:
    ui = Ui(site_of(installation.server, False))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(ui), base_url="http://127.0.0.1:8484") as client:
        headers = {"Sec-Fetch-Site": "same-origin"}
        bad = {b"x" * 300_000: "262,144 bytes", b"a=%ff&b=\xff": "not a form", b"a=1&" * 2_000: "not a form"}
        for body, says in bad.items():
            answer = await client.post("/sign-in", content=body, headers=headers)
            assert (answer.status_code, says in answer.text) == (400, True)
