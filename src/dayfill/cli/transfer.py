"""``dayfill transfer``: what is copied, from where, to where, when."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import App, Parameter

from dayfill.cli.client import Api, connect, transfer_id
from dayfill.cli.confirm import confirm
from dayfill.cli.destination import destination_id
from dayfill.cli.exits import CommandError, Exit, usage
from dayfill.cli.options import DEFAULTS, Options
from dayfill.cli.pairs import pairs
from dayfill.cli.transfer_body import Interval, changed, retimed, timed
from dayfill.domain.table_group import names_beside

app = App(name="transfer", help="Transfers: what is copied, from where, to where, when.")

Many = Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)]

_COLUMNS = {
    "ID": "dwh_transfer_id",
    "NAME": "display_name",
    "STATE": "state",
    "SCHEDULE": "schedule",
    "LAST RUN": "run_date",
    "BACKFILL": "backfill.status",
}


@app.command(name="list")
def list_(*, options: Options = DEFAULTS) -> int:
    """The transfers of the team.

    For example:

        dayfill transfer list
    """
    api, printer = connect(options)
    with api:
        printer.many(api.get(api.team("transfers")), _COLUMNS)
    return Exit.OK


@app.command
def get(transfer: str, /, *, options: Options = DEFAULTS) -> int:
    """The configuration of a transfer.

    For example:

        dayfill transfer get 1 -o json

    Args:
        transfer: Id or name.
    """
    api, printer = connect(options)
    with api:
        printer.one(api.get(api.team(f"transfers/{transfer_id(api, transfer)}")))
    return Exit.OK


@app.command
def create(
    name: str,
    /,
    *,
    source: str,
    destination: str,
    table: str | None = None,
    table_group: int | None = None,
    set: Many = (),
    account: Many = (),
    schedule: Interval | None = None,
    hour: int = 0,
    weekday: int = 1,
    month_day: int = 1,
    refresh_window: int = 1,
    options: Options = DEFAULTS,
) -> int:
    """A new transfer. Name its tables with --table, or take a table group with declared columns.

    For example:

        dayfill transfer create Weather --source FILES --destination warehouse \\
            --table weather --set path=/data/weather.csv --set date_column=date \\
            --schedule daily --hour 6 --refresh-window 3

    Args:
        name: What people call it; no two of a team are alike.
        source: Id of the kind of source; see `dayfill source list`.
        destination: Id or name.
        table: Tables to load, their columns as the source has them; several with commas between.
        table_group: Id of a table group instead of --table.
        set: Setting of the source: NAME=TEXT, NAME:=JSON for numbers and true/false, NAME=@FILE; may be repeated.
        account: Account id at the source; may be repeated.
        schedule: How often the last days are loaded again; none = only when asked.
        hour: Hour of the day in UTC, 0 to 23.
        weekday: 1 = Monday to 7 = Sunday, for weekly.
        month_day: 1 to 31, for monthly; past the month's end it means the last day.
        refresh_window: How many days are loaded again, today included.
    """
    if (table is None) == (table_group is None):
        raise usage("Name the tables with --table, or a table group with --table-group: one of the two.")
    values = pairs(set, "--set")
    timing = timed(schedule, hour, weekday, month_day, refresh_window)
    api, printer = connect(options)
    with api:
        body = {
            "data_source_id": source,
            "destination_id": destination_id(api, destination),
            "schema_id": _import_tables(api, source, name, table) if table else table_group,
            "display_name": name,
            "schedule": timing,
            "accounts": [{"account_id": one, "data_source_username": "", "login_id": 0} for one in account],
            "data_source_settings": [{"field_id": key, "value": value} for key, value in values.items()],
        }
        printer.one(api.send("POST", api.team("transfers"), body))
    return Exit.OK


@app.command
def change(
    transfer: str,
    /,
    *,
    name: str | None = None,
    set: Many = (),
    unset: Many = (),
    schedule: Interval | Literal["none"] | None = None,
    hour: int | None = None,
    weekday: int | None = None,
    month_day: int | None = None,
    refresh_window: int | None = None,
    options: Options = DEFAULTS,
) -> int:
    """Change the name, settings or schedule of a transfer; what is not named stays.

    Days that were loaded with other settings become stale; `dayfill backfill create ... --only stale` loads them again.

    For example:

        dayfill transfer change Weather --set path=/data/new.csv --unset delimiter
        dayfill transfer change Weather --schedule daily --hour 4

    Args:
        transfer: Id or name.
        name: Its new name.
        set: Setting of the source, as in `dayfill transfer create`; may be repeated.
        unset: Setting of the source that gets its default again; may be repeated.
        schedule: How often the last days are loaded again; none = only when asked.
        hour: Hour of the day in UTC, 0 to 23.
        weekday: 1 = Monday to 7 = Sunday, for weekly.
        month_day: 1 to 31, for monthly; past the month's end it means the last day.
        refresh_window: How many days are loaded again, today included.
    """
    values = pairs(set, "--set")
    timing = {"run_hour": hour, "run_weekday": weekday, "run_day": month_day, "refresh_window": refresh_window}
    api, printer = connect(options)
    with api:
        path = api.team(f"transfers/{transfer_id(api, transfer)}")
        body = changed(api.get(path), name, values, unset)
        body["schedule"] = retimed(body["schedule"], schedule, timing)
        printer.one(api.send("PUT", path, body))
    return Exit.OK


@app.command
def run(transfer: str, /, *, options: Options = DEFAULTS) -> int:
    """Load the refresh window now, before everything else that waits.

    For example:

        dayfill transfer run 1

    Args:
        transfer: Id or name.
    """
    api, printer = connect(options)
    with api:
        printer.one(api.send("POST", api.x(f"transfers/{transfer_id(api, transfer)}/runs")))
    return Exit.OK


@app.command
def pause(transfer: str, /, *, options: Options = DEFAULTS) -> int:
    """Stop the schedule of a transfer; backfills go on.

    For example:

        dayfill transfer pause 1

    Args:
        transfer: Id or name.
    """
    return _move(transfer, "pause", options)


@app.command
def resume(transfer: str, /, *, options: Options = DEFAULTS) -> int:
    """Go on with the schedule of a transfer at its next slot.

    For example:

        dayfill transfer resume 1

    Args:
        transfer: Id or name.
    """
    return _move(transfer, "unpause", options)


@app.command
def delete(transfer: str, /, *, options: Options = DEFAULTS) -> int:
    """Delete a transfer and cancel its backfills; loaded tables stay.

    For example:

        dayfill transfer delete 1 -y

    Args:
        transfer: Id or name.
    """
    api, printer = connect(options)
    with api:
        confirm(options, f"Delete transfer {transfer}?")
        api.send("DELETE", api.team(f"transfers/{transfer_id(api, transfer)}"))
        printer.note(f"Deleted transfer {transfer}.")
    return Exit.OK


def _move(transfer: str, state: str, options: Options) -> int:
    api, printer = connect(options)
    with api:
        path = api.team(f"transfers/{transfer_id(api, transfer)}/state")
        printer.one(api.send("PUT", path, {"transfer_state": state}))
    return Exit.OK


def _import_tables(api: Api, source: str, name: str, table: str) -> int:
    """A table group of tables whose columns the source decides; returns its schema id."""
    tables = [{"table_name": one.strip(), "fields": []} for one in table.split(",") if one.strip()]
    for group_name in names_beside(name):
        group = {"group_name": group_name, "ds_id": source, "table_prefix": ""}
        try:
            made = api.send(
                "POST", "/table/group/import", {"version": 1, "group": group, "tables": tables, "fields": []}
            )
        except CommandError as error:
            if error.code != "SCHEMA_NAME_DUPLICATE":
                raise
        else:
            return int(made["schema_id"])
    raise CommandError(
        f"Table groups named {name} to {group_name} are there already.",
        hint="Give the transfer another name, or take one of them with --table-group.",
    )
