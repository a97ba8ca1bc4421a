"""Teams and users on the wire, and the routes whose path names no team."""

from __future__ import annotations

import seeds
from dayfill.domain.access import SCOPES, Role
from dayfill.engine import keys, teams
from installation import NOON, Installation


async def test_a_team_is_answered_whole(installation: Installation) -> None:
    answer = await installation.client().get(f"/v1/teams/{installation.team_id}")
    assert answer.json()["data"] == {
        "team_id": installation.team_id,
        "name": "First",
        "display_id": f"SM_{installation.team_id}",
        "status": 1,
        "created_at": "2024-06-15T12:00:00+00:00",
    }


async def test_users_are_those_who_are_in_the_team_and_may_use_it(installation: Installation) -> None:
    other = await installation.team("Other")
    installation.pass_time(hours=1)
    viewer, _ = await installation.user(other, Role.VIEWER)
    gone, _ = await installation.user(other, Role.ADMIN)
    installation.pass_time(hours=1)
    seams = installation.server.seams
    async with installation.db.write() as tx:
        member = await teams.add_member(tx, seams, other, "ada@example.com", Role.OWNER, first_name="Ada")
        key = await keys.create(tx, seams, installation.keyring, other, member.user_id, scopes=SCOPES)
    installation.execute("UPDATE users SET is_enabled = 0 WHERE user_id = :gone", gone=gone)
    found = (await installation.client(key.text).get(f"/v1/teams/{other}/users")).json()["data"]
    assert [one["user_id"] for one in found] == [viewer, member.user_id]
    assert found[1] == {
        "user_id": member.user_id,
        "email": "ada@example.com",
        "first_name": "Ada",
        "last_name": "Owner",
        "role": "OWNER",
        "created_at": "2024-06-15T14:00:00+00:00",
    }


async def test_a_user_is_dated_from_the_day_that_the_team_took_them_in(installation: Installation) -> None:
    other = await installation.team("Other")
    seams = installation.server.seams
    async with installation.db.write() as tx:
        await teams.add_member(tx, seams, other, "ada@example.com", Role.VIEWER)
    installation.pass_time(days=1)
    async with installation.db.write() as tx:
        await teams.add_member(tx, seams, installation.team_id, "ada@example.com", Role.FINANCE)
    found = (await installation.client().get(f"/teams/{installation.team_id}/users")).json()["data"]
    assert [one["created_at"][:10] for one in found] == [f"{NOON:%Y-%m-%d}", "2024-06-16"]


async def test_a_role_of_a_later_version_is_left_out(installation: Installation) -> None:
    await installation.user(installation.team_id, Role.VIEWER)
    installation.execute("UPDATE members SET role = 'AUDITOR' WHERE role = 'VIEWER'")
    found = (await installation.client().get(f"/teams/{installation.team_id}/users")).json()["data"]
    assert [one.get("role") for one in found] == ["OWNER", None]


async def in_two_teams(installation: Installation, role: Role) -> tuple[int, str]:
    """A user with this role in the first team who owns a second one: that team and a key."""
    second = await installation.team("Second")
    user_id, key = await installation.user(second, Role.OWNER)
    installation.insert("members", team_id=installation.team_id, user_id=user_id, role=role.value, created_time=0)
    return second, key


async def test_where_a_path_names_no_team_every_team_that_allows_it_is_reached(installation: Installation) -> None:
    second, key = await in_two_teams(installation, Role.VIEWER)
    mine = await seeds.group(installation, name="Mine")
    theirs = await seeds.group(installation, name="Theirs", team_id=second)
    client = installation.client(key)
    assert [one["name"] for one in (await client.get("/table/groups")).json()["data"]] == ["Mine", "Theirs"]
    for group in (mine, theirs):
        assert (await client.get(f"/table/group/tg_{group.schema_id}/export")).status_code == 200


async def test_a_team_whose_role_does_not_allow_it_is_left_out(installation: Installation) -> None:
    second, key = await in_two_teams(installation, Role.FINANCE)
    hidden = await seeds.group(installation, name="Hidden")
    await seeds.group(installation, name="Seen", team_id=second)
    client = installation.client(key)
    assert [one["name"] for one in (await client.get("/table/groups")).json()["data"]] == ["Seen"]
    assert (await client.get(f"/table/group/tg_{hidden.schema_id}/export")).status_code == 404


async def test_what_is_made_without_a_team_goes_to_the_oldest_that_allows_it(installation: Installation) -> None:
    second, key = await in_two_teams(installation, Role.VIEWER)
    group = {"group_name": "New", "ds_id": "FILES", "table_prefix": ""}
    body = {"version": 1, "group": group, "tables": [{"table_name": "rows"}], "fields": []}
    assert (await installation.client(key).post("/table/group/import", json=body)).status_code == 201
    assert installation.execute("SELECT team_id FROM table_groups") == [(second,)]


async def test_groups_of_all_teams_are_one_list_that_ends(installation: Installation) -> None:
    second, key = await in_two_teams(installation, Role.VIEWER)
    for team_id in (installation.team_id, second):
        installation.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 501)"
            " INSERT INTO table_groups SELECT NULL, :team_id, 'FILES', 'G' || i, '', '[]', 0 FROM n",
            team_id=team_id,
        )
    assert len((await installation.client(key).get("/table/groups")).json()["data"]) == 1_000
