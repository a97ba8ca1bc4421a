"""``dayfill team``: teams of an installation on this machine."""

from __future__ import annotations

from cyclopts import App

from dayfill.cli.exits import Exit
from dayfill.cli.installation import existing_state
from dayfill.cli.options import LOCAL_DEFAULTS, LocalOptions
from dayfill.domain.audit import OPERATOR, Act
from dayfill.engine import audit, teams, told
from dayfill.store import teams as team_rows

app = App(name="team", help="Teams of this installation.")


@app.command
async def create(name: str, /, *, options: LocalOptions = LOCAL_DEFAULTS) -> int:
    """A new team; `dayfill key create` gives it users.

    For example:

        dayfill team create Marketing

    Args:
        name: What people call it.
    """
    async with existing_state(options.settings()) as state, state.db.write() as tx:
        team = await teams.create(tx, state.seams, name)
        act = Act("team.create", team.team_id, after=told.team(team))
        await audit.record(tx, OPERATOR, team.team_id, act, state.seams.now())
    options.printer().one(_view(team))
    return Exit.OK


@app.command(name="list")
async def list_(*, options: LocalOptions = LOCAL_DEFAULTS) -> int:
    """The teams of the installation.

    For example:

        dayfill team list
    """
    async with existing_state(options.settings()) as state:
        found = await team_rows.page(state.db)
    columns = {"ID": "team_id", "NAME": "name", "CREATED": "created_time"}
    options.printer().many([_view(team) for team in found], columns)
    return Exit.OK


def _view(team: team_rows.Team) -> dict[str, object]:
    return {"team_id": team.team_id, "name": team.name, "created_time": f"{team.created_time:%Y-%m-%dT%H:%M:%SZ}"}
