"""``dayfill destination``: the databases that tables are loaded into."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import App, Parameter

from dayfill.cli.client import Api, connect
from dayfill.cli.confirm import confirm
from dayfill.cli.exits import CommandError, Exit
from dayfill.cli.options import DEFAULTS, Options
from dayfill.cli.pairs import pairs

app = App(name="destination", help="Destinations: where the tables are.")

Fields = Annotated[tuple[str, ...], Parameter("--field", negative=(), show_default=False)]


@app.command(name="list")
def list_(*, options: Options = DEFAULTS) -> int:
    """The destinations of the team.

    For example:

        dayfill destination list
    """
    api, printer = connect(options)
    with api:
        printer.many(api.get(api.team("destinations")), {"ID": "id", "NAME": "display_name", "TYPE": "type"})
    return Exit.OK


@app.command
def get(destination: str, /, *, options: Options = DEFAULTS) -> int:
    """One destination; secrets are never shown.

    For example:

        dayfill destination get warehouse -o json

    Args:
        destination: Id or name.
    """
    api, printer = connect(options)
    with api:
        printer.one(api.get(api.team(f"destinations/{destination_id(api, destination)}")))
    return Exit.OK


@app.command
def create(name: str, /, *, type: str, field: Fields = (), options: Options = DEFAULTS) -> int:
    """A new destination.

    For example:

        dayfill destination create warehouse --type DWH_DUCKDB \\
            --field path=/data/warehouse.duckdb

    Args:
        name: What people call it; no two of a team are alike.
        type: Such as DWH_DUCKDB; see `dayfill source list --destinations`.
        field: NAME=TEXT, NAME:=JSON, or NAME=@FILE for a secret; may be repeated.
    """
    api, printer = connect(options)
    with api:
        body = {"type": type, "display_name": name, "fields": pairs(field, "--field")}
        printer.one(api.send("POST", api.team("destinations"), body))
    return Exit.OK


@app.command
def test(destination: str, /, *, options: Options = DEFAULTS) -> int:
    """Try whether the server can reach and write a destination; exit 1 if not.

    For example:

        dayfill destination test warehouse

    Args:
        destination: Id or name.
    """
    api, printer = connect(options)
    with api:
        found = api.get(api.team(f"destinations/{destination_id(api, destination)}"))
        result = api.send("POST", api.team("destinations/test-connection"), _test_body(found))
        printer.one(result)
    if result["success"]:
        return Exit.OK
    raise CommandError(f"{found['display_name']} cannot be used: {result['error']}")


@app.command
def delete(destination: str, /, *, options: Options = DEFAULTS) -> int:
    """Forget a destination that no transfer uses; its tables stay.

    For example:

        dayfill destination delete warehouse -y

    Args:
        destination: Id or name.
    """
    api, printer = connect(options)
    with api:
        confirm(options, f"Delete destination {destination}?")
        api.send("DELETE", api.team(f"destinations/{destination_id(api, destination)}"))
        printer.note(f"Deleted destination {destination}.")
    return Exit.OK


def destination_id(api: Api, destination: str) -> int:
    """The id of a destination that a person named by id or by its name."""
    if destination.isascii() and destination.isdigit():
        return int(destination)
    found = [one["id"] for one in api.get(api.team("destinations")) if one["display_name"] == destination]
    if not found:
        raise CommandError(
            f"Team {api.team_id} has no destination named {destination!r}.", hint="See `dayfill destination list`."
        )
    return int(found[0])


def _test_body(found: dict[str, Any]) -> dict[str, Any]:
    """The stored destination as a body to test; the server fills in the secrets."""
    fields = {one["id"]: one["value"] for one in found["edit_settings"] if one.get("value") is not None}
    named = {"display_name": found["display_name"], "type": found["destination_type"]["type"], "fields": fields}
    return named | {"destination_id": found["id"]}
