"""A browser, servers with something to look at, somebody who looks; each complaint of the browser fails the test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack

import houses
import pytest
from furnished import House, furnish
from person import DESK, Person, sign_in
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright
from real_server import RealServer

expect.set_options(timeout=15_000)  # a busy machine must not fail a page that is merely slow
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """Where the browser is; a test that cannot find it fails."""
    named = os.environ.get("CHROMIUM", "")
    found = [named] if named else [path for name in CHROMIUM if (path := shutil.which(name))]
    assert found, "no Chromium is here: `make test-ui` installs it, or name one in the variable CHROMIUM"
    return found[0]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture(scope="session")
def serves(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., RealServer]]:
    """Furnishes an installation and serves it until the tests end."""
    with ExitStack() as stack:

        def serve(build: Callable[[House], Awaitable[None]], *, is_frozen: bool = False, **limits: str) -> RealServer:
            folder = tmp_path_factory.mktemp(build.__name__)
            ids, key = furnish(folder, build)
            server = RealServer(folder, is_frozen, limits=limits, ids=ids, key=key)
            stack.callback(server.kill)  # a source that takes an hour would let it wait
            return server.start()

        yield serve


@pytest.fixture(scope="session")
def full_house(serves: Callable[..., RealServer]) -> RealServer:
    """One server for all who only look."""
    return serves(houses.full, is_frozen=True)


@pytest.fixture(scope="session")
def pretty_house(serves: Callable[..., RealServer]) -> RealServer:
    """What the pictures show; its clock stands still."""
    return serves(houses.pretty, is_frozen=True)


@pytest.fixture(scope="session")
def empty_house(serves: Callable[..., RealServer]) -> RealServer:
    return serves(houses.empty)


@pytest.fixture(scope="session")
def long_house(serves: Callable[..., RealServer]) -> RealServer:
    return serves(houses.long, is_frozen=True)


@pytest.fixture
def lively(serves: Callable[..., RealServer]) -> Iterator[RealServer]:
    """A server of the test's own, whose source answers."""
    server = serves(houses.lively)
    yield server
    server.kill()


@pytest.fixture
def comes(browser: Browser) -> Iterator[Callable[..., Person]]:
    """Somebody comes to a server, signed in unless said otherwise; what the browser complains about fails the test."""
    with ExitStack() as stack:
        people: list[Person] = []

        def come(server: RealServer, *, signed_in: bool = True, **options: object) -> Person:
            settings = {"viewport": DESK, "timezone_id": "Europe/Helsinki", "locale": "en-GB", **options}
            context = browser.new_context(**settings)  # type: ignore[arg-type]
            context.set_default_timeout(15_000)
            stack.callback(context.close)
            if signed_in:
                enter(context, server)
            people.append(Person(context.new_page(), server.url))
            return people[-1]

        yield come
        assert [one for person in people for one in person.unexpected()] == []


def enter(context: BrowserContext, server: RealServer) -> None:
    """Sign in once for each server, by its link; later contexts take the same session."""
    if not server.cookies:
        sign_in(context, server.url, server.link)
        server.cookies = context.cookies()
    context.add_cookies(server.cookies)
