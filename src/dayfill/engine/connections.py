"""What can be done with a connection: create it, find the one that a transfer uses, revoke it."""

from __future__ import annotations

from collections.abc import Mapping

from dayfill.domain.connection import Connection, sealed_for
from dayfill.domain.ids import LARGEST_SHORT_ID
from dayfill.domain.problem import LONGEST_SHOWN, choices
from dayfill.domain.secret import Secret
from dayfill.engine import sources
from dayfill.engine.destinations import kind_of
from dayfill.errors import Missing, Refused
from dayfill.seams import Seams
from dayfill.secrets import Keyring, secrets_in
from dayfill.sources import BOUND_TO, SECRETS, kept_for
from dayfill.store import connections
from dayfill.store.db import Reader, Tx


async def create(
    tx: Tx, seams: Seams, team_id: int, user_id: int, data_source_id: str, destination_type: str
) -> Connection:
    """A connection without credentials; the next transfers of this team and data source use it.

    Raises:
        Refused: an unknown data source or destination type.
    """
    sources.known(data_source_id)
    kind_of(destination_type)
    public_id = str(seams.new_id()).upper()
    connection_id = await connections.insert(
        tx, team_id, user_id, public_id, data_source_id, destination_type, seams.now()
    )
    connection = await connections.get(tx, team_id, connection_id)
    assert connection is not None
    return connection


async def give(tx: Tx, keyring: Keyring, connection: Connection, secrets: Mapping[str, str]) -> None:
    """Keep the credentials of a new connection, sealed; nobody is shown them again.

    secrets: beside them `BOUND_TO`, where alone they may be sent, or who writes a transfer could have them sent home.

    Raises:
        Refused: the data source has no such secret, or no host is named.
    """
    sealed_for_it = sealed_for(connection.team_id, connection.connection_id)
    sealed = keyring.seal_secrets(kept(connection.data_source_id, secrets), sealed_for_it)
    await connections.seal(tx, connection.team_id, connection.connection_id, sealed)


def kept(data_source_id: str, secrets: Mapping[str, str]) -> dict[str, Secret]:
    """What a login keeps of these secrets, as its source asks for them; see `give`.

    Raises:
        Refused: the data source has no such secret, or no host is named.
    """
    known = SECRETS.get(data_source_id, ())
    for name in secrets.keys() - {*BOUND_TO}:
        if name not in known:
            those = choices(name, (*known, *BOUND_TO)) if known else "; it has none, so leave it out."
            raise Refused(f"A login at {data_source_id} keeps no secret {name[:LONGEST_SHOWN]!r}{those}")
    if not secrets.get("host", "").strip():
        raise Refused("A secret is kept for one host: send it as host beside the secret.")
    return {kept_for(name, secrets): Secret(secrets[name]) for name in known if secrets.get(name)}


def opened(connection: Connection, keyring: Keyring) -> dict[str, Secret]:
    """What a login keeps, by secret and server.

    Raises:
        SealBroken: it does not open.
    """
    if connection.sealed is None:
        return {}
    return secrets_in(keyring.open(connection.sealed, sealed_for(connection.team_id, connection.connection_id)))


async def usable(db: Reader, team_id: int, connection_id: int, data_source_id: str) -> Connection | None:
    """This connection, if the team has it at this data source and has not revoked it."""
    if not 0 < connection_id <= LARGEST_SHORT_ID:
        return None
    found = await connections.get(db, team_id, connection_id)
    is_usable = found is not None and found.data_source_id == data_source_id and found.revoked_time is None
    return found if is_usable else None


async def for_transfer(
    tx: Tx, seams: Seams, team_id: int, user_id: int, data_source_id: str, destination_type: str, *wanted: int
) -> Connection:
    """The first of the wanted connections that is usable, else the newest of the team; if there is none, a new one."""
    for connection_id in wanted:
        found = await usable(tx, team_id, connection_id, data_source_id)
        if found is not None:
            return found
    newest = await connections.in_force(tx, team_id, data_source_id, 1)
    return newest[0] if newest else await create(tx, seams, team_id, user_id, data_source_id, destination_type)


async def revoke(tx: Tx, seams: Seams, team_id: int, connection_id: int) -> Connection:
    """Read nothing with a connection any more and forget its credentials; it stays in the lists with the time of this.

    What is being read is read to its end. Days of its transfers fail from now on, with AUTH, until the transfer is
    saved with another login.

    Raises:
        Missing: no such connection in the team, or it was revoked before.
    """
    connection = await connections.get(tx, team_id, connection_id)
    if connection is None:
        raise Missing("Login not found; list those of the team.", code="LOGIN_NOT_FOUND")
    if connection.revoked_time is not None:
        since = f"{connection.revoked_time.isoformat()[:19]}Z"
        raise Missing(
            f"Login {connection_id} was revoked at {since} already; list those of the team.", code="LOGIN_NOT_FOUND"
        )
    await connections.revoke(tx, team_id, connection_id, seams.now())
    revoked = await connections.get(tx, team_id, connection_id)
    assert revoked is not None
    return revoked
