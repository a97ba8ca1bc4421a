"""A destination: one warehouse of a team, and the place that its fields name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

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
