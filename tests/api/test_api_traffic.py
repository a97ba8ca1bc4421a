"""Each request leaves a line in the log and a count, which tell of no object and of no key."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import replace
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from dayfill.api import backfills
from dayfill.api.traffic import BOUNDS, Trace, Traffic, current
from installation import Installation

BACKFILL = "/teams/{team_id}/backfills/{backfill_id}"


def key_id(made: Installation) -> object:
    [(key_id,)] = made.execute("SELECT api_key_id FROM api_keys")
    return key_id


async def lines_of(
    made: Installation, method: str, path: str, key: str | None = None
) -> list[MutableMapping[str, Any]]:
    with capture_logs() as lines:
        answer = await made.client(key).request(method, path, content=b"{" if method != "GET" else b"")
    assert all(line.pop("request_id") == answer.headers["x-request-id"] for line in lines)
    return lines


async def test_a_change_and_a_refusal_are_told_without_path_and_query(installation: Installation) -> None:
    whose = {"team_id": installation.team_id, "key_id": key_id(installation)}
    path = f"/v1/teams/{installation.team_id}/backfills/77?json=secret"
    for method, status in (("PATCH", 404), ("GET", 404)):
        [line] = await lines_of(installation, method, path)
        assert 0 <= line.pop("ms") < 60_000
        told = {"event": "request", "method": method, "route": BACKFILL, "status": status, "log_level": "info"}
        assert line == told | whose
    [line] = await lines_of(installation, "GET", path, key="")
    assert (line["status"], line["team_id"], line["key_id"]) == (401, None, None)
    [line] = await lines_of(installation, "GET", "/secret/77")
    assert (line["route"], "secret" in str(line)) == ("none", False)


async def test_a_read_is_told_only_at_level_debug(installation: Installation) -> None:
    path = f"/teams/{installation.team_id}/backfills"
    assert await lines_of(installation, "GET", path) == []
    structlog.reset_defaults()
    installation.server = replace(installation.server, traffic=Traffic())
    [line] = await lines_of(installation, "GET", path)
    assert (line["log_level"], line["status"]) == ("debug", 200)


async def test_the_request_is_known_while_it_is_answered_and_not_after(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    async def look(*_: object) -> list[object]:
        seen.append(current.get())
        return []

    monkeypatch.setattr(backfills.backfills, "incomplete", look)
    answer = await installation.client().get(f"/teams/{installation.team_id}/backfills")
    assert seen == [answer.headers["x-request-id"]]
    assert current.get() == ""


@pytest.mark.parametrize(("seconds", "bucket"), [(0.0, 0), (0.001, 0), (0.0011, 1), (5.0, len(BOUNDS) - 1), (6.0, -1)])
def test_a_request_counts_in_the_bucket_whose_end_it_does_not_pass(seconds: float, bucket: int) -> None:
    traffic = Traffic()
    traffic.answered(Trace("r"), "GET", 200, seconds)
    [(method, route, series)] = traffic.series()
    assert (method, route, series.seconds, dict(series.classes)) == ("GET", "none", seconds, {2: 1})
    assert series.buckets[bucket] == sum(series.buckets) == 1


def test_strange_methods_are_counted_as_one() -> None:
    traffic = Traffic()
    for method in ("BREW", "PROPFIND", "x" * 1000):
        traffic.answered(Trace("r"), method, 405, 0.1)
    [(method, _, series)] = traffic.series()
    assert (method, dict(series.classes)) == ("other", {4: 3})
