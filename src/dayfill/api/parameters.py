"""Reading of query parameters and of dates in bodies; each error names the parameter and the form that it needs."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar

import msgspec

from dayfill.api.wire import Call
from dayfill.domain.days import DayRange, parse_day
from dayfill.domain.ids import LARGEST_ID
from dayfill.errors import Malformed, Refused

Text = TypeVar("Text", bound=str)

_MICROSECOND = timedelta(microseconds=1)


def integer(call: Call, name: str, *, lowest: int, highest: int, default: int | None = None) -> int:
    """A whole number in the query; required if there is no default."""
    text = call.query.get(name)
    if text is None:
        if default is None:
            raise Malformed(f"The query parameter {name} is missing. Send a whole number from {lowest} to {highest}.")
        return default
    if text.isascii() and text.isdigit() and len(text) <= 19 and lowest <= int(text) <= highest:
        return int(text)
    raise Malformed(f"The query parameter {name} must be a whole number from {lowest} to {highest}.")


def flag(call: Call, name: str) -> bool:
    """``true`` or ``false``; absent means false."""
    return choice(call, name, ("false", "true")) == "true"


def choice(call: Call, name: str, values: Sequence[Text]) -> Text:
    """One of these texts; absent means the first."""
    text = call.query.get(name, values[0])
    for value in values:
        if value == text:
            return value
    raise Malformed(f"The query parameter {name} must be one of {', '.join(values)}.")


def cursor_after(*place: int) -> str:
    """The text by which a client asks for what follows this place of a list."""
    return urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def cursor(call: Call, length: int) -> list[int] | None:
    """The inverse of `cursor_after`, of so many numbers; None on the first page."""
    text = call.query.get("cursor")
    if text is None:
        return None
    try:
        place = msgspec.json.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=list[int])
    except (ValueError, msgspec.MsgspecError):
        place = []
    if len(place) != length or not all(abs(number) <= LARGEST_ID for number in place):
        raise no_cursor()
    return place


def no_cursor() -> Malformed:
    """What to raise for a cursor that stands for no place."""
    return Malformed(
        "The query parameter cursor is not one that this server gave. Send meta.next_cursor of the page before, or "
        "leave it out."
    )


def day(name: str, text: str) -> date:
    """A data date of a body or a query."""
    try:
        return parse_day(text)
    except ValueError as error:
        raise Malformed(f"{name}: {error}. Send one such as 2024-01-31.") from None


def instant(name: str, text: str) -> datetime:
    """A time of a body; without a zone it is in UTC."""
    try:
        read = datetime.fromisoformat(text)
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Malformed(f"{name}: {text[:50]!r} is not a time. Send one such as 2024-01-31T09:00:00Z.") from None


def span_of(start: str, end: str) -> DayRange:
    """The range of a body's range_start and range_end.

    Raises:
        Malformed: not dates. Refused: start lies after end.
    """
    first, last = day("range_start", start), day("range_end", end)
    try:
        return DayRange(first, last)
    except ValueError as error:
        raise Refused(
            f"The range is empty: range_start {error} (range_end). Send the earlier day as range_start."
        ) from None


def moment_from(call: Call, name: str) -> datetime | None:
    """The first instant that a date or time in the query means; None if it is absent."""
    text = call.query.get(name)
    return None if text is None else _moment(name, text)[0]


def moment_to(call: Call, name: str) -> datetime | None:
    """The last instant that a date or time in the query means: a bare date is the whole day, a second all of it."""
    text = call.query.get(name)
    return None if text is None else _moment(name, text)[1]


def _moment(name: str, text: str) -> tuple[datetime, datetime]:
    """First and last instant of a date, of a naive time (UTC) or of an aware one; a + may have become a space."""
    try:
        if len(text) == 10:
            first = datetime.combine(parse_day(text), time(), UTC)
            return first, first + timedelta(days=1) - _MICROSECOND
        read = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        aware = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
        return aware, aware if aware.microsecond else aware + timedelta(seconds=1) - _MICROSECOND
    except (ValueError, OverflowError):
        raise Malformed(
            f"The query parameter {name} must be a date (2024-01-31) or a time (2024-01-31T09:00:00Z) of the calendar."
        ) from None
