"""``dayfill source``: what can be read, and where it can go."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from dayfill.cli.client import connect
from dayfill.cli.exits import Exit
from dayfill.cli.options import DEFAULTS, Options

app = App(name="source", help="Kinds of data sources that this server can read.")


@app.command(name="list")
def list_(
    *,
    destinations: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    options: Options = DEFAULTS,
) -> int:
    """The kinds of data sources, by their ids.

    For example:

        dayfill source list
        dayfill source list --destinations

    Args:
        destinations: The kinds of destinations instead.
    """
    api, printer = connect(options)
    with api:
        found = api.get(api.team("transfers/available-sources"))
    if destinations:
        printer.many(found["destination_types"], {"TYPE": "type", "TITLE": "title"})
    else:
        columns = {"ID": "data_source_id", "NAME": "service_name", "INTO": "applicable_destinations"}
        printer.many(found["data_sources"], columns)
    return Exit.OK
