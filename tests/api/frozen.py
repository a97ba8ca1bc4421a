"""A world of the route samples that is made once and copied for each test, with a key for every cell of the matrix."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from route_samples import World, world

from dayfill.api.routes import ROUTES
from dayfill.domain.access import SCOPES, Role
from installation import Installation

SCOPES_OF_ROUTES = {route.scope for route in ROUTES}


@dataclass(frozen=True)
class Keys:
    """by_role: of a user with this role in team 1, all scopes but one (None: all). only: an owner's, one scope.

    second: of the owner of another team. nobody: of a user who is in no team.
    """

    by_role: dict[tuple[Role, str | None], str]
    only: dict[str | None, str]
    second: str
    nobody: str


@dataclass(frozen=True)
class Frozen:
    """An installation at rest in a folder, and what its files do not say."""

    folder: Path
    key: str
    team_id: int
    user_id: int
    second_team: int
    world: World
    keys: Keys

    async def copy(self, folder: Path) -> Installation:
        """An installation of its own in an empty folder, like the frozen one."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        made = await Installation.open(folder)
        made.key, made.team_id, made.user_id = self.key, self.team_id, self.user_id
        self.world.ask(made)
        return made


async def frozen(folder: Path) -> Frozen:
    made = await Installation.create(folder)
    seeded = await world(made)
    second = await made.team("Second")
    keys = await _keys(made, second)
    await made.close()
    return Frozen(folder, made.key, made.team_id, made.user_id, second, seeded, keys)


async def _keys(made: Installation, second: int) -> Keys:
    team = made.team_id
    by_role = {
        (role, missing): (await made.user(team, role, SCOPES - {missing}))[1]
        for role in Role
        for missing in {*SCOPES_OF_ROUTES, None}
    }
    only = {scope: (await made.user(team, Role.OWNER, {scope} - {None}))[1] for scope in {*SCOPES_OF_ROUTES, None}}
    _, of_second = await made.user(second, Role.OWNER)
    left, nobody = await made.user(team, Role.OWNER)
    made.execute("DELETE FROM members WHERE user_id = :user_id", user_id=left)
    return Keys(by_role, only, of_second, nobody)
