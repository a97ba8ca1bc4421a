"""How a transfer is, in one word, and what somebody can do about it: pure, so that a test reads it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from markupsafe import Markup

from dayfill.domain.days import DayState
from dayfill.domain.transfer import TransferState
from dayfill.store.boards import Failed, Line, Rest, Tally


class Word(StrEnum):
    """In the order of what needs somebody most."""

    NEEDS_LOGIN = "Needs login"
    FAILING = "Failing"
    WAITING = "Waiting"
    BACKFILLING = "Backfilling"
    PAUSED = "Paused"
    EMPTY = "Empty"
    HEALTHY = "Healthy"


NEEDS_SOMEBODY = frozenset({Word.NEEDS_LOGIN, Word.FAILING})

FIXES = {
    "AUTH": "The source refused the credentials. Renew them there or give others in the [settings], then retry.",
    "RATE_LIMIT": "The source asked for patience. Retry later, or lower the requests a minute in the [settings].",
    "QUOTA": "The quota of the login is used up. Retry when the source gives a new one.",
    "TIMEOUT": "The source took too long. Retry; if it stays slow, raise the deadline in the [settings].",
    "SCHEMA": "The columns do not fit. Compare the source with the [schema], mend one of them, then retry.",
    "DATA": "A value does not fit its column. Mend it at the source or widen the column, then retry.",
    "CONFIG": "The [settings] of the transfer do not fit the source. Mend them, then retry.",
    "SOURCE": "The source did not answer as it should. Retry; if it fails again, check it in the [settings].",
    "DESTINATION": "The destination took nothing. Test it on the page of [destinations], then retry.",
    "CONFLICT": "Another transfer loads this table. Give one of them another table, then retry.",
    "INCOMPLETE": "The source ended too early. Retry.",
    "TOO_LARGE": "A day is larger than allowed. Raise the most rows or gigabytes a day in the [settings], then retry.",
    "STOPPED": "The backfill stopped after equal errors. Mend what stopped it, then retry.",
    "LOST": "The server or its worker ended in the middle. Retry.",
    "INTERNAL": "This is a mistake of dayfill: the server's log has the trace. Retry.",
}
"""What to do about each cause of a failed day, its place in brackets; the documentation explains the causes too."""
PLACES = {
    "settings": "/transfers/{}/settings",
    "schema": "/transfers/{}/schema",
    "destinations": "/destinations",
}
_ANY = "Read the message, mend what it names, then retry."
_REVOKED = "Save it with another login in the [settings], then retry."


def fix(cause: str, transfer_id: int) -> Markup:
    """What to do about days of a transfer that failed with a cause; where it is done is a link."""
    return _linked(FIXES.get(cause, _ANY), transfer_id)


def _linked(sentence: str, transfer_id: int) -> Markup:
    before, _, rest = sentence.partition("[")
    place, _, after = rest.partition("]")
    link = Markup('<a href="{}">{}</a>').format(PLACES[place].format(transfer_id), place) if place else ""
    return Markup("{}{}{}").format(before, link, after)


def word_of(
    state: TransferState, *, is_refused: bool, waits: bool, is_active: bool, failed: bool, is_loaded: bool
) -> Word:
    """How a transfer is. is_refused: its source refuses its login, or that was revoked."""
    if is_refused:
        return Word.NEEDS_LOGIN
    if state is TransferState.PAUSED:
        return Word.PAUSED
    if waits:
        return Word.WAITING
    if is_active:
        return Word.BACKFILLING
    if failed:
        return Word.FAILING
    return Word.HEALTHY if is_loaded else Word.EMPTY


@dataclass(frozen=True, slots=True)
class State:
    """One transfer with all that a list says of it. is_active: a backfill of it has not ended."""

    line: Line
    tally: Tally
    is_active: bool
    now: datetime

    @property
    def failed(self) -> int:
        return self.tally.counts[DayState.FAILED]

    @property
    def loaded(self) -> int:
        """Days whose rows are in the destination, stale ones too, as on the page of the transfer."""
        return self.tally.counts[DayState.LOADED] + self.tally.counts[DayState.STALE]

    @property
    def rest(self) -> Rest | None:
        """What it waits for just now, the longer one of its two ends."""
        rests = [one for one in (self.line.source_rest, self.line.destination_rest) if one and one.until > self.now]
        return max(rests, key=lambda one: one.until, default=None)

    @property
    def word(self) -> Word:
        line = self.line
        return word_of(
            line.state,
            is_refused=line.revoked_time is not None
            or (line.source_rest is not None and line.source_rest.cause == "AUTH"),
            waits=self.rest is not None,
            is_active=self.is_active,
            failed=self.failed > 0,
            is_loaded=self.tally.freshest is not None,
        )

    @property
    def needs_somebody(self) -> bool:
        """Also while a backfill runs: failed days wait for nobody else."""
        return self.word in NEEDS_SOMEBODY or (self.failed > 0 and self.word is not Word.PAUSED)


@dataclass(frozen=True, slots=True)
class Need:
    """Why a transfer needs somebody, and what to do."""

    state: State
    cause: str
    message: str
    fix: Markup


def need(state: State, failure: Failed | None) -> Need:
    """What to say of a transfer that needs somebody."""
    line, transfer_id = state.line, state.line.transfer_id
    if line.revoked_time is not None:
        return Need(state, "AUTH", "Its connection was revoked.", _linked(_REVOKED, transfer_id))
    if state.word is Word.NEEDS_LOGIN and line.source_rest is not None:
        return Need(state, "AUTH", line.source_rest.reason, fix("AUTH", transfer_id))
    cause, message = (failure.cause, failure.message) if failure else ("", "")
    return Need(state, cause, message, fix(cause, transfer_id))


def sentence(states: list[State], total: int, needy: int) -> str:
    """All transfers in one sentence: ``38 of 41 transfers are healthy, 2 need you, 1 backfilling``.

    total: how many there are; states may be only the first of them. needy: how many of all need somebody.
    """
    healthy = sum(one.word is Word.HEALTHY for one in states)
    noun = "transfer is" if total == 1 else "transfers is" if healthy == 1 else "transfers are"
    first = "" if total == len(states) else f"the first {len(states):,} of "
    parts = [f"{healthy:,} of {first}{total:,} {noun} healthy"]
    if needy:
        parts.append(f"{needy:,}{' of all' if first else ''} need{'s' if needy == 1 else ''} you")
    for word in (Word.BACKFILLING, Word.WAITING, Word.PAUSED, Word.EMPTY):
        if count := sum(one.word is word and not one.needs_somebody for one in states):
            parts.append(f"{count:,} {word.value.lower()}")
    return ", ".join(parts) + "."
