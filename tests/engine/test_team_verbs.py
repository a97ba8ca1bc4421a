"""The installation has one id; teams have members, each with one role."""

from __future__ import annotations

import pytest

from dayfill.domain.access import Role
from dayfill.engine import teams
from dayfill.errors import Missing, Refused
from dayfill.store import teams as store
from dayfill.store.teams import Member
from installation import Installation


async def add(made: Installation, email: str, role: Role = Role.EDITOR, team_id: int = 0, **names: str) -> Member:
    async with made.db.write() as tx:
        return await teams.add_member(tx, made.server.seams, team_id or made.team_id, email, role, **names)


async def test_an_installation_keeps_its_id(installation: Installation) -> None:
    async with installation.db.write() as tx:
        again = await teams.ensure_installation(tx, installation.server.seams)
    assert again == installation.server.installation_id == await store.installation_id(installation.db)


async def test_a_new_team_has_no_members(installation: Installation) -> None:
    team_id = await installation.team("  Second ")
    team = await store.get(installation.db, team_id)
    assert team is not None and (team.name, team.created_time) == ("Second", installation.now)
    assert await store.members(installation.db, team_id) == []
    assert [one.name for one in await store.page(installation.db)] == ["First", "Second"]


@pytest.mark.parametrize("name", ["", "   ", "x" * 256])
async def test_a_team_needs_a_name(installation: Installation, name: str) -> None:
    with pytest.raises(Refused, match="1 to 255 characters"):
        await installation.team(name)


async def test_a_member_is_one_user_whatever_the_case_of_the_address(installation: Installation) -> None:
    first = await add(installation, "Ada@Example.com", first_name="Ada", last_name="Lovelace")
    assert (first.email, first.first_name, first.last_name) == ("ada@example.com", "Ada", "Lovelace")
    second = await installation.team("Second")
    again = await add(installation, "ada@example.COM", Role.VIEWER, second)
    assert (again.user_id, again.role, again.first_name) == (first.user_id, Role.VIEWER, "Ada")
    member = await store.member(installation.db, installation.team_id, first.user_id)
    assert member is not None and member.role is Role.EDITOR


async def test_a_role_can_change_and_names_are_never_empty(installation: Installation) -> None:
    before = await add(installation, "ada@example.com", Role.OWNER)
    assert (before.first_name, before.last_name) == ("ada", "Owner")
    after = await add(installation, "ada@example.com", Role.FINANCE)
    assert (after.user_id, after.role) == (before.user_id, Role.FINANCE)
    assert len(await store.members(installation.db, installation.team_id)) == 2


async def test_the_last_owner_becomes_nothing_else_by_being_added_again(installation: Installation) -> None:
    [owner] = await store.members(installation.db, installation.team_id)
    with pytest.raises(Refused, match="is the last owner"):
        await add(installation, owner.email, Role.VIEWER)
    await add(installation, "ada@example.com", Role.OWNER)
    assert (await add(installation, owner.email, Role.VIEWER)).role is Role.VIEWER


@pytest.mark.parametrize("email", ["", "ada", "@example.com", "ada@", "a@b@c", "a da@example.com", "x" * 251 + "@a.b"])
async def test_an_address_must_be_one(installation: Installation, email: str) -> None:
    with pytest.raises(Refused):
        await add(installation, email)


async def test_a_team_must_exist(installation: Installation) -> None:
    with pytest.raises(Missing, match="Team 99"):
        await add(installation, "ada@example.com", team_id=99)
    assert installation.execute("SELECT count(*) FROM users") == [(1,)]
