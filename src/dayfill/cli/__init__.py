"""The operator's door: ``dayfill NOUN VERB``. Data on stdout, everything else on stderr.

Each noun is one file, imported only when its command is called, so that no client command loads the server.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from dayfill import __version__
from dayfill.cli.exits import CommandError, Exit
from dayfill.errors import DayfillError, SetupError

_HELP = """Data-warehouse transfers and backfills, one data date at a time.

For example:

    dayfill demo
    dayfill serve
    dayfill backfill create 1 -30d --wait
"""

_COMMANDS = {
    "demo": ("demo:demo", "A server with two running backfills, to look at: nothing to set up, nothing stays behind."),
    "serve": ("serve:serve", "The server: API, pages, dispatcher and workers in one process."),
    "init": ("serve:init", "Set up a data directory without serving: a team, its owner and the first API key."),
    "team": ("team:app", "Teams of this installation."),
    "member": ("member:app", "Who is in the teams of this installation, and in which role."),
    "key": ("key:app", "API keys of this installation."),
    "sign-in-link": (
        "session:sign_in_link",
        "Print a link that signs a user in at the pages: once, within 15 minutes.",
    ),
    "session": ("session:app", "Who is signed in at the pages of this installation."),
    "audit": ("audit:audit", "Who did what: requests, pages, this command line, and decisions of the dispatcher."),
    "keyring": ("keyring:app", "Keys by which this installation seals its secrets."),
    "transfer": ("transfer:app", "Transfers: what is copied, from where, to where, when."),
    "backfill": ("backfill:app", "Backfills: ranges of days, done again, newest first."),
    "days": ("days:days", "Every day of a transfer: loaded, stale, failed, running, queued or missing."),
    "destination": ("destination:app", "Destinations: where the tables are."),
    "source": ("source:app", "Kinds of data sources that this server can read."),
    "state": ("state:app", "Where the state of this installation is kept."),
    "backup": ("backup:backup", "Copy state, keyring and settings into a new directory, while the server runs or not."),
    "verify": ("verify:verify", "Read loaded days again, and compare source, ledger and table."),
    "doctor": (
        "doctor:doctor",
        "Check state, ledgers, tables, permissions and disk; mend it with --repair.",
    ),
}


def build_app(called: str = "") -> App:
    """The whole command tree; the nouns are not imported yet.

    called: the command whose own help counts, instead of its line in the list.
    """
    app = App(
        name="dayfill",
        help=_HELP,
        version=__version__,
        help_format="plaintext",
        result_action="return_value",
        suppress_keyboard_interrupt=False,
    )
    for name, (target, summary) in _COMMANDS.items():
        app.command(f"dayfill.cli.{target}", name=name, help=None if name == called else summary)
    return app


def run(tokens: Sequence[str]) -> int:
    """Run one command line; returns its exit code (`Exit`)."""
    try:
        app = build_app(*tokens[:1])
        code = app(list(tokens), exit_on_error=False, print_error=False)
        return int(code or 0)
    except CycloptsError as error:
        error.verbose = False
        return _say(str(error).strip(), Exit.USAGE, "Add --help to see what a command takes.")
    except CommandError as error:
        return _say(str(error), error.exit, error.hint)
    except SetupError as error:
        return _say(str(error), Exit.SETUP)
    except DayfillError as error:
        return _say(str(error), Exit.ERROR)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:  # the reader of stdout has gone (`| head`)
        sys.stderr.close()
        return Exit.ERROR


def main() -> None:
    """Entry point of the ``dayfill`` script."""
    sys.exit(run(sys.argv[1:]))


def _say(message: str, code: Exit, hint: str = "") -> Exit:
    print(f"dayfill: {message}", *([hint] if hint else []), sep="\n", file=sys.stderr)
    return code
