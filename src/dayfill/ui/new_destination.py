"""The destination of a new transfer: one that there is, or a new one that is made with the transfer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dayfill.domain.audit import Act
from dayfill.domain.destination import Destination, Wanted
from dayfill.engine import audited
from dayfill.engine import destinations as verbs
from dayfill.errors import Conflict, Exceeded, Refused, RequestError
from dayfill.store import destinations
from dayfill.store.db import Tx
from dayfill.ui import answers, transfer_form
from dayfill.ui.transfer_form import Wrong
from dayfill.ui.visit import Visit

NEW = "new"
"""In place of the id of a destination; with a colon and its kind, where it is chosen."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of trying a destination. problem: why it cannot be reached or written, empty if it can."""

    problem: str


def field(kind: str, field_id: str) -> str:
    """The field of the form for one of a kind of destination."""
    return f"to.{kind}.{field_id}"


async def chosen_or_made(visit: Visit, tx: Tx, typed: Mapping[str, str]) -> int:
    """The id of the chosen one, or of a new one in the same transaction.

    Raises:
        Wrong: what was typed makes none.
    """
    kind, site = _new_kind(typed), visit.site
    if kind is None:
        return _chosen_id(typed)
    try:
        wanted = _wanted(kind, typed)
        if found := verbs.problems_of(wanted):
            raise Wrong({_place(kind, one.field_id): one.text for one in reversed(found)})
        verbs.refuse_out_of_reach(wanted, site.reaches.of(visit.team_id))
        made: Destination = await verbs.create(tx, site.seams, site.keyring, visit.team_id, wanted)
    except RequestError as error:
        raise Wrong({"destination_name" if isinstance(error, Conflict) else "destination": error.description}) from None
    await answers.record(visit, tx, Act("destination.create", made.destination_id, after=audited.destination(made)))
    return made.destination_id


async def check(visit: Visit, typed: Mapping[str, str]) -> Tried:
    """Try it as it was typed, or as it is stored; nothing is changed by it."""
    site, team_id = visit.site, visit.team_id
    whose, reach = (site.installation_id, team_id), site.reaches.of(team_id)
    try:
        wanted, identity = await _to_try(visit, typed)
        verbs.refuse_out_of_reach(wanted, reach)
        problem = await site.trials.run(
            team_id, lambda: verbs.test(site.db, site.keyring, *whose, wanted, identity, reach)
        )
    except (Refused, Exceeded) as error:
        return Tried(error.description)
    tried = {"type": wanted.destination_type, "success": problem is None}
    async with site.db.write() as tx:
        await answers.record(visit, tx, Act("destination.test", identity or NEW, after=tried))
    return Tried(problem or "")


async def _to_try(visit: Visit, typed: Mapping[str, str]) -> tuple[Wanted, int | None]:
    """What is tried, and the id of the chosen one; a new one needs no name for it.

    Raises:
        Refused: there is none.
    """
    if kind := _new_kind(typed):
        return _wanted(kind, {**typed, "destination_name": NEW}), None
    one = await destinations.get(visit.site.db, visit.team_id, _chosen_id(typed))
    if one is None:
        raise Refused("This destination is not there any more: choose another, or a new one.")
    return Wanted(one.destination_type, one.display_name, dict(one.fields), one.auth_method), one.destination_id


def _new_kind(typed: Mapping[str, str]) -> str | None:
    word, _, kind = typed.get("destination", "").partition(":")
    return kind if word == NEW else None


def _chosen_id(typed: Mapping[str, str]) -> int:
    """0, which is nobody's, for what is no id."""
    chosen = typed.get("destination", "")
    return int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) < 19 else 0


def _wanted(kind_id: str, typed: Mapping[str, str]) -> Wanted:
    """The new destination that was typed.

    Raises:
        Refused: there is no such kind.
    """
    kind, fields = verbs.kind_of(kind_id), dict[str, object]()
    for one in kind.fields:
        text = typed.get(field(kind_id, one.field_id), "")
        if text := text if one.is_secret else transfer_form.lines(text):
            fields[one.field_id] = text
    return Wanted(kind.kind, typed.get("destination_name", "").strip(), fields)


def _place(kind: str, field_id: str) -> str:
    """The field of the form beside which a problem belongs."""
    group, _, name = field_id.partition(".")
    return field(kind, name) if group == "fields" else "destination_name"
