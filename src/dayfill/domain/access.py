"""Who may do what: roles of a user in a team, and scopes of a key. Both must allow an operation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal


class Permission(StrEnum):
    TRANSFER_VIEW = "dwh.transfer.view"
    TRANSFER_EDIT = "dwh.transfer.edit"
    LOGIN_VIEW = "login.view"
    LOGIN_EDIT = "login.edit"
    QUERY_RUN = "query.run"
    TEAM_VIEW = "team.view"
    TEAM_MANAGE = "team.manage"


class Role(StrEnum):
    OWNER = "OWNER"
    ADMIN = "ADMIN"
    EDITOR = "EDITOR"
    VIEWER = "VIEWER"
    FINANCE = "FINANCE"


RoleName = Literal["OWNER", "ADMIN", "EDITOR", "VIEWER", "FINANCE"]
"""A role as people and clients write it."""
ROLES: dict[str, Role] = {role.value: role for role in Role}
"""By what the state holds; a role of a later version is missing, and gives nothing."""


_VIEW = frozenset({Permission.TRANSFER_VIEW, Permission.LOGIN_VIEW, Permission.QUERY_RUN, Permission.TEAM_VIEW})
_EDIT = _VIEW | {Permission.TRANSFER_EDIT, Permission.LOGIN_EDIT}

GRANTS: dict[Role, frozenset[Permission]] = {
    Role.OWNER: _EDIT | {Permission.TEAM_MANAGE},
    Role.ADMIN: _EDIT | {Permission.TEAM_MANAGE},
    Role.EDITOR: _EDIT,
    Role.VIEWER: _VIEW,
    Role.FINANCE: frozenset({Permission.TEAM_VIEW}),
}
"""What each role may do; a role that is not here may do nothing."""

SCOPES = frozenset(
    {
        "dwh_transfers_read",
        "dwh_transfers_write",
        "ds_logins_read",
        "ds_logins_write",
        "ds_accounts_read",
        "ds_login_links_read",
        "ds_login_links_write",
        "ds_queries_run",
        "ds_queries_read",
        "team_read",
        "team_users_read",
        "table_groups_read",
        "table_groups_write",
        "team_manage",
    }
)
"""The scopes that a key can hold: the closed list of the Supermetrics API documentation, and ``team_manage``.

That one is ours: it opens keys, members and the audit log under ``/x/v1``, which no scope of the list is meant for. A
key that may only read must not be able to make keys.
"""


@dataclass(frozen=True, slots=True)
class Caller:
    """The key behind a request and its user's role in each team."""

    key_id: str
    user_id: int
    scopes: frozenset[str]
    is_enabled: bool
    expires_time: datetime | None
    roles: dict[int, Role]


def may_manage(mine: Role | None, theirs: Role | None) -> bool:
    """Whether a role manages members of another one: nobody but an owner an owner."""
    return role_allows(mine, Permission.TEAM_MANAGE) and (mine is Role.OWNER or theirs is not Role.OWNER)


def role_allows(role: Role | None, permission: Permission) -> bool:
    return role is not None and permission in GRANTS.get(role, frozenset())
