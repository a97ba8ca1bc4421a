"""A destination: one warehouse of a team, and the place that its fields name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dayfill.domain.problem import LONGEST_SHOWN, Problem, choices, filled, longer
from dayfill.domain.secret import Secret
from dayfill.domain.transfer import Value


@dataclass(frozen=True, slots=True)
class Destination:
    """One destination as the state database holds it.

    fields: plain settings only. sealed: all secret fields together, encrypted for ``sealed_for``.
    location: one text per physical place; two destinations that share it load into the same warehouse.
    """

    destination_id: int
    team_id: int
    destination_type: str
    display_name: str
    auth_method: str
    fields: Mapping[str, Value]
    sealed: bytes | None
    location: str
    created_time: datetime

    @property
    def sealed_for(self) -> str:
        return sealed_for(self.team_id, self.destination_id)


def sealed_for(team_id: int, destination_id: int) -> str:
    """What the secrets of a destination are sealed for, so that they open in no other row."""
    return f"{team_id}:destinations:{destination_id}:sealed"


MAX_NAME, MAX_VALUE, MAX_SECRET = 255, 1000, 65_536
MOST_TOLD = 10
"""Unknown fields that are named; who sends more has sent something else."""
AUTH_METHOD = "AUTH_METHOD_SECRET"
"""The one way to sign in at a destination that has secret fields; others have none."""


@dataclass(frozen=True, slots=True)
class FieldRule:
    """What one field of a kind of destination asks for."""

    field_id: str
    is_required: bool
    is_secret: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a caller asks for. fields: as sent, not yet checked. new_secrets: by field id, in place of stored ones.

    Both may hold secrets in the clear, so neither shows.
    """

    destination_type: str
    display_name: str
    fields: Mapping[str, object] = field(repr=False)
    auth_method: str = ""
    new_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    def plain(self, rules: Sequence[FieldRule]) -> dict[str, Value]:
        """The settings that are neither secret nor empty."""
        found: dict[str, Value] = {}
        for rule in rules:
            value = self.fields.get(rule.field_id)
            if not rule.is_secret and isinstance(value, str | bool | int) and value != "":
                found[rule.field_id] = value
        return found

    def secrets(self, rules: Sequence[FieldRule]) -> dict[str, Secret]:
        """The secrets that were sent; a new secret wins over one among the fields."""
        sent = {**self.fields, **self.new_secrets}
        found: dict[str, Secret] = {}
        for rule in rules:
            value = sent.get(rule.field_id)
            if rule.is_secret and isinstance(value, str) and value:
                found[rule.field_id] = Secret(value)
        return found


def problems(wanted: Wanted, rules: Sequence[FieldRule], stored: Collection[str] = ()) -> Iterator[Problem]:
    """All that is wrong with a destination, in the order of its fields. stored: secrets that it has already."""
    yield from filled("display_name", wanted.display_name.strip(), MAX_NAME)
    methods = (AUTH_METHOD,) if any(rule.is_secret for rule in rules) else ()
    if wanted.auth_method and wanted.auth_method not in methods:
        allowed = f"known is {AUTH_METHOD}" if methods else "this type has none; leave auth_method out"
        text = f"There is no auth_method {wanted.auth_method[:100]!r}: {allowed}."
        yield Problem("auth_method", "notAllowed", text)
    known = [rule.field_id for rule in rules]
    for name in [name for name, value in wanted.fields.items() if name not in known and value is not None][:MOST_TOLD]:
        shown = name[:LONGEST_SHOWN]
        yield Problem(f"fields.{shown}", "notAllowed", f"There is no field {shown!r}{choices(name, known)}")
    given = {*wanted.plain(rules), *wanted.secrets(rules), *stored}
    for rule in rules:
        place = f"fields.{rule.field_id}"
        if rule.is_required and rule.field_id not in given:
            yield Problem(place, "isEmpty", f"The field {rule.field_id} is missing: fill it in.")
        yield from _value(place, wanted.fields.get(rule.field_id), rule)
    for field_id, secret in wanted.new_secrets.items():
        yield from longer(f"new_{field_id}", secret, MAX_SECRET)


def _value(place: str, value: object, rule: FieldRule) -> Iterator[Problem]:
    if value is None:
        return
    if not isinstance(value, str if rule.is_secret else str | bool | int):
        kinds = "a text" if rule.is_secret else "a text, a whole number, true or false"
        yield Problem(place, "isInvalid", f"The field {rule.field_id} must be {kinds}.")
    elif isinstance(value, str):
        yield from longer(place, value, MAX_SECRET if rule.is_secret else MAX_VALUE)
        if "\0" in value:
            yield Problem(place, "isInvalid", f"The field {rule.field_id} holds a NUL character: leave that out.")
