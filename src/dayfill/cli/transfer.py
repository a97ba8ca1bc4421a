"""``dayfill transfer``: what is copied, from where, to where, when."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from dayfill.cli.client import Api, connect, transfer_id
from dayfill.cli.confirm import confirm
from dayfill.cli.destination import destination_id
from dayfill.cli.exits import CommandError, Exit, usage
from dayfill.cli.options import DEFAULTS, Options
from dayfill.cli.output import Printer
from dayfill.cli.pairs import pairs
from dayfill.cli.transfer_body import Interval, changed, import_tables, retimed, timed

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
    test: Annotated[bool, Parameter(negative="--no-test", show_default=False)] = True,
    options: Options = DEFAULTS,
) -> int:
    """A new transfer. Name its tables with --table, or take a table group with declared columns.

    Once it is made its source is looked at, as by `dayfill transfer test`: what is wrong is said, the transfer stays.

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
        test: Look at the source; --no-test saves the two seconds that it takes at least.
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
            "schema_id": import_tables(api, source, name, table) if table else table_group,
            "display_name": name,
            "schedule": timing,
            "accounts": [{"account_id": one, "data_source_username": "", "login_id": 0} for one in account],
            "data_source_settings": [{"field_id": key, "value": value} for key, value in values.items()],
        }
        made = api.send("POST", api.team("transfers"), body)
        printer.one(made)
        if test:
            _warn(api, printer, made["transfer_id"])
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


@app.command(name="test")
def test_(transfer: str, /, *, options: Options = DEFAULTS) -> int:
    """Try whether the server can read the source of a transfer: it is asked for its columns; exit 1 if not.

    For example:

        dayfill transfer test Weather

    Args:
        transfer: Id or name.
    """
    api, printer = connect(options)
    with api:
        result = _test(api, transfer_id(api, transfer))
        printer.one(result)
    if result["success"]:
        return Exit.OK
    raise CommandError(f"The source cannot be read: {result['error']}")


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


def _test(api: Api, transfer: int) -> dict[str, Any]:
    found: dict[str, Any] = api.send("POST", api.x(f"transfers/{transfer}/test"))
    return found


def _warn(api: Api, printer: Printer, transfer: int) -> None:
    """Say what is wrong with the source of a new transfer. That stays, for the source may come to be."""
    try:
        result = _test(api, transfer)
    except CommandError as error:
        printer.always(f"Warning: nobody has looked at the source: {error}")
        return
    if not result["success"]:
        printer.always(f"Warning: the source cannot be read now: {result['error']}")
        again = f"`dayfill transfer test {transfer}`"
        printer.always(f"Mend it there, or by `dayfill transfer change {transfer} --set ...`; then {again}.")
