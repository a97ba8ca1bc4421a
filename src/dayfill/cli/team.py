"""``dayfill team``: teams of an installation on this machine."""

from __future__ import annotations

from typing import Literal

from cyclopts import App

from dayfill.cli.dates import stamp
from dayfill.cli.exits import Exit, usage
from dayfill.cli.installation import existing_state
from dayfill.cli.options import LOCAL_DEFAULTS, LocalOptions
from dayfill.domain.allowance import Allowance
from dayfill.domain.audit import OPERATOR, Act
from dayfill.engine import allowances, audit, audited, teams
from dayfill.store import allowances as allowance_rows
from dayfill.store import teams as team_rows

Limit = int | Literal["none"]

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
        act = Act("team.create", team.team_id, after=audited.team(team))
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
        now = state.seams.now()
        teams_found = await team_rows.page(state.db)
        found = [_view(team) | _limits(await allowance_rows.get(state.db, team.team_id, now)) for team in teams_found]
    columns = {
        "ID": "team_id",
        "NAME": "name",
        "CREATED": "created_time",
        "ROWS THIS MONTH": "rows_this_month",
        "AT MOST": "rows_per_month",
        "DAYS BACK": "history_days",
        "WEIGHT": "weight",
    }
    options.printer().many(found, columns)
    return Exit.OK


@app.command
async def limits(
    team_id: int,
    /,
    *,
    rows_per_month: Limit | None = None,
    history_days: Limit | None = None,
    weight: int | None = None,
    options: LocalOptions = LOCAL_DEFAULTS,
) -> int:
    """How much a team may load, and its weight; what is not named stays. A running server heeds it within seconds.

    For example:

        dayfill team limits 2 --rows-per-month 5000000 --history-days 730
        dayfill team limits 2 --rows-per-month none
        dayfill team limits 2 --weight 3

    Args:
        team_id: The team's id; `dayfill team list` shows it.
        rows_per_month: Rows that its days may commit in a calendar month (UTC), or none.
        history_days: How many days back it may load, or none.
        weight: Turns that it gets for each one of a team whose weight is 1, while both have days that wait: 1 to 100.
    """
    named = {"rows_per_month": rows_per_month, "history_days": history_days, "weight": weight}
    changes = {name: None if value == "none" else value for name, value in named.items() if value is not None}
    if not changes:
        raise usage(
            "No limit is named.",
            "Add --rows-per-month or --history-days with a number or none, or --weight with a number.",
        )
    async with existing_state(options.settings()) as state, state.db.write() as tx:
        before, after = await allowances.change(tx, state.seams, team_id, changes)
        act = Act("team.limits", team_id, audited.allowance(before), audited.allowance(after))
        await audit.record(tx, OPERATOR, team_id, act, state.seams.now())
    options.printer().one({"team_id": team_id} | _limits(after))
    return Exit.OK


def _view(team: team_rows.Team) -> dict[str, object]:
    return {"team_id": team.team_id, "name": team.name, "created_time": stamp(team.created_time)}


def _limits(allowed: Allowance) -> dict[str, object]:
    return {
        "rows_this_month": allowed.rows,
        "rows_per_month": allowed.rows_per_month,
        "history_days": allowed.history_days,
        "weight": allowed.weight,
    }
