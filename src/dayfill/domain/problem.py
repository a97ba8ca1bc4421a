"""A thing that is wrong with what a person asked for, and the checks that find the usual ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

LONGEST_SHOWN = 100
"""Characters of a name that is repeated to whoever sent it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. field_id, error_code: for programs; text: a sentence for people."""

    field_id: str
    error_code: str
    text: str


def choices(name: str, known: Iterable[str]) -> str:
    """How a sentence ends about a name that there is not: with the one that may be meant, and all that there are."""
    there = {one.casefold(): one for one in known}
    meant = get_close_matches(name[:LONGEST_SHOWN].casefold(), there, 1)
    every = ", ".join(there.values())
    return f"; did you mean {there[meant[0]]}? Known are {every}." if meant else f"; known are {every}."


def outside(field_id: str, value: int | None, least: int, most: int) -> Iterator[Problem]:
    """A number beyond its bounds, which are both allowed themselves; None never is."""
    if value is not None and not least <= value <= most:
        name = field_id.rpartition(".")[2]
        yield Problem(field_id, "isInvalid", f"{name} must lie between {least} and {most}, not {value}.")


def filled(field_id: str, value: str, longest: int) -> Iterator[Problem]:
    """A text that is empty or too long."""
    if not value:
        yield Problem(field_id, "isEmpty", f"{field_id} is empty: fill it in.")
    yield from longer(field_id, value, longest)


def longer(field_id: str, value: str, longest: int) -> Iterator[Problem]:
    """A text that is too long."""
    if len(value) > longest:
        yield Problem(
            field_id, "tooLong", f"{field_id} has {len(value)} characters; {longest} are allowed: shorten it."
        )
