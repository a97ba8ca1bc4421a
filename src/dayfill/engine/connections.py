"""What can be done with a connection: create it, and find the one that a new transfer uses."""

from __future__ import annotations

from dayfill import destinations, sources
from dayfill.domain.connection import Connection
from dayfill.errors import Refused
from dayfill.seams import Seams
from dayfill.store import connections
from dayfill.store.db import Tx


async def create(tx: Tx, seams: Seams, team_id: int, data_source_id: str, destination_type: str) -> Connection:
    """A connection without credentials; the next transfers of this team and data source use it.

    Raises:
        Refused: an unknown data source or destination type.
    """
    if data_source_id not in sources.KINDS:
        known = ", ".join(sorted(sources.KINDS))
        raise Refused(f"There is no data source {data_source_id[:50]!r}; known are {known}.")
    if destination_type not in destinations.KINDS:
        known = ", ".join(sorted(destinations.KINDS))
        raise Refused(f"There is no destination type {destination_type[:50]!r}; known are {known}.")
    public_id = str(seams.new_id()).upper()
    connection_id = await connections.insert(tx, team_id, public_id, data_source_id, destination_type, seams.now())
    connection = await connections.get(tx, team_id, connection_id)
    assert connection is not None
    return connection


async def for_transfer(tx: Tx, seams: Seams, team_id: int, data_source_id: str, destination_type: str) -> Connection:
    """The newest connection of the team to this data source; if there is none, one is made."""
    newest = await connections.newest(tx, team_id, data_source_id)
    return newest or await create(tx, seams, team_id, data_source_id, destination_type)
