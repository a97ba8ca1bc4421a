"""The Idempotency-Key: a repeated request changes nothing, hears the same answer, and is authorised anew."""

from __future__ import annotations

import asyncio
import hashlib

import httpx
import pytest

import seeds
from dayfill.domain.access import Role
from installation import Installation

BODY = {"range_start": "2024-06-01", "range_end": "2024-06-04"}
OTHER = {"range_start": "2024-05-01", "range_end": "2024-05-04"}


class Repeats:
    def __init__(self, made: Installation, transfer_id: int) -> None:
        self.made, self.client = made, made.client()
        self.path = f"/teams/{made.team_id}/transfers/{transfer_id}/backfills"

    async def post(self, key: str = "k", path: str = "", client: httpx.AsyncClient | None = None, **body: object):  # type: ignore[no-untyped-def]
        headers = {"Idempotency-Key": key}
        return await (client or self.client).post(path or self.path, json=body or BODY, headers=headers)

    def backfills(self) -> int:
        [(count,)] = self.made.execute("SELECT count(*) FROM backfills")
        return int(str(count))


@pytest.fixture
async def wire(installation: Installation) -> Repeats:
    return Repeats(installation, (await seeds.transfer(installation)).transfer_id)


async def test_the_first_answer_is_given_again_in_an_envelope_of_its_own(wire: Repeats) -> None:
    first, woken = await wire.post(), wire.made.woken
    wire.made.pass_time(hours=23)
    again = await wire.post()
    assert again.status_code == first.status_code == 200
    assert again.json()["data"] == first.json()["data"]
    assert again.headers["idempotent-replayed"] == "true" and "idempotent-replayed" not in first.headers
    assert again.json()["meta"]["request_id"] == again.headers["x-request-id"] != first.headers["x-request-id"]
    assert wire.backfills() == 1 and wire.made.woken == woken


async def test_meta_and_headers_come_again_too(installation: Installation) -> None:
    client, headers = installation.client(), {"Idempotency-Key": "k"}
    body = {"type": "DWH_DUCKDB", "display_name": "Warehouse", "fields": {"path": "/srv/warehouse.duckdb"}}
    path = f"/teams/{installation.team_id}/destinations"
    first, again = [await client.post(path, json=body, headers=headers) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["location"] == first.headers["location"]
    assert again.json()["data"] == first.json()["data"]


async def test_a_repeated_delete_hears_that_it_is_done(wire: Repeats) -> None:
    path, again = wire.path.removesuffix("/backfills"), {"Idempotency-Key": "k"}
    first, second = [await wire.client.delete(path, headers=again) for _ in range(2)]
    assert (first.status_code, second.status_code, second.content) == (204, 204, b"")
    assert second.headers["idempotent-replayed"] == "true"
    assert (await wire.client.delete(path)).status_code == 404, "without the key it is told as it is"
    assert len(wire.made.execute("SELECT * FROM audit WHERE action = 'transfer.delete'")) == 1


async def test_what_only_reads_is_answered_again_too_and_leaves_no_row(wire: Repeats) -> None:
    transfer = wire.path.removesuffix("/backfills")
    for path in (f"{transfer.rpartition('/')[0]}/validations", f"{transfer}/validations", f"/x/v1{wire.path}/plan"):
        first, again = [await wire.post(path=path) for _ in range(2)]
        assert (first.status_code, again.status_code) == (200, 200), path
        assert again.headers["idempotent-replayed"] == "true" and "idempotent-replayed" not in first.headers
        assert {**again.json(), "meta": 0} == {**first.json(), "meta": 0}
        assert (await wire.post(path=path, **OTHER)).status_code == 422
    assert wire.made.execute("SELECT * FROM audit WHERE action <> 'transfer.create'") == []


async def test_another_body_under_the_same_key_is_refused(wire: Repeats) -> None:
    await wire.post()
    answer = await wire.post(**OTHER)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert wire.backfills() == 1


async def test_what_is_kept_of_a_body_can_be_compared_only_with_the_keyring(wire: Repeats) -> None:
    sent = (await wire.post()).request.content
    plain = hashlib.sha256(sent).digest()
    [(kept,)] = wire.made.execute("SELECT body_hash FROM idempotency_keys")
    assert kept == wire.made.keyring.fingerprint(sent) != plain
    wire.made.execute("UPDATE idempotency_keys SET body_hash = :plain", plain=plain)  # as the first version kept it
    assert (await wire.post()).headers["idempotent-replayed"] == "true"


async def test_a_key_is_forgotten_after_a_day(wire: Repeats) -> None:
    await wire.post()
    wire.made.pass_time(hours=24, microseconds=1)
    assert (await wire.post(**OTHER)).status_code == 200
    assert wire.backfills() == 2
    assert len(wire.made.execute("SELECT * FROM idempotency_keys")) == 1


async def test_a_refusal_is_not_kept(wire: Repeats) -> None:
    blocker = (await wire.client.post(wire.path, json=BODY)).json()["data"]["transfer_backfill_id"]
    assert (await wire.post()).status_code == 422
    cancel = f"/teams/{wire.made.team_id}/backfills/{blocker}"
    await wire.client.patch(cancel, json={"status": "CANCELLED"})
    assert (await wire.post()).status_code == 200


async def test_a_key_belongs_to_one_user_method_and_path(wire: Repeats) -> None:
    await wire.post()
    _, other = await wire.made.user(wire.made.team_id, Role.EDITOR)
    assert (await wire.post(client=wire.made.client(other))).status_code == 422  # the overlap, not the kept answer
    assert (await wire.post(path=f"/x/v1{wire.path}", **OTHER)).status_code == 200
    cancel = await wire.client.patch(
        f"/teams/{wire.made.team_id}/backfills/1", json={"status": "CANCELLED"}, headers={"Idempotency-Key": "k"}
    )
    assert cancel.json()["data"]["status"] == "CANCELLED"


async def test_the_mount_is_no_part_of_the_path(wire: Repeats) -> None:
    await wire.post()
    assert (await wire.post(path=f"/v1{wire.path}")).status_code == 200
    assert wire.backfills() == 1


async def test_equal_requests_at_once_change_one_thing_and_hear_one_answer(wire: Repeats) -> None:
    answers = await asyncio.gather(*(wire.post() for _ in range(8)))
    assert [answer.status_code for answer in answers] == [200] * 8
    assert len({str(answer.json()["data"]) for answer in answers}) == 1
    assert wire.backfills() == 1


async def test_a_repeat_is_authorised_anew(wire: Repeats) -> None:
    await wire.post()
    wire.made.execute("UPDATE members SET role = 'VIEWER' WHERE user_id = :u", u=wire.made.user_id)
    answer = await wire.post()
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "ACCESS_DENIED")


