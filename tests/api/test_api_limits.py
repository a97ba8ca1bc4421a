"""Limits of requests: exact at their boundary, true in the headers, and nobody uses up what is another's."""

from __future__ import annotations

import asyncio
import tracemalloc
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from dayfill.api.limits import MOST_HOLDERS, Buckets, Limits, network_of
from dayfill.api.routes import ROUTES
from dayfill.app import Running, serve
from dayfill.domain.access import Role
from dayfill.engine.keys import compose, parse
from dayfill.settings import read_settings
from installation import Installation
from openapi_check import DOCUMENT

HOUR = 3600


def limit(made: Installation, **limits: int) -> None:
    """Let the server of the clients made from now on have these limits, on the clock that tests move."""
    made.server = replace(made.server, limits=Limits(made.monotonic, **limits))


def path(made: Installation) -> str:
    return f"/teams/{made.team_id}/backfills"


def told(answer: httpx.Response) -> tuple[int, str | None, str | None]:
    """Status, and what the headers say."""
    return answer.status_code, answer.headers.get("x-ratelimit-remaining"), answer.headers.get("retry-after")


@given(per_hour=st.integers(1, 10_000), start=st.floats(0, 1e7), more=st.integers(0, 30))
def test_a_bucket_gives_what_it_holds_then_one_in_each_share_of_an_hour(per_hour: int, start: float, more: int) -> None:
    buckets, few = Buckets(per_hour), min(per_hour, 20)
    for _ in range(per_hour - few):
        buckets.take("one", start)
    assert [buckets.take("one", start).remaining for _ in range(few)] == list(range(few))[::-1]
    refused = buckets.take("one", start)
    assert (refused.remaining, refused.wait) == (0, -(-HOUR // per_hour))
    assert buckets.take("one", start) == refused, "asking again costs nothing"
    later = start + more * HOUR / per_hour + 0.001
    answers = [buckets.take("one", later) for _ in range(min(more, per_hour) + 1)]
    assert [taken.wait == 0 for taken in answers] == [True] * min(more, per_hour) + [False]


async def test_headers_count_down_and_the_request_too_many_is_told_when_to_come_back(
    installation: Installation,
) -> None:
    limit(installation, key=3)
    client = installation.client()
    answers = [told(await client.get(path(installation))) for _ in range(4)]
    assert answers == [(200, "2", None), (200, "1", None), (200, "0", None), (429, "0", "1200")]
    answer = await client.get(path(installation))
    assert answer.json()["error"] | {"description": ""} == {
        "code": "TOO_MANY_REQUESTS",
        "message": "Rate limit exceeded. Retry later.",
        "description": "",
    }
    assert answer.headers["x-ratelimit-limit"] == "3"
    installation.pass_time(seconds=1199)
    assert told(await client.get(path(installation))) == (429, "0", "1")
    installation.pass_time(seconds=1)
    assert told(await client.get(path(installation))) == (200, "0", None)


async def test_a_refusal_shows_what_is_left_too(installation: Installation) -> None:
    limit(installation, key=10)
    client = installation.client()
    assert told(await client.get(f"{path(installation)}/77")) == (404, "9", None)
    assert told(await client.get("/teams/77/backfills")) == (403, "8", None)
    assert told(await client.get("/teams/nonsense/backfills")) == (404, "7", None)


async def test_without_limits_no_header_speaks_of_them(installation: Installation) -> None:
    answer = await installation.client().get(path(installation))
    assert "x-ratelimit-limit" not in answer.headers


async def test_a_team_shares_its_limit_and_the_scarcer_one_is_shown(installation: Installation) -> None:
    limit(installation, key=4, team=4)
    _, second = await installation.user(installation.team_id, Role.VIEWER)
    first = installation.client()
    assert told(await first.get(path(installation))) == (200, "3", None)
    await first.get(path(installation))
    other = installation.client(second)
    assert told(await other.get(path(installation))) == (200, "1", None), "of the team: of the key three are left"
    await other.get(path(installation))
    for _ in range(3):
        assert told(await other.get(path(installation))) == (429, "0", "900")
    assert told(await other.get("/teams/nonsense/backfills")) == (404, "1", None), "refusals have cost the key nothing"


async def test_a_stranger_takes_nothing_from_a_team(installation: Installation) -> None:
    limit(installation, team=2)
    elsewhere = await installation.team("Second")
    _, stranger = await installation.user(elsewhere, Role.OWNER)
    for _ in range(5):
        assert (await installation.client(stranger).get(path(installation))).status_code == 403
    assert told(await installation.client().get(path(installation))) == (200, "1", None)


async def test_wrong_keys_are_refused_more_shortly_after_a_while_and_good_ones_never(
    installation: Installation,
) -> None:
    limit(installation, refused=2, key=100)
    nobody, bad = installation.client(""), installation.client("api_wrong")
    statuses = [(await client.get(path(installation))).status_code for client in (nobody, bad, nobody, bad)]
    assert statuses == [401, 401, 429, 429]
    assert (await bad.get(path(installation))).headers["retry-after"] == "1800"
    assert told(await installation.client().get(path(installation))) == (200, "99", None)
    installation.pass_time(seconds=1800)
    assert (await bad.get(path(installation))).status_code == 401


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("UPDATE api_keys SET is_enabled = 0", "API_KEY_DISABLED"),
        ("UPDATE api_keys SET expires_time = 1", "API_KEY_DISABLED"),
        ("UPDATE api_keys SET allow_ips = '[\"192.0.2.1\"]'", "ACCESS_DENIED_IP"),
    ],
)
async def test_a_key_that_may_not_be_used_counts_as_none_and_is_named_in_the_log(
    installation: Installation, change: str, code: str
) -> None:
    limit(installation, refused=2)
    installation.execute(change)
    client = installation.client()
    with capture_logs() as lines:
        answers = [await client.get(path(installation)) for _ in range(3)]
    assert [answer.json()["error"]["code"] for answer in answers] == [code, code, "TOO_MANY_REQUESTS"]
    assert [line["key_id"] for line in lines] == [f"apk_{installation.key[4:12]}"] * 3
    assert installation.server.used_keys == set()


