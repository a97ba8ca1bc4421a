"""``dayfill state``: where the state of an installation is kept."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from dayfill.app import STATE_FILE
from dayfill.app.holding import only_server
from dayfill.app.state import moved
from dayfill.cli.exits import CommandError, Exit
from dayfill.cli.installation import existing
from dayfill.cli.options import LOCAL_DEFAULTS, LocalOptions
from dayfill.settings import read_settings

app = App(name="state", help="Where the state of this installation is kept.")


@app.command
async def copy(*, to: Annotated[str, Parameter(show_default=False)], options: LocalOptions = LOCAL_DEFAULTS) -> int:
    """Copy the state of a data directory into an empty PostgreSQL database, from which servers go on with it.

    The server must be stopped. All is copied in one transaction and counted, and the rules of a state are checked
    there; if anything is wrong, the target stays empty. Keys, sealed credentials and ids stay as they are: the same
    keyring opens them. The file is left where it is. Serve only one of the two: they would load the same tables.

    For example:

        dayfill state copy --to postgresql://dayfill@db.example.com/dayfill \\
            --data-dir /srv/dayfill

    Args:
        to: Address of the database, as DAYFILL_STATE has it.
    """
    settings, printer = options.settings(), options.printer()
    if settings.state is not None:
        raise CommandError("The state is in PostgreSQL already; pg_dump and pg_restore move it from there.", Exit.SETUP)
    directory = existing(settings)
    target = read_settings(data_dir=directory, state=to)
    with only_server(directory):
        counts = await moved(settings, target)
    printer.many([{"table": table, "rows": rows} for table, rows in counts.items()], {"TABLE": "table", "ROWS": "rows"})
    printer.note(f"From now on: export DAYFILL_STATE=... and dayfill serve --data-dir {directory}")
    printer.note(f"Keep {directory / STATE_FILE} as a backup, and do not serve it again.")
    return Exit.OK
