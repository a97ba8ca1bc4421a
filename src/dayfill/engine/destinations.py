"""What can be done with a destination: create, update, delete, test; its secrets are sealed before they are stored."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

import structlog

from dayfill import destinations as kinds
from dayfill.destinations import Destination as Kind
from dayfill.destinations import DestinationConfig
from dayfill.destinations import DestinationField as KindField
from dayfill.domain.destination import AUTH_METHOD, Destination, FieldRule, Wanted, problems
from dayfill.domain.problem import Problem, choices
from dayfill.domain.reach import Reach
from dayfill.domain.secret import Secret
from dayfill.domain.transfer import Value
from dayfill.engine.rescue import start_over
from dayfill.errors import Conflict, ConnectorError, Missing, Permanent, Refused, SealBroken
from dayfill.roots import placed
from dayfill.seams import Seams
from dayfill.secrets import Keyring, safe, secrets_in
from dayfill.store import days, destinations, transfers
from dayfill.store.db import Reader, Tx
from dayfill.store.destinations import Chosen

LONGEST_ERROR = 2_000
"""Characters of what a test tells; the wire allows no more."""

log = structlog.get_logger(__name__)

__all__ = [
    "Kind",
    "KindField",
    "all_kinds",
    "create",
    "delete",
    "kind_of",
    "opened",
    "problems_of",
    "refuse_out_of_reach",
    "test",
    "update",
]


def all_kinds() -> list[Kind]:
    """Every kind of destination, by title."""
    return sorted((kinds.get(kind) for kind in kinds.KINDS), key=lambda kind: kind.title.casefold())


def kind_of(destination_type: str) -> Kind:
    """The kind of this type.

    Raises:
        Refused: no such type.
    """
    if destination_type not in kinds.KINDS:
        known = choices(destination_type, sorted(kinds.KINDS))
        raise Refused(f"There is no destination type {destination_type[:50]!r}{known}")
    return kinds.get(destination_type)


def problems_of(wanted: Wanted) -> list[Problem]:
    """All that stands in the way of making it, as far as its fields tell.

    Raises:
        Refused: a type that is unknown.
    """
    return list(problems(wanted, _rules(kind_of(wanted.destination_type))))


def refuse_out_of_reach(wanted: Wanted, reach: Reach) -> None:
    """Stop a destination whose files would lie where the team may have none: each of its days would fail.

    Raises:
        Refused: it says what to do; also for a type that is unknown.
    """
    for field in kind_of(wanted.destination_type).fields:
        path = wanted.fields.get(field.field_id)
        if field.is_path and isinstance(path, str) and path.strip():
            try:
                placed(path, reach)
            except Permanent as error:
                raise Refused(f"{field.field_id}: {safe(error.message, LONGEST_ERROR)}") from None


async def create(tx: Tx, seams: Seams, keyring: Keyring, team_id: int, wanted: Wanted) -> Destination:
    """A new destination; nothing is opened or reached yet, `test` does that.

    Raises:
        Refused: an unknown type, a missing or impossible field. Conflict: the name is in use.
    """
    kind = kind_of(wanted.destination_type)
    chosen, secrets = _checked(kind, wanted, {})
    if await destinations.named(tx, team_id, chosen.display_name) is not None:
        raise Conflict(f"This team already has a destination named {chosen.display_name!r}; choose another name.")
    destination_id = await destinations.insert(tx, team_id, chosen, seams.now())
    await _seal(tx, keyring, await _read(tx, team_id, destination_id), secrets)
    return await _read(tx, team_id, destination_id)


async def update(
    tx: Tx, seams: Seams, keyring: Keyring, team_id: int, destination_id: int, wanted: Wanted
) -> Destination:
    """Replace a destination; a secret that is not sent stays, unless the fields change where it would be sent to.

    Raises:
        Missing: no such destination in the team.
        Refused: another type, a missing or impossible field, a name in use, a table that another transfer loads there.
    """
    destination = await _read(tx, team_id, destination_id)
    kind = kind_of(wanted.destination_type)
    if wanted.destination_type != destination.destination_type:
        raise Refused(
            f"The type of a destination cannot change from {destination.destination_type}; create another one."
        )
    chosen, secrets = _checked(kind, wanted, _kept(kind, wanted, destination, keyring))
    if await destinations.named(tx, team_id, chosen.display_name) not in (None, destination_id):
        raise Refused(f"This team already has a destination named {chosen.display_name!r}; choose another name.")
    if chosen.location != destination.location:
        await _move_tables(tx, seams, team_id, destination_id, chosen.location)
    await destinations.update(tx, team_id, destination_id, chosen)
    await _seal(tx, keyring, destination, secrets)
    return await _read(tx, team_id, destination_id)


async def delete(tx: Tx, seams: Seams, team_id: int, destination_id: int) -> None:
    """Hide a destination and forget its secrets; the warehouse is not touched.

    Raises:
        Missing: no such destination in the team. Conflict: transfers load into it.
    """
    await _read(tx, team_id, destination_id)
    users = await destinations.usage(tx, team_id, destination_id)
    if users:
        names = ", ".join(f"{name!r} ({transfer_id})" for transfer_id, name in users[:10])
        raise Conflict(f"Transfers load into this destination: {names}. Delete them, or give them another destination.")
    await destinations.delete(tx, team_id, destination_id, seams.now())


async def test(
    db: Reader,
    keyring: Keyring,
    installation_id: str,
    team_id: int,
    wanted: Wanted,
    destination_id: int | None,
    reach: Reach,
) -> str | None:
    """Whether the destination can be reached and written; outside any transaction, for it may take long.

    destination_id: secrets that are not sent come from this one. reach: what the team may open.
    Returns None, or why it failed. The doors let it be made by `Trials`.

    An error that is not a `ConnectorError` is shown by its name only; its text goes to the log.

    Raises:
        Refused: see `create`; also if this team has no such destination, or one of another type.
    """
    kind = kind_of(wanted.destination_type)
    kept: Mapping[str, Secret] = {}
    if destination_id is not None:
        destination = await destinations.get(db, team_id, destination_id)
        if destination is None:
            raise Refused(f"This team has no destination {destination_id}; list those of the team.")
        if wanted.destination_type != destination.destination_type:
            raise Refused(f"Destination {destination_id} is of type {destination.destination_type}; send that type.")
        kept = _kept(kind, wanted, destination, keyring)
    chosen, secrets = _checked(kind, wanted, kept)
    try:
        config = DestinationConfig(installation_id, chosen.fields, secrets, reach=reach)
        await asyncio.to_thread(kind.check, config)
    except ConnectorError as error:
        return safe(error.message, LONGEST_ERROR)
    except Exception as error:
        log.exception("destination_test_failed", type=kind.kind)
        return f"Unexpected {type(error).__name__} while the destination was tested; the server's log has the trace."
    return None


def opened(destination: Destination, keyring: Keyring) -> dict[str, Secret]:
    """The secrets of a destination by field id.

    Raises:
        SealBroken: they do not open.
    """
    return {} if destination.sealed is None else secrets_in(keyring.open(destination.sealed, destination.sealed_for))


def plain_in(wanted: Wanted) -> Mapping[str, Value]:
    """What a caller asks for, secrets left out."""
    return wanted.plain(_rules(kind_of(wanted.destination_type)))


def sent_secrets(wanted: Wanted) -> Collection[str]:
    """Ids of the secrets that a caller has sent."""
    return wanted.secrets(_rules(kind_of(wanted.destination_type))).keys()


def _kept(kind: Kind, wanted: Wanted, destination: Destination, keyring: Keyring) -> dict[str, Secret]:
    """Stored secrets that go on being used; none where a changed field could send them to another place."""
    try:
        kept = opened(destination, keyring)
    except SealBroken:
        return _anew(kind, wanted)
    if kept and wanted.plain(_rules(kind)) != destination.fields:
        missing = [field_id for field_id in kept if field_id not in wanted.secrets(_rules(kind))]
        if missing:
            raise Refused(
                f"The fields have changed, so send {', '.join(missing)} again: stored secrets stay where they are."
            )
    return kept


def _anew(kind: Kind, wanted: Wanted) -> dict[str, Secret]:
    """Nothing is kept of secrets that do not open, so all that the kind needs must be sent."""
    sent = wanted.secrets(_rules(kind))
    missing = [
        rule.field_id for rule in _rules(kind) if rule.is_secret and rule.is_required and rule.field_id not in sent
    ]
    if missing:
        raise Refused(
            "The stored secrets of this destination do not open any more, for their key is lost or they were changed: "
            f"send {', '.join(missing)} again."
        )
    return {}


def _checked(kind: Kind, wanted: Wanted, kept: Mapping[str, Secret]) -> tuple[Chosen, dict[str, Secret]]:
    """What is stored, and all secrets.

    Raises:
        Refused: naming all that is wrong.
    """
    rules = _rules(kind)
    found = list(problems(wanted, rules, kept))
    if found:
        raise Refused(" ".join(problem.text for problem in found))
    secrets = {**kept, **wanted.secrets(rules)}
    plain = wanted.plain(rules)
    auth_method = AUTH_METHOD if any(rule.is_secret for rule in rules) else ""
    return Chosen(kind.kind, wanted.display_name.strip(), auth_method, plain, kind.location(plain)), secrets


def _rules(kind: Kind) -> list[FieldRule]:
    return [FieldRule(field.field_id, field.is_required, field.is_secret) for field in kind.fields]


async def _seal(tx: Tx, keyring: Keyring, destination: Destination, secrets: Mapping[str, Secret]) -> None:
    sealed = keyring.seal_secrets(secrets, destination.sealed_for)
    await destinations.seal(tx, destination.team_id, destination.destination_id, sealed)


async def _move_tables(tx: Tx, seams: Seams, team_id: int, destination_id: int, location: str) -> None:
    """The transfers of a destination load into another place from now on; what they loaded is not there."""
    for transfer_id, name in await destinations.usage(tx, team_id, destination_id):
        tables = await transfers.owned(tx, transfer_id)
        taken = await transfers.owners(tx, location, tables)
        if taken:
            raise Refused(
                f"Transfer {name!r} loads {', '.join(sorted(taken))}, which another transfer loads there already; "
                "give its tables other names first."
            )
        await transfers.own(tx, transfer_id, location, tables)
        await days.outdate(tx, transfer_id)
        await start_over(tx, seams, transfer_id)


async def _read(db: Reader, team_id: int, destination_id: int) -> Destination:
    destination = await destinations.get(db, team_id, destination_id)
    if destination is None:
        raise Missing("Destination not found; list those of the team.")
    return destination