async def test_a_bad_key_with_a_good_ones_name_takes_nothing_from_it(installation: Installation) -> None:
    """The id of a key is no secret: who knows only that must not be able to use its requests up."""
    limit(installation, key=2)
    known = parse(installation.key)
    assert known is not None
    forged = compose(known[0].removeprefix("apk_"), "x" * len(known[1]))
    assert parse(forged) == (known[0], "x" * len(known[1]))
    for _ in range(3):
        assert (await installation.client(forged).get(path(installation))).status_code == 401
    assert told(await installation.client().get(path(installation))) == (200, "1", None)


async def test_an_address_is_counted_before_anything_else_but_probes_are_not(installation: Installation) -> None:
    limit(installation, address=2)
    nobody = installation.client("")
    for _ in range(5):
        assert (await nobody.get("/healthz")).status_code == 200
    assert (await nobody.get(path(installation))).status_code == 401
    assert (await installation.client().get(path(installation))).status_code == 200
    answer = await installation.client().get(path(installation))
    assert told(answer) == (429, None, "1800"), "its limit is nobody's but the server's"
    assert (await nobody.get("/nowhere")).status_code == 429


@pytest.mark.parametrize(("per_hour", "repeats"), [(5_000, 4), (720, 1)])
async def test_a_client_that_waits_is_not_punished(installation: Installation, per_hour: int, repeats: int) -> None:
    """The official command line asks every five seconds while it waits, and may repeat each request three times."""
    buckets = Buckets(per_hour)
    for asked in range(0, 3 * HOUR, 5):
        assert all(buckets.take("key", asked).wait == 0 for _ in range(repeats)), f"refused after {asked} s"


def test_an_address_of_ipv6_counts_by_its_network() -> None:
    assert network_of("2001:db8:1:2::5") == network_of("2001:db8:1:2:ffff::") != network_of("2001:db8:1:3::5")
    assert network_of("192.0.2.1") != network_of("192.0.2.2")
    assert network_of("::ffff:192.0.2.1") == network_of("192.0.2.1") != network_of("::ffff:192.0.2.2")
    assert network_of("no:address") == "no:address"


def test_many_addresses_take_no_more_memory_than_the_first_thousands() -> None:
    buckets = Buckets(10)
    for address in range(MOST_HOLDERS + 1):
        buckets.take(f"10.{address}", 1.0)
    tracemalloc.start()
    for address in range(MOST_HOLDERS + 1, 10 * MOST_HOLDERS):
        buckets.take(f"10.{address}", 1.0)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(buckets) == MOST_HOLDERS
    # Each entry was replaced while memory was traced: so this is all of them, not what they grew by.
    assert grown < 8 * 1024 * 1024
    assert buckets.take(f"10.{10 * MOST_HOLDERS - 1}", 1.0).remaining == 8, "the newest are the ones that stay"
    assert buckets.take("10.0", 1.0).remaining == 9, "the oldest has gone"


async def test_a_server_has_the_limits_of_its_settings(tmp_path: Path) -> None:
    stop, answers = asyncio.Event(), []
    settings = read_settings(data_dir=tmp_path, bind="127.0.0.1:0", environ={"DAYFILL_REFUSED_REQUESTS_PER_HOUR": "2"})

    async def ask(running: Running) -> None:
        async with httpx.AsyncClient(base_url=running.url) as client:
            answers.extend([(await client.get("/teams/1/backfills")).status_code for _ in range(3)])
        stop.set()

    await serve(settings, on_ready=ask, stop=stop)
    assert answers == [401, 401, 429]


def test_every_operation_with_a_key_may_be_refused_by_these() -> None:
    for route in ROUTES:
        answers = DOCUMENT["paths"][route.path][route.method.lower()]["responses"]
        assert {"401", "403", "429", "500"} <= answers.keys(), f"{route.method} {route.path}"
