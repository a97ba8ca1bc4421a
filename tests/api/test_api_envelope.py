"""What every answer has: envelope, request id, headers; and what happens outside the routes."""

from __future__ import annotations

import re

import httpx
import pytest
from structlog.testing import capture_logs

import seeds
from dayfill.api import backfills
from dayfill.api.asgi import Api
from dayfill.api.bodies import MAX_BODY_BYTES
from dayfill.api.routing import MOUNTS
from dayfill.api.wire import new_request_id
from dayfill.errors import Busy
from installation import Installation

UUID7 = re.compile(r"[0-9A-F]{8}-[0-9A-F]{4}-7[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}")


def error_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_a_wrapped_answer_carries_its_request_id_twice(installation: Installation) -> None:
    answer = await installation.client().get(f"/teams/{installation.team_id}/backfills")
    assert answer.status_code == 200
    assert set(answer.json()) == {"meta", "data"}
    assert answer.json()["meta"] == {"request_id": answer.headers["x-request-id"]}
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["content-type"] == "application/json"
    assert int(answer.headers["content-length"]) == len(answer.content)


async def test_request_ids_are_uuids_of_version_7_that_sort_by_time(installation: Installation) -> None:
    first = new_request_id(installation.server.seams)
    installation.pass_time(milliseconds=1)
    second = new_request_id(installation.server.seams)
    assert UUID7.fullmatch(first) and UUID7.fullmatch(second)
    assert first < second
    assert int(first.replace("-", "")[:12], 16) == int(installation.now.timestamp() * 1000) - 1


@pytest.mark.parametrize(
    "path", ["/", "/teams", "/nothing", "/teams/1/backfills/", "/teams/1//backfills", "/v3/teams/1"]
)
async def test_an_unknown_path_is_missing_with_and_without_a_key(installation: Installation, path: str) -> None:
    for key in (installation.key, ""):
        assert error_of(await installation.client(key).get(path)) == (404, "NOT_FOUND")


@pytest.mark.parametrize("text", ["x", "0", "01", "-1", "1.0", "²", "%2B1", "9223372036854775808", "1" * 30])
async def test_a_path_text_that_is_no_id_is_missing(installation: Installation, text: str) -> None:
    client = installation.client()
    for path in (f"/teams/{text}/backfills", f"/teams/{installation.team_id}/backfills/{text}"):
        assert error_of(await client.get(path)) == (404, "NOT_FOUND")


async def test_a_target_without_its_first_slash_leads_nowhere(installation: Installation) -> None:
    path = f"v1/teams/{installation.team_id}/backfills"
    answer = await asked(installation, {"path": path, "headers": [(b"authorization", installation.key.encode())]})
    assert answer == 404


async def test_a_length_of_many_digits_is_too_large(installation: Installation) -> None:
    path = f"/teams/{installation.team_id}/transfers"
    assert await asked(installation, {"path": path, "headers": [(b"content-length", b"9" * 5_000)]}) == 413


async def asked(installation: Installation, scope: dict[str, object]) -> int:
    """The status of a request that no client would write so."""
    sent: list[dict[str, int]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b""}

    async def send(message: dict[str, int]) -> None:
        sent.append(message)

    whole = {"type": "http", "method": "POST", "query_string": b"", **scope}
    await Api(installation.server)(whole, receive, send)  # type: ignore[arg-type]
    return sent[0]["status"]


@pytest.mark.parametrize("path", ["/v1%2Fteams/{}/backfills", "/teams%2f{}/backfills", "/teams/{}/backfills%00"])
async def test_an_encoded_slash_or_nul_leads_nowhere(installation: Installation, path: str) -> None:
    answer = await installation.client().get(path.format(installation.team_id))
    assert error_of(answer) == (404, "NOT_FOUND")
    assert (await installation.client().get("/teams/%31/b%61ckfills")).status_code == 200


@pytest.mark.parametrize("mount", MOUNTS)
async def test_the_vendors_routes_answer_below_every_mount(installation: Installation, mount: str) -> None:
    answer = await installation.client().get(f"{mount}/teams/{installation.team_id}/backfills")
    assert answer.status_code == 200 and answer.json()["data"] == []


@pytest.mark.parametrize("mount", [mount for mount in MOUNTS if mount])
async def test_a_mount_is_stripped_once_and_not_before_root_routes(installation: Installation, mount: str) -> None:
    client, team = installation.client(), f"/teams/{installation.team_id}/backfills"
    assert (await client.get(f"/x/v1{team}")).status_code == 200
    for path in (f"{mount}/x/v1{team}", f"{mount}/healthz", f"/v2{mount}{team}", f"/x/v1{mount}{team}"):
        assert error_of(await client.get(path)) == (404, "NOT_FOUND"), path


