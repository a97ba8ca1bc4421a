"""A connection: one login at a data source, whose budget all its transfers share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection as the state database holds it.

    public_id: its id on the wire, an upper-case UUID. sealed: credentials, encrypted for `sealed_for`.
    parallelism: slices at once.
    """

    connection_id: int
    public_id: str
    team_id: int
    data_source_id: str
    destination_type: str
    sealed: bytes | None
    parallelism: int
    created_time: datetime


def sealed_for(team_id: int, connection_id: int) -> str:
    """What the credentials of a connection are sealed for, so that they open in no other row."""
    return f"{team_id}:connections:{connection_id}:sealed"
