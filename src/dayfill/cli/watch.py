"""Wait for a backfill: a live line on a terminal, log lines elsewhere; Ctrl-C detaches and never cancels."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack

from dayfill.cli.client import Api
from dayfill.cli.exits import Exit
from dayfill.cli.follow import follow
from dayfill.cli.output import Printer
from dayfill.cli.screen import Log, Screen
from dayfill.cli.summary import EXITS, Backfill, result_lines, seconds_taken
from dayfill.seams import Seams, system_seams


def wait_for(api: Api, printer: Printer, backfill_id: int, timeout: float | None) -> Exit:
    """Follow the backfill to its end and print how it went; returns how the command ends."""
    seams = system_seams()
    last: Backfill | None = None
    try:
        for reading in _shown(follow(api, backfill_id, timeout, seams.monotonic, time.sleep), printer, seams):
            last = reading
    except KeyboardInterrupt:
        printer.note(f"\nDetached; backfill {backfill_id} goes on.")
        return _leave(printer, backfill_id, Exit.INTERRUPTED)
    except TimeoutError:
        printer.note("The time limit of --timeout has come; the backfill goes on.")
        return _leave(printer, backfill_id, Exit.TIMED_OUT)
    if last is None:
        return Exit.ERROR
    for line in result_lines(last, seconds_taken(last, seams.now()), f"{api.url}/backfills/{backfill_id}"):
        printer.note(line)
    if printer.output == "json":
        printer.one(last)
    return EXITS[last["status"]]


def _shown(readings: Iterator[Backfill], printer: Printer, seams: Seams) -> Iterator[Backfill]:
    """The readings, shown on stderr as they come; ``-o ndjson`` prints each change on stdout."""
    log = Log()
    before: Backfill | None = None
    with ExitStack() as stack:
        lines_in_the_way = printer.output == "ndjson" and sys.stdout.isatty()
        live = sys.stderr.isatty() and not printer.quiet and not lines_in_the_way
        screen = stack.enter_context(Screen(printer.console(stderr=True))) if live else None
        for reading in readings:
            moment = seams.monotonic()
            if screen:
                screen.show(reading, moment)
            else:
                for line in log.lines(reading, moment, seams.now()):
                    printer.note(line)
            if printer.output == "ndjson" and reading != before:
                printer.one(reading)
            before = reading
            yield reading


def _leave(printer: Printer, backfill_id: int, code: Exit) -> Exit:
    printer.note(f"Watch it: dayfill backfill watch {backfill_id}")
    printer.note(f"Cancel it: dayfill backfill cancel {backfill_id}")
    return code
