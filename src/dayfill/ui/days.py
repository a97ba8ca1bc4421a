"""The calendar as a table, for readers of screens and where no script runs: each number leads to its days."""

from __future__ import annotations

from calendar import monthrange
from datetime import date

from starlette.responses import Response

from dayfill.domain.days import FIRST_DAY, LAST_DAY, DayRange, vector
from dayfill.errors import Malformed
from dayfill.ui import words
from dayfill.ui.transfer import days_of, known
from dayfill.ui.visit import Visit


async def page(visit: Visit) -> Response:
    """Days of each state by month; with a month, those of its days that are in a state."""
    transfer, span = await known(visit), month_of(visit)
    found = await days_of(visit, transfer.transfer_id)
    states = vector(found.span, found.states) if found.span else ""
    if span is None:
        months = words.month_counts(found.span.start if found.span else None, states)
        return visit.page("days_table.html", transfer=transfer, months=months, names=words.NAMES)
    shown = visit.request.query_params.get("show", "")
    wanted = {state.value for state, name in words.NAMES.items() if shown in ("", name)}
    if not wanted:
        raise Malformed("This link names no state of days. Go back to the table and choose a number.")
    days = [
        (day, state)
        for day, state in zip(found.span or (), states, strict=True)
        if state in wanted and span.start <= day <= span.end
    ]
    names, month = words.NAMES_BY_LETTER, f"{span.start:%Y-%m}"
    return visit.page("days_of_month.html", transfer=transfer, month=month, days=days, shown=shown, names=names)


def month_of(visit: Visit) -> DayRange | None:
    """The days of the month that the address names, None if it names none.

    Raises:
        Malformed: it is not a month.
    """
    text = visit.request.query_params.get("month", "")
    if not text:
        return None
    try:
        first = date.fromisoformat(f"{text}-01") if len(text) == len("2024-06") else FIRST_DAY
        if FIRST_DAY < first <= LAST_DAY:
            return DayRange(first, first.replace(day=monthrange(first.year, first.month)[1]))
    except ValueError:
        pass
    raise Malformed("The month in this link cannot be read: write it like 2024-06.")
