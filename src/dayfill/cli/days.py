"""``dayfill days``: the calendar of a transfer in the terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Literal, NamedTuple

from cyclopts import Parameter
from rich.text import Text

from dayfill.cli.client import connect, transfer_id
from dayfill.cli.dates import span
from dayfill.cli.exits import Exit
from dayfill.cli.options import DEFAULTS, Options
from dayfill.cli.output import Printer
from dayfill.cli.summary import days_text
from dayfill.seams import system_seams

State = Literal["loaded", "stale", "failed", "running", "queued", "missing"]
Day = Annotated[str | None, Parameter(allow_leading_hyphen=True)]


class _Look(NamedTuple):
    """How a state is shown. code: its character on the wire. basic: for a terminal without UTF-8."""

    code: str
    shape: str
    basic: str
    colour: str


_LOOKS: dict[State, _Look] = {
    "loaded": _Look("l", "█", "#", "green"),
    "stale": _Look("s", "◩", "~", "yellow"),
    "failed": _Look("f", "×", "x", "red"),  # noqa: RUF001  a cross is what it should look like
    "running": _Look("r", "◆", "*", "bright_blue"),
    "queued": _Look("q", "·", ".", "blue"),
    "missing": _Look(".", "□", "_", "bright_black"),
}
_BY_CODE = {look.code: state for state, look in _LOOKS.items()}
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def days(
    transfer: str,
    /,
    *,
    state: Annotated[tuple[State, ...], Parameter(negative=(), show_default=False)] = (),
    year: int | None = None,
    from_: Annotated[Day, Parameter("--from", allow_leading_hyphen=True)] = None,
    to: Day = None,
    options: Options = DEFAULTS,
) -> int:
    """Every day of a transfer: loaded, stale, failed, running, queued or missing.

    A calendar on a terminal, a row for each weekday and a column for each week; a list of days with -o json.

    For example:

        dayfill days 1 --year 2013
        dayfill days "Demo Ads" --state failed -o json

    Args:
        transfer: Id or name.
        state: Only days in this state; may be repeated.
        year: Only this year.
        from_: First day, as in `backfill create`.
        to: Last day.
    """
    today = system_seams().now().date()
    window = _window(year, from_, to, today)
    api, printer = connect(options)
    with api:
        path = api.x(f"transfers/{transfer_id(api, transfer)}/days")
        found = api.get(path, **{name: str(day) for name, day in window.items()})
    by_day = _by_day(found)
    chosen = {day: one for day, one in by_day.items() if not state or one in state}
    if printer.output == "table":
        _draw(printer, chosen, by_day)
    else:
        printer.many([{"date": str(day), "state": one} for day, one in chosen.items()], {})
    return Exit.OK


def _window(year: int | None, from_: str | None, to: str | None, today: date) -> dict[str, date]:
    """The query of the days route."""
    window = {}
    if year is not None:
        window = {"from": date(year, 1, 1), "to": date(year, 12, 31)}
    if from_ is not None:
        window["from"] = span(from_, today)[0]
    if to is not None:
        window["to"] = span(to, today)[1]
    return window


def _by_day(found: Mapping[str, str]) -> dict[date, State]:
    """Days in order with their states, from the vector of the wire."""
    if not found["states"]:
        return {}
    first = date.fromisoformat(found["start_date"])
    return {first + timedelta(days=index): _BY_CODE[char] for index, char in enumerate(found["states"])}


def _draw(printer: Printer, chosen: Mapping[date, State], by_day: Mapping[date, State]) -> None:
    console = printer.console()
    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    if not by_day:
        printer.note("No day of this transfer has been asked for yet.")
    for year in sorted({day.year for day in by_day}, reverse=True):
        for line in _year(year, {day: one for day, one in chosen.items() if day.year == year}, unicode):
            console.print(line)
    for state in _LOOKS:
        of = [day for day, one in chosen.items() if one == state]
        if of:
            listed = days_text(of) if state in ("failed", "stale", "missing") else ""
            console.print(_shape(state, unicode).append(f" {len(of):>6,} {state:<8} {listed}", style="default"))


def _shape(state: State | None, unicode: bool) -> Text:
    if state is None:
        return Text(" ")
    look = _LOOKS[state]
    return Text(look.shape if unicode else look.basic, style=look.colour)


def _year(year: int, states: Mapping[date, State], unicode: bool) -> list[Text]:
    """Month names, then a line for each weekday; a column is a week from Monday."""
    first = date(year, 1, 1)
    monday = first - timedelta(days=first.weekday())
    weeks = (date(year, 12, 31) - monday).days // 7 + 1
    head = [" "] * (weeks + 4)
    for month in range(1, 13):
        column = (date(year, month, 1) - monday).days // 7
        head[column : column + 3] = date(year, month, 1).strftime("%b")
    lines = [Text(f"{year} {''.join(head)}".rstrip(), style="bold")]
    for weekday, name in enumerate(_WEEKDAYS):
        days_of = [states.get(monday + timedelta(days=7 * week + weekday)) for week in range(weeks)]
        lines.append(Text.assemble(f"{name}  ", *(_shape(state, unicode) for state in days_of)))
    return lines
