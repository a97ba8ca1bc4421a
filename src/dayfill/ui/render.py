"""Templates: everything that is put into one is text, unless a template of ours says that it is markup."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from dayfill import __version__
from dayfill.domain.days import WHOLE, name_of
from dayfill.ui import assets, strip

NOTHING = "\N{EN DASH}"
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def number(value: float | None) -> str:
    """With commas between thousands; a dash for nothing."""
    return NOTHING if value is None else f"{value:,}"


def short_number(value: int | None) -> str:
    """Three digits and a unit: 2.98M."""
    if value is None:
        return NOTHING
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**4, "k")):
        if value >= size:
            scaled = value / (10**3 if unit == "k" else size)
            return f"{scaled:.3g}{unit}" if scaled < 1000 else f"{scaled:,.0f}{unit}"
    return f"{value:,}"


def percent(part: int, whole: int) -> str:
    """One decimal, rounded down: 100 means that all is there."""
    return "0" if whole <= 0 else f"{int(1000 * part / whole) / 10:g}"


def lasting(seconds: float | timedelta | None) -> str:
    """A duration in its two largest units: 1 h 20 min."""
    if seconds is None:
        return NOTHING
    left = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
    if left < 10:
        return f"{max(left, 0.0):.1f} s"
    parts: list[tuple[int, str]] = []
    rest = round(left)
    for size, unit in _UNITS:
        count, rest = divmod(rest, size)
        if count or parts:
            parts.append((count, unit))
    return " ".join(f"{count} {unit}" for count, unit in parts[:2] if count)


def moment(value: datetime | None) -> Markup:
    """A clock time: in UTC until the browser shows it in its own zone, with UTC in the tooltip."""
    if value is None:
        return escape(NOTHING)
    at = value.astimezone(UTC)
    return Markup('<time datetime="{}" title="{} UTC" data-clock>{} UTC</time>').format(
        f"{at:%Y-%m-%dT%H:%M:%SZ}", f"{at:%Y-%m-%d %H:%M:%S}", f"{at:%Y-%m-%d %H:%M}"
    )


def day(value: date | None) -> Markup:
    """A data date: a plain date of the source's zone, never converted."""
    if value is None or value == WHOLE:
        return escape(NOTHING if value is None else name_of(WHOLE))
    return Markup('<time datetime="{0}">{0}</time>').format(value.isoformat())


def plural(count: int, one: str, many: str = "") -> str:
    """A number with its noun: 1 day, 2 days."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(texts: Iterable[object]) -> Markup:
    return Markup(", ").join(escape(text) for text in texts)


_environment = Environment(
    loader=PackageLoader("dayfill", "ui/templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_environment.filters |= {
    "number": number,
    "short_number": short_number,
    "lasting": lasting,
    "moment": moment,
    "day": day,
    "listed": listed,
}
_environment.globals |= {
    "static": assets.url,
    "mark": assets.MARK,
    "percent": percent,
    "bars": strip.bars,
    "plural": plural,
    "version": __version__,
}


def page(template: str, **values: Any) -> str:
    """A template, filled in."""
    return _environment.get_template(template).render(**values)
