"""Access: the roles grant what the contract says, and nothing by default."""

from __future__ import annotations

from itertools import product

import pytest

from dayfill.domain.access import GRANTS, SCOPES, Permission, Role, role_allows

CONTRACT = """
dwh.transfer.view  OWNER ADMIN EDITOR VIEWER
login.view         OWNER ADMIN EDITOR VIEWER
query.run          OWNER ADMIN EDITOR VIEWER
dwh.transfer.edit  OWNER ADMIN EDITOR
login.edit         OWNER ADMIN EDITOR
team.view          OWNER ADMIN EDITOR VIEWER FINANCE
team.manage        OWNER ADMIN
"""


def test_each_role_may_do_what_the_contract_says_and_no_more() -> None:
    table = {name: set(roles) for name, *roles in (line.split() for line in CONTRACT.strip().splitlines())}
    found = {permission.value: set() for permission in Permission}
    for role, permission in product(Role, Permission):
        if role_allows(role, permission):
            found[permission.value].add(role.value)
    assert found == table


@pytest.mark.parametrize("permission", Permission)
def test_no_role_may_nothing(permission: Permission) -> None:
    assert not role_allows(None, permission)


@pytest.mark.parametrize("permission", Permission)
def test_a_role_without_a_row_may_nothing(permission: Permission, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(GRANTS, Role.OWNER)
    assert not role_allows(Role.OWNER, permission)


def test_the_scopes_are_the_closed_list_and_one_of_ours() -> None:
    assert "dwh_transfers_read" in SCOPES
    pairs = {"ds_logins", "ds_login_links", "dwh_transfers", "table_groups"}
    assert {f"{noun}_{verb}" for noun in pairs for verb in ("read", "write")} | {
        "ds_accounts_read",
        "ds_queries_run",
        "ds_queries_read",
        "team_read",
        "team_users_read",
        "team_manage",
    } == SCOPES
