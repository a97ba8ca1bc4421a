"""The login of a new transfer: one that there is, or a new one with its password, made with the transfer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dayfill.domain.audit import Act
from dayfill.domain.connection import Connection
from dayfill.domain.secret import Secret
from dayfill.engine import audited
from dayfill.engine import connections as verbs
from dayfill.engine.sources import BOUND_TO, secrets_of
from dayfill.errors import Refused, SealBroken
from dayfill.store import connections, destinations
from dayfill.store.db import Reader, Tx
from dayfill.ui import answers
from dayfill.ui.visit import Visit

NEW = ""
"""In place of the id of a login."""
MOST = 50
"""Logins that can be chosen: the newest."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One login. servers: where what it keeps may be sent; empty if it keeps nothing."""

    connection: Connection
    servers: str


def field(secret: str) -> str:
    """The field of a secret of a new login."""
    return f"login.{secret}"


async def choices(visit: Visit, data_source_id: str, connection_id: int = 0) -> list[Choice]:
    """The logins that a transfer of this source may read through, newest first.

    connection_id: the one that it has, which is among them however old it is, unless it was revoked.
    """
    if not secrets_of(data_source_id):
        return []
    found = await connections.in_force(visit.site.db, visit.team_id, data_source_id, MOST)
    if connection_id not in {one.connection_id for one in found}:
        old = await verbs.usable(visit.site.db, visit.team_id, connection_id, data_source_id)
        found = [*found, old] if old else found
    return [Choice(one, _servers(visit, one)) for one in found]


def _servers(visit: Visit, one: Connection) -> str:
    try:
        names = verbs.opened(one, visit.site.keyring)
    except SealBroken:
        return ""
    return ", ".join(sorted({name.partition("@")[2] for name in names}))


async def secrets(visit: Visit, data_source_id: str, typed: Mapping[str, str]) -> Mapping[str, Secret]:
    """What the chosen login keeps, or the new one would: to ask the source with.

    Raises:
        Refused: it cannot be used; the sentence belongs beside the choice.
    """
    chosen = await _chosen(visit, visit.site.db, data_source_id, typed)
    if chosen is None:
        given = _given(data_source_id, typed)
        return verbs.kept(data_source_id, given) if given else {}
    try:
        return verbs.opened(chosen, visit.site.keyring)
    except SealBroken:
        raise Refused(f"What the login {chosen.username} keeps does not open any more: make a new one.") from None


async def connection_id(
    visit: Visit, tx: Tx, data_source_id: str, typed: Mapping[str, str], destination_id: int
) -> int | None:
    """The chosen login, or a new one in the same transaction; None where the source keeps nothing in its logins.

    Raises:
        Refused: it cannot be used; the sentence belongs beside the choice.
    """
    if not secrets_of(data_source_id):
        return None
    chosen = await _chosen(visit, tx, data_source_id, typed)
    if chosen is not None:
        return chosen.connection_id
    site, given = visit.site, _given(data_source_id, typed)
    destination = await destinations.get(tx, visit.team_id, destination_id)
    if destination is None:  # which is told beside it
        return None
    kind = destination.destination_type
    made = await verbs.create(tx, site.seams, visit.team_id, visit.user_id, data_source_id, kind)
    if given:
        await verbs.give(tx, site.keyring, made, given)
    await answers.record(visit, tx, Act("connection.create", made.connection_id, after=audited.connection(made)))
    return made.connection_id


async def _chosen(visit: Visit, db: Reader, data_source_id: str, typed: Mapping[str, str]) -> Connection | None:
    text = typed.get("login", NEW)
    if text == NEW:
        return None
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
    found = await verbs.usable(db, visit.team_id, number, data_source_id)
    if found is None:
        raise Refused("This login is not there any more, or was revoked: choose another, or a new one.")
    return found


def _given(data_source_id: str, typed: Mapping[str, str]) -> dict[str, str]:
    """The secrets that were typed, with the server that they are for; empty if there are none."""
    given = {name: text for name in secrets_of(data_source_id) if (text := typed.get(field(name), ""))}
    if given and not typed.get("from.host", "").strip():
        raise Refused("Name the host above: a password is kept for one server, and sent to no other.")
    return given | {name: typed.get(f"from.{name}", "") for name in BOUND_TO} if given else {}
