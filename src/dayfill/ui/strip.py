"""Small pictures of days and rows, as SVG: one path per state and no style, however many days there are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from markupsafe import Markup

from dayfill.domain.days import DayRange

PITCH, CELL, HEIGHT = 7, 6, 14
_ORDER = "lsfrq."
_NAMES = {"l": "loaded", "s": "stale", "f": "failed", "r": "running", "q": "queued", ".": "missing"}


def _cell(state: str, x: int) -> str:
    """The outline of one day: each state has a shape of its own, so that colour is not needed."""
    match state:
        case "l":
            return f"M{x} 1h{CELL}v12h-{CELL}z"
        case "s":
            return f"M{x} 1h3l3 4v8h-{CELL}z"
        case "f":
            cross = "l1.2-1 .8 1.4.8-1.4 1.2 1-1.1 2 1.1 2-1.2 1-.8-1.4-.8 1.4-1.2-1 1.1-2z"
            return f"M{x} 1h{CELL}v12h-{CELL}zM{x + 1} 5{cross}"
        case "r":
            return f"M{x + 3} 1l3 6-3 6-3-6z"
        case "q":
            return f"M{x + 1} 5h4v4h-4z"
        case _:
            return f"M{x + 0.5} 1.5h5v11h-5z"


def strip(states: str, span: DayRange) -> Markup:
    """The days of a span beside each other, oldest first. states: one character a day."""
    paths = []
    for state in _ORDER:
        outline = "".join(_cell(state, at * PITCH) for at, one in enumerate(states) if one == state)
        if outline:
            name = "m" if state == "." else state
            paths.append(Markup('<path class="key-{}" d="{}"/>').format(name, outline))
    counts = ", ".join(f"{states.count(one)} {_NAMES[one]}" for one in _ORDER if one in states)
    label = f"{span.start} to {span.end}: {counts or 'nothing'}"
    return Markup(
        '<svg class="strip" role="img" viewBox="0 0 {} {}" preserveAspectRatio="none" aria-label="{}"><title>{}</title>'
        "{}</svg>"
    ).format(len(states) * PITCH, HEIGHT, label, label, Markup("").join(paths))


def bars(rows: Mapping[date, int], span: DayRange, height: int = 72) -> Markup:
    """Rows of each day of a span as bars, with the greatest number as a line above."""
    most = max((rows.get(day, 0) for day in span), default=0)
    outline = "".join(
        f"M{at * 10 + 1} {height}v-{max(height * count / most, 1):.1f}h8v{max(height * count / most, 1):.1f}z"
        for at, day in enumerate(span)
        if most and (count := rows.get(day, 0))
    )
    label = f"Rows of each day from {span.start} to {span.end}, at most {most:,}"
    return Markup(
        '<svg class="bars" role="img" viewBox="0 0 {} {}" preserveAspectRatio="none" aria-label="{}"><title>{}</title>'
        '<path d="{}"/></svg>'
    ).format(len(span) * 10, height, label, label, outline)
