"""``dayfill serve`` and ``dayfill init``: an installation with nothing but a data directory."""

from __future__ import annotations

import os

from dayfill import app
from dayfill.app import Running, open_state
from dayfill.app.patience import patiently
from dayfill.cli.exits import Exit
from dayfill.cli.installation import client_lines, first_key
from dayfill.cli.logs import log_to_stderr
from dayfill.cli.loop import on_uvloop
from dayfill.cli.options import LOCAL_DEFAULTS, LocalOptions
from dayfill.cli.output import Printer
from dayfill.cli.session import first_link
from dayfill.settings import Settings, read_settings


@on_uvloop
async def serve(*, bind: str | None = None, executor: str | None = None, options: LocalOptions = LOCAL_DEFAULTS) -> int:
    """The server: API, pages, dispatcher and workers in one process.

    The first start in an empty directory makes a team, its owner and an API key, which is printed once, with a link
    that signs the owner in at the pages. Later links: `dayfill sign-in-link`. Ctrl-C lets
    the days under way end and stops; a second Ctrl-C stops at once, which loses nothing either.

    For example:

        dayfill serve
        dayfill serve --data-dir /srv/dayfill --bind 127.0.0.1:9000
        dayfill serve --executor ray://head.example.com:10001

    Args:
        bind: Address to listen on, HOST:PORT (DAYFILL_BIND), else 127.0.0.1:8484.
        executor: What loads besides this process: ray://HOST:PORT, or ray:auto on a node (DAYFILL_EXECUTOR).
    """
    settings = read_settings(data_dir=options.data_dir, bind=bind, state=options.state, executor=executor)
    log_to_stderr(settings.log_level)
    printer = options.printer()

    async def on_ready(running: Running) -> None:
        printer.note(f"dayfill serves {running.url} from {running.state.data_dir}. Ctrl-C stops it.")
        made = await patiently(lambda: first_key(running.state))
        if made is not None:
            team_id, key = made
            for line in _key_lines(running.url, team_id, key.text):
                printer.always(line)
            printer.always(f"Pages, signed in once within 15 minutes: {running.url}{await first_link(running.state)}")

    if not await app.serve(settings, on_ready=on_ready):
        printer.note("Days that were still being loaded are loaded again after the next start.")
        os._exit(Exit.OK)  # not return: the interpreter waits for the threads of what hangs
    return Exit.OK


async def init(*, options: LocalOptions = LOCAL_DEFAULTS) -> int:
    """Set up a data directory without serving: a team, its owner and the first API key, which is printed once.

    For example:

        dayfill init --data-dir /srv/dayfill

    """
    settings = options.settings()
    printer = options.printer()
    async with open_state(settings) as state:
        made = await first_key(state)
    if made is None:
        printer.note(f"{settings.data_dir} is set up already; nothing was changed.")
        return Exit.OK
    team_id, key = made
    printer.note(f"Set up {settings.data_dir}. Start the server: dayfill serve --data-dir {settings.data_dir}")
    _show_key(printer, settings, team_id, key.text)
    return Exit.OK


def _show_key(printer: Printer, settings: Settings, team_id: int, api_key: str) -> None:
    for line in _key_lines(f"http://{settings.host}:{settings.port}", team_id, api_key):
        printer.always(line)


def _key_lines(url: str, team_id: int, api_key: str) -> list[str]:
    return [f"API key of team {team_id}, shown only now: {api_key}", *client_lines(url, team_id, api_key)]
