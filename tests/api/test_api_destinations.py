"""Destinations on the wire: closed bodies, write-only secrets, and the choices for a new transfer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from test_api_transfers import description, error_of

import seeds
from dayfill import destinations as kinds
from dayfill.destinations import DestinationConfig, DestinationField
from dayfill.domain.access import Role
from dayfill.domain.secret import Secret
from dayfill.domain.transfer import Value
from dayfill.errors import Permanent
from installation import Installation
from reaching import TEMP

CANARY = "canary-55d1"


class Keyed:
    """A kind of destination with one secret, which is not called password."""

    kind, title = "DWH_KEYED", "Keyed"
    fields = (DestinationField("host", "Host"), DestinationField("private_key", "Private key", is_secret=True))
    seen: DestinationConfig | None = None

    def location(self, fields: Mapping[str, Value]) -> str:
        return f"{self.kind}:{fields.get('host')}"

    def check(self, config: DestinationConfig) -> None:
        self.seen = config
        if config.fields["host"] == "down":
            raise Permanent("CONFIG", "x" * 3000)


@pytest.fixture
def keyed(monkeypatch: pytest.MonkeyPatch) -> Keyed:
    made, others = Keyed(), kinds.get
    monkeypatch.setitem(kinds.KINDS, Keyed.kind, "keyed")
    monkeypatch.setattr(kinds, "get", lambda kind: made if kind == Keyed.kind else others(kind))
    return made


def asked(**changes: Any) -> dict[str, Any]:
    return {"type": "DWH_DUCKDB", "display_name": "Warehouse", "fields": {"path": "/srv/a.duckdb"}, **changes}


def with_key(**changes: Any) -> dict[str, Any]:
    plain = {"type": "DWH_KEYED", "display_name": "Keyed", "fields": {"host": "db", "private_key": CANARY}}
    return plain | changes


@pytest.mark.parametrize("host", ["", "a b", "evil.example/x", "[::1", "x" * 256, "h\xc3", "h:99999999"])
async def test_a_host_that_is_none_is_not_repeated(installation: Installation, host: str) -> None:
    place = f"/teams/{installation.team_id}/destinations"
    made = await installation.client().post(place, json=asked(), headers={"Host": host.encode("latin-1")})
    assert made.headers["location"].startswith(f"http://127.0.0.1:8484{place}/")
    usual = await installation.client().get(place + "/1", headers={"Host": "[::1]:8484"})
    assert usual.json()["data"]["destination_type"]["create_url"].startswith("http://[::1]:8484/")


@pytest.mark.parametrize("mount", ["", "/v1"])
async def test_create_says_where_it_is(installation: Installation, mount: str) -> None:
    client, place = installation.client(), f"{mount}/teams/{installation.team_id}/destinations"
    created = await client.post(place, json=asked())
    assert created.status_code == 201
    made = created.json()["data"]
    assert created.headers["location"] == f"http://127.0.0.1:8484{place}/{made['id']}"
    assert (await client.get(created.headers["location"])).json()["data"] == made
    kind = made["destination_type"]
    assert kind["connection_check_url"] == f"http://127.0.0.1:8484{place}/test-connection"
    assert kind["auth_methods"] == []


async def test_a_used_name_is_409_on_create_and_422_on_update(installation: Installation) -> None:
    client, place = installation.client(), f"/teams/{installation.team_id}/destinations"
    await client.post(place, json=asked())
    assert error_of(await client.post(place, json=asked())) == (409, "CONFLICT_ERROR")
    other = await seeds.destination(installation, "Other")
    answer = await client.put(f"{place}/{other.destination_id}", json=asked())
    assert error_of(answer) == (422, "UNPROCESSABLE_ENTITY")
    assert "named 'Warehouse'" in description(answer)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (asked(extra=1), "extra"),
        (asked(new_path="x"), "new_path"),
        (asked(type=1), "$.type"),
        (asked(fields=[]), "$.fields"),
        (asked(display_name=None), "$.display_name"),
        (asked(auth_method=1), "$.auth_method"),
        ({"type": "DWH_DUCKDB", "fields": {}}, "display_name"),
    ],
)
async def test_a_body_of_another_shape_is_malformed(
    installation: Installation, wrong: dict[str, Any], field: str
) -> None:
    made = await seeds.destination(installation)
    client, place = installation.client(), f"/teams/{installation.team_id}/destinations"
    for answer in (
        await client.post(place, json=wrong),
        await client.put(f"{place}/{made.destination_id}", json=wrong),
        await client.post(f"{place}/test-connection", json=wrong),
    ):
        assert error_of(answer) == (400, "INVALID_PARAMETER")
        assert field in description(answer)


async def test_a_field_that_the_type_has_not_is_refused_with_the_one_that_may_be_meant(
    installation: Installation,
) -> None:
    """It was left out without a word: who misspells tls would have got none."""
    made = await seeds.destination(installation)
    client, place = installation.client(), f"/teams/{installation.team_id}/destinations"
    wrong = asked(fields={"path": "/srv/a.duckdb", "shcema": "ads"})
    for answer in (
        await client.post(place, json=wrong),
        await client.put(f"{place}/{made.destination_id}", json=wrong),
        await client.post(f"{place}/test-connection", json=wrong),
    ):
        assert error_of(answer) == (422, "UNPROCESSABLE_ENTITY")
        assert description(answer) == "There is no field 'shcema'; did you mean schema? Known are path, schema."


async def test_secrets_only_come_in(installation: Installation, keyed: Keyed) -> None:
    client, place = installation.client(), f"/teams/{installation.team_id}/destinations"
    made = await client.post(place, json=with_key())
    destination = f"{place}/{made.json()['data']['id']}"
    renamed = await client.put(destination, json=with_key(display_name="Renamed", fields={"host": "db"}))
    texts = [made.text, renamed.text, (await client.get(destination)).text, (await client.get(place)).text]
    sources = await client.get(f"/teams/{installation.team_id}/transfers/available-sources")
    assert all(CANARY not in text for text in (*texts, sources.text))
    settings = {setting["id"]: setting for setting in renamed.json()["data"]["edit_settings"]}
    assert settings["host"]["value"] == "db"
    assert settings["private_key"]["value"] is None
    assert settings["private_key"]["input_type"] == "password"
    assert "new_private_key" in settings["private_key"]["note"]
    (method,) = renamed.json()["data"]["destination_type"]["auth_methods"]
    assert method["is_default"] and method["new_secret_field"]["id"] == "new_private_key"


async def test_no_secret_is_stored_while_the_keyring_cannot_be_read(
    installation: Installation, keyed: Keyed, tmp_path: Path
) -> None:
    client, place = installation.client(), f"/teams/{installation.team_id}/destinations"
    keyring = tmp_path / "keyring.json"
    text = keyring.read_text()
    keyring.unlink()
    answer = await client.post(place, json=with_key())
    assert error_of(answer) == (503, "SERVICE_UNAVAILABLE")
    assert "its operator must restore it" in description(answer)
    assert installation.execute("SELECT count(*) FROM destinations") == [(0,)]
    assert (await client.post(place, json=asked())).status_code == 201, "what has no secret needs no keyring"
    keyring.touch(0o600)
    keyring.write_text(text)
    assert (await client.post(place, json=with_key())).status_code == 201


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/elsewhere/a.duckdb", "path: /elsewhere/a.duckdb is outside the folders that files may be in: "),
        ("/srv/../etc/a.duckdb", "path: '/srv/../etc/a.duckdb' cannot be used as a path"),
    ],
)
async def test_a_file_where_the_team_may_have_none_is_refused_before_any_day_fails(
    installation: Installation, path: str, said: str
) -> None:
    client, place = installation.client(), f"/teams/{installation.team_id}/destinations"
    made = (await client.post(place, json=asked())).json()["data"]["id"]
    refused = await client.post(place, json=asked(display_name="Other", fields={"path": path}))
    moved = await client.put(f"{place}/{made}", json=asked(fields={"path": path}))
    for answer in (refused, moved):
        assert error_of(answer) == (422, "UNPROCESSABLE_ENTITY")
        assert description(answer).startswith(said)
    assert installation.execute("SELECT fields FROM destinations") == [('{"path":"/srv/a.duckdb"}',)]


@pytest.mark.parametrize("name", ["new_private_key", "new_password"])
async def test_a_new_secret_replaces_the_stored_one(installation: Installation, keyed: Keyed, name: str) -> None:
    client, place = installation.client(), f"/teams/{installation.team_id}/destinations"
    destination_id = (await client.post(place, json=with_key())).json()["data"]["id"]
    answer = await client.put(f"{place}/{destination_id}", json=with_key(fields={"host": "db"}) | {name: "fresh"})
    assert answer.status_code == 200
    trial = with_key(fields={"host": "db"}, destination_id=destination_id)
    assert (await client.post(f"{place}/test-connection", json=trial)).json()["data"] == {
        "success": True,
        "error": None,
    }
    assert keyed.seen == DestinationConfig(
        installation.server.installation_id, {"host": "db"}, {"private_key": Secret("fresh")}, reach=TEMP
    )


async def test_a_stored_secret_is_not_sent_to_another_host(installation: Installation, keyed: Keyed) -> None:
    client, place = installation.client(), f"/teams/{installation.team_id}/destinations"
    destination_id = (await client.post(place, json=with_key())).json()["data"]["id"]
    elsewhere = with_key(fields={"host": "evil.example"}, destination_id=destination_id)
    answer = await client.post(f"{place}/test-connection", json=elsewhere)
    assert error_of(answer) == (422, "UNPROCESSABLE_ENTITY")
    assert keyed.seen is None


async def test_another_teams_secrets_are_out_of_reach(installation: Installation, keyed: Keyed) -> None:
    place = f"/teams/{installation.team_id}/destinations"
    destination_id = (await installation.client().post(place, json=with_key())).json()["data"]["id"]
    other = await installation.team("Second")
    _, key = await installation.user(other, Role.OWNER)
    client, theirs = installation.client(key), f"/teams/{other}/destinations"
    trial = with_key(fields={"host": "db"}, destination_id=destination_id)
    stolen = await client.post(f"{theirs}/test-connection", json=trial)
    absent = await client.post(f"{theirs}/test-connection", json=trial | {"destination_id": 999})
    assert error_of(stolen) == error_of(absent) == (422, "UNPROCESSABLE_ENTITY")
    assert keyed.seen is None
    for method, path, named in [
        ("GET", "", {}),
        ("DELETE", "", {}),
        ("GET", "/usage", {}),
        ("PUT", "", {"json": with_key()}),
    ]:
        answer = await client.request(method, f"{theirs}/{destination_id}{path}", **named)
        assert error_of(answer) == (404, "NOT_FOUND")
        assert description(answer) == description(await client.request(method, f"{theirs}/999{path}", **named))
    assert (await client.get(theirs)).json()["data"] == []


async def test_a_failed_test_is_an_answer_of_bounded_length(installation: Installation, keyed: Keyed) -> None:
    place = f"/teams/{installation.team_id}/destinations/test-connection"
    answer = await installation.client().post(place, json=with_key(fields={"host": "down", "private_key": "k"}))
    assert answer.status_code == 200
    assert answer.json()["data"] == {"success": False, "error": "x" * 1999 + "…"}
    assert installation.woken == 0


async def test_delete_and_usage(installation: Installation) -> None:
    made = await seeds.transfer(installation)
    client = installation.client()
    place = f"/teams/{installation.team_id}/destinations/{made.configuration.destination_id}"
    assert (await client.get(f"{place}/usage")).json()["data"] == {
        "is_used": True,
        "transfers": [{"transfer_id": made.transfer_id, "transfer_name": "Flights"}],
    }
    refused = await client.delete(place)
    assert error_of(refused) == (409, "CONFLICT_ERROR")
    assert "'Flights' (1)" in description(refused)
    await client.delete(f"/teams/{installation.team_id}/transfers/{made.transfer_id}")
    deleted = await client.delete(place)
    assert (deleted.status_code, deleted.content) == (204, b"")
    for answer in (await client.get(place), await client.get(f"{place}/usage"), await client.delete(place)):
        assert error_of(answer) == (404, "NOT_FOUND")


async def test_options_need_a_known_source_and_a_destination_of_this_team(installation: Installation) -> None:
    made = await seeds.destination(installation)
    client, place = installation.client(), f"/teams/{installation.team_id}/transfers/available-options"
    right = {"source_id": "FILES", "destination_id": made.destination_id}
    assert (await client.get(place, params=right)).status_code == 200
    for missing in ({"source_id": "FILES"}, {"destination_id": 1}, {**right, "destination_id": "x"}):
        assert error_of(await client.get(place, params=missing)) == (400, "INVALID_PARAMETER")
    for unknown in ({**right, "source_id": "GA"}, {**right, "destination_id": 999}):
        assert error_of(await client.get(place, params=unknown)) == (404, "NOT_FOUND")
