"""Ask before something is taken away."""

from __future__ import annotations

import sys

from dayfill.cli.exits import CommandError, usage
from dayfill.cli.options import Options


def confirm(options: Options, question: str) -> None:
    """Return if the person agrees; without a terminal ``--yes`` must have said so.

    Raises:
        CommandError: not agreed, or nobody to ask.
    """
    if options.yes:
        return
    if not sys.stdin.isatty():
        raise usage(f"{question} There is no terminal to ask.", "Add --yes to do it.")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise CommandError("Nothing was changed.")