async def test_another_method_is_told_which_ones_there_are(installation: Installation) -> None:
    answer = await installation.client().put(f"/teams/{installation.team_id}/backfills/1")
    assert error_of(answer) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, PATCH"
    answer = await installation.client().post("/healthz")
    assert (error_of(answer), answer.headers["allow"]) == ((405, "METHOD_NOT_ALLOWED"), "GET, HEAD, OPTIONS")


async def test_a_preflight_needs_no_key(installation: Installation) -> None:
    answer = await installation.client("").options("/teams/1/transfers/1/backfills")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "OPTIONS, POST"
    assert "Authorization" in answer.headers["access-control-allow-headers"]
    assert "content-length" not in answer.headers


async def test_head_is_a_get(installation: Installation) -> None:
    client = installation.client()
    assert (await client.head(f"/teams/{installation.team_id}/backfills")).status_code == 200
    assert (await client.head("/healthz")).status_code == 200


@pytest.mark.parametrize("is_declared", [True, False], ids=["content-length", "chunked"])
async def test_a_body_of_a_mebibyte_is_read_and_one_byte_more_is_not(
    installation: Installation, is_declared: bool
) -> None:
    transfer = await seeds.transfer(installation)
    path = f"/teams/{installation.team_id}/transfers/{transfer.transfer_id}/backfills"

    async def pieces(body: bytes):  # type: ignore[no-untyped-def]
        for start in range(0, len(body), 100_000):
            yield body[start : start + 100_000]

    async def send(body: bytes) -> httpx.Response:
        return await installation.client().post(path, content=body if is_declared else pieces(body))

    body = b'{"range_start": "2024-01-01", "range_end": "2024-01-01"}'
    assert (await send(body.ljust(MAX_BODY_BYTES))).status_code == 200
    answer = await send(body.ljust(MAX_BODY_BYTES + 1))
    assert error_of(answer) == (413, "PAYLOAD_TOO_LARGE")


async def test_a_fault_says_nothing_but_where_to_look(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("the disk said secret things")

    monkeypatch.setattr(backfills.backfills, "incomplete", broken)
    with capture_logs() as logs:
        answer = await installation.client().get(f"/teams/{installation.team_id}/backfills?json=secret")
    request_id = answer.headers["x-request-id"]
    assert error_of(answer) == (500, "INTERNAL_SERVER_ERROR")
    assert answer.json()["meta"]["request_id"] == request_id
    assert request_id in answer.json()["error"]["description"]
    assert "secret" not in answer.text
    entry, line = logs
    assert entry["request_id"] == line["request_id"] == request_id and entry["exc_info"]
    assert (line["event"], line["status"]) == ("request", 500)
    assert entry["path"] == f"/teams/{installation.team_id}/backfills"


async def test_busy_says_when_to_come_back(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    async def busy(*_: object) -> None:
        raise Busy("Another process is writing; try again.")

    monkeypatch.setattr(backfills.backfills, "incomplete", busy)
    answer = await installation.client().get(f"/teams/{installation.team_id}/backfills")
    assert error_of(answer) == (503, "SERVICE_UNAVAILABLE")
    assert answer.headers["retry-after"] == "1"


async def test_health_needs_no_key_and_readiness_gives_its_reason(installation: Installation) -> None:
    client = installation.client("")
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    assert (await client.get("/readyz")).json() == {"status": "ready"}
    installation.not_ready = "the server is stopping"
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "not ready", "reason": "the server is stopping"}
    assert (await client.get("/healthz")).status_code == 200


async def test_lifespan_messages_are_answered_and_websockets_refused(installation: Installation) -> None:
    app, sent = Api(installation.server), []
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> dict[str, str]:
        return next(messages)

    async def send(message: dict[str, object]) -> None:
        sent.append(message["type"])

    await app({"type": "lifespan"}, receive, send)  # type: ignore[arg-type]
    await app({"type": "websocket"}, receive, send)  # type: ignore[arg-type]
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete", "websocket.close"]


async def test_a_request_that_breaks_off_changes_nothing(installation: Installation) -> None:
    transfer = await seeds.transfer(installation)
    messages = iter([{"type": "http.request", "body": b"{}", "more_body": True}, {"type": "http.disconnect"}])
    sent = []

    async def receive() -> dict[str, object]:
        return next(messages)

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": f"/x/v1/teams/{installation.team_id}/transfers/{transfer.transfer_id}/runs",
        "query_string": b"",
        "headers": [(b"authorization", installation.key.encode())],
    }
    await Api(installation.server)(scope, receive, send)  # type: ignore[arg-type]
    assert sent[0]["status"] == 400
    assert installation.execute("SELECT count(*) FROM runs") == [(0,)]
