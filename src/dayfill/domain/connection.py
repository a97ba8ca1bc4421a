"""A connection: one login at a data source, whose budget all its transfers share. The wire calls it a login, too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection as the state database holds it.

    public_id: its id as a data-source connection, an upper-case UUID; as a login it is connection_id. sealed:
    credentials, encrypted for `sealed_for`. parallelism: slices at once. user_id, user_email: who made it; None if that
    was not kept. revoked_time: from then on nothing is read with it.
    """

    connection_id: int
    public_id: str
    team_id: int
    data_source_id: str
    destination_type: str
    sealed: bytes | None
    parallelism: int
    created_time: datetime
    user_id: int | None = None
    user_email: str | None = None
    revoked_time: datetime | None = None

    @property
    def username(self) -> str:
        """The name by which queries choose it: unique, and the same as long as it exists."""
        return f"{self.data_source_id}-{self.connection_id}"


def sealed_for(team_id: int, connection_id: int) -> str:
    """What the credentials of a connection are sealed for, so that they open in no other row."""
    return f"{team_id}:connections:{connection_id}:sealed"
