"""Members on the wire: roles, the line between admins and owners, the last owner, and people of other teams."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from dayfill.domain.access import Role
from installation import Installation


def place(made: Installation, *more: object) -> str:
    return "/".join([f"/x/v1/teams/{made.team_id}/members", *map(str, more)])


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def roles(made: Installation) -> dict[int, str]:
    answer = await made.client().get(place(made))
    return {entry["user_id"]: entry["role"] for entry in answer.json()["data"]}


async def sees(made: Installation, key: str) -> int:
    return (await made.client(key).get(f"/teams/{made.team_id}/backfills")).status_code


async def test_a_member_is_added_with_a_new_user(installation: Installation) -> None:
    body = {"email": "Ann@Example.com", "role": "EDITOR", "first_name": "Ann", "last_name": "Lee"}
    answer = await installation.client().post(place(installation), json=body)
    assert answer.status_code == 201
    added = answer.json()["data"]
    expected = {"email": "ann@example.com", "role": "EDITOR", "first_name": "Ann", "last_name": "Lee"}
    assert expected.items() <= added.items() and added["is_enabled"]
    listed = (await installation.client().get(place(installation))).json()["data"]
    assert listed[-1] == added
    again = await installation.client().post(place(installation), json=body | {"role": "ADMIN"})
    assert code(again) == (409, "CONFLICT_ERROR")
    assert (await roles(installation))[added["user_id"]] == "EDITOR"


async def test_a_role_counts_at_the_next_request(installation: Installation) -> None:
    user_id, key = await installation.user(installation.team_id, Role.FINANCE)
    assert await sees(installation, key) == 403
    answer = await installation.client().patch(place(installation, user_id), json={"role": "VIEWER"})
    assert (answer.status_code, answer.json()["data"]["role"]) == (200, "VIEWER")
    assert await sees(installation, key) == 200
    [(before, after)] = installation.execute("SELECT before, after FROM audit")
    assert (before, after) == ('{"role":"FINANCE"}', '{"role":"VIEWER"}')


async def test_who_is_removed_is_out_at_the_next_request(installation: Installation) -> None:
    user_id, key = await installation.user(installation.team_id, Role.EDITOR)
    assert await sees(installation, key) == 200
    assert (await installation.client().delete(place(installation, user_id))).status_code == 204
    assert await sees(installation, key) == 403
    assert user_id not in await roles(installation)
    assert code(await installation.client().delete(place(installation, user_id))) == (404, "NOT_FOUND")


async def test_an_admin_is_no_match_for_an_owner(installation: Installation) -> None:
    _, admins = await installation.user(installation.team_id, Role.ADMIN)
    other, _ = await installation.user(installation.team_id, Role.ADMIN)
    owner, _ = await installation.user(installation.team_id, Role.OWNER)
    admin = installation.client(admins)
    refused = [
        await admin.post(place(installation), json={"email": "a@b.c", "role": "OWNER"}),
        await admin.patch(place(installation, owner), json={"role": "VIEWER"}),
        await admin.patch(place(installation, other), json={"role": "OWNER"}),
        await admin.delete(place(installation, owner)),
    ]
    assert {code(answer) for answer in refused} == {(403, "ACCESS_DENIED")}
    assert (await admin.post(place(installation), json={"email": "a@b.c", "role": "ADMIN"})).status_code == 201
    assert (await admin.patch(place(installation, other), json={"role": "EDITOR"})).status_code == 200
    assert (await admin.delete(place(installation, other))).status_code == 204
    assert (await installation.client().patch(place(installation, owner), json={"role": "ADMIN"})).status_code == 200


async def test_the_last_owner_stays(installation: Installation) -> None:
    client, me = installation.client(), place(installation, installation.user_id)
    disabled, _ = await installation.user(installation.team_id, Role.OWNER)
    installation.execute("UPDATE users SET is_enabled = 0 WHERE user_id = :u", u=disabled)
    assert code(await client.delete(me)) == (422, "UNPROCESSABLE_ENTITY")
    assert code(await client.patch(me, json={"role": "ADMIN"})) == (422, "UNPROCESSABLE_ENTITY")
    assert (await client.patch(me, json={"role": "OWNER"})).status_code == 200
    await installation.user(installation.team_id, Role.OWNER)
    assert (await client.delete(place(installation, disabled))).status_code == 204
    assert (await client.delete(me)).status_code == 204
    assert await sees(installation, installation.key) == 403


async def test_nobody_is_drawn_in_from_another_team(installation: Installation) -> None:
    second = await installation.team("Second")
    stranger, _ = await installation.user(second, Role.VIEWER)
    [(email,)] = installation.execute("SELECT email FROM users WHERE user_id = :u", u=stranger)
    answer = await installation.client().post(place(installation), json={"email": email, "role": "VIEWER"})
    assert code(answer) == (422, "UNPROCESSABLE_ENTITY")
    assert stranger not in await roles(installation)
    installation.execute("DELETE FROM members WHERE user_id = :u", u=stranger)
    answer = await installation.client().post(place(installation), json={"email": email, "role": "VIEWER"})
    assert (answer.status_code, answer.json()["data"]["user_id"]) == (201, stranger)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"email": "a@b.c"}, 400),
        ({"email": "a@b.c", "role": "KING"}, 400),
        ({"email": "a@b.c", "role": "VIEWER", "team_id": 2}, 400),
        ({"email": "a@b.c", "role": "VIEWER", "first_name": "x" * 256}, 400),
        ({"email": "nobody", "role": "VIEWER"}, 422),
    ],
)
async def test_what_is_no_member_is_refused(installation: Installation, body: dict[str, Any], status: int) -> None:
    assert (await installation.client().post(place(installation), json=body)).status_code == status
    assert list(await roles(installation)) == [installation.user_id]
