"""The days vector of a transfer: one character per day, read from the kept day states and never from runs."""

from __future__ import annotations

from datetime import date

import msgspec

from dayfill.api.parameters import day
from dayfill.api.wire import Answer, Call
from dayfill.domain.days import FIRST_DAY, LAST_DAY, DayRange, DayState, vector
from dayfill.engine.lookups import no_transfer
from dayfill.errors import Malformed, Refused
from dayfill.store import days


class Counts(msgspec.Struct):
    """How many days are in each state."""

    loaded: int
    stale: int
    failed: int
    running: int
    queued: int
    missing: int


class DaysView(msgspec.Struct):
    """states: oldest first, ``DayState`` characters. Without a single known day there are no dates."""

    version: int
    states: str
    counts: Counts
    start_date: str | msgspec.UnsetType = msgspec.UNSET
    end_date: str | msgspec.UnsetType = msgspec.UNSET


async def get(call: Call) -> Answer:
    db, transfer_id = call.server.db, call.path["transfer_id"]
    known = await days.states(db, call.team_id, transfer_id)
    if known is None:
        raise no_transfer()
    span = _span(call, known.span)
    if span != known.span:
        known = await days.states(db, call.team_id, transfer_id, span)
        assert known is not None
    return Answer(200, _view(known))


def _span(call: Call, known: DayRange | None) -> DayRange | None:
    """The days asked for; an end that is not named is the first or last known day."""
    first, last = _end(call, "from"), _end(call, "to")
    if first is None and last is None:
        return known
    if first is None:
        first = min(known.start, last) if known and last else last
    if last is None:
        last = max(known.end, first) if known and first else first
    assert first is not None and last is not None
    if first > last:
        raise Refused(f"The range is empty: from {first} lies after to {last}. Send the earlier day as from.")
    return DayRange(first, last)


def _end(call: Call, name: str) -> date | None:
    text = call.query.get(name)
    if text is None:
        return None
    found = day(f"The query parameter {name}", text)
    if not FIRST_DAY <= found <= LAST_DAY:
        raise Malformed(f"The query parameter {name} must lie between {FIRST_DAY} and {LAST_DAY}.")
    return found


def _view(known: days.Days) -> DaysView:
    counted = counts(known.counts())
    if known.span is None:
        return DaysView(known.version, "", counted)
    states = vector(known.span, known.states)
    return DaysView(known.version, states, counted, known.span.start.isoformat(), known.span.end.isoformat())


def counts(by_state: dict[DayState, int]) -> Counts:
    return Counts(**{state.name.lower(): by_state.get(state, 0) for state in DayState})