async def test_a_repeat_tells_nothing_of_a_team_that_was_left(installation: Installation) -> None:
    second = await installation.team("Second")
    installation.execute(
        "INSERT INTO members SELECT :t, user_id, role, created_time FROM members WHERE user_id = :u",
        t=second, u=installation.user_id,
    )  # fmt: skip
    body = {"version": 1, "group": {"group_name": "Flights", "ds_id": "FILES"}, "tables": [{"table_name": "flights"}]}
    client, headers = installation.client(), {"Idempotency-Key": "k"}
    first = await client.post("/table/group/import", json=body, headers=headers)
    again = await client.post("/table/group/import", json=body, headers=headers)
    assert (first.status_code, again.json()["data"]) == (201, first.json()["data"])
    installation.execute("DELETE FROM members WHERE team_id = :t", t=installation.team_id)
    after = await client.post("/table/group/import", json=body, headers=headers)
    assert after.json()["data"]["group_id"] != first.json()["data"]["group_id"]
    assert "idempotent-replayed" not in after.headers


@pytest.mark.parametrize("length", [0, 256])
async def test_a_key_has_1_to_255_characters(wire: Repeats, length: int) -> None:
    assert (await wire.post("k" * length)).status_code == 400
    assert wire.backfills() == 0


async def test_a_key_of_255_characters_is_one(wire: Repeats) -> None:
    assert (await wire.post("k" * 255)).status_code == 200


async def test_without_a_key_the_state_itself_refuses_the_repeat(wire: Repeats) -> None:
    assert (await wire.client.post(wire.path, json=BODY)).status_code == 200
    assert (await wire.client.post(wire.path, json=BODY)).status_code == 422
    assert wire.backfills() == 1


async def test_a_change_that_fails_leaves_nothing_behind(wire: Repeats, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("dayfill.store.idempotency.keep", broken)
    woken = wire.made.woken
    assert (await wire.post()).status_code == 500
    assert wire.backfills() == 0 and wire.made.woken == woken
