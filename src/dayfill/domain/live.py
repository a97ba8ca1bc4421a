"""What a watcher of a transfer or of a team is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from dayfill.domain.backfill import Backfill
from dayfill.domain.days import DayState


class Subject(NamedTuple):
    """What is watched: one transfer of a team, or without a transfer all of the team."""

    team_id: int
    transfer_id: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """A backfill with its pace: days a minute, and seconds until its end; None where nothing tells, or it waits."""

    backfill: Backfill
    per_minute: float | None
    eta_seconds: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    """One message about a transfer, the same for all who are told.

    number: grows by one per message of its subject. version: of the days; None once the transfer is gone.
    start_date: the day of the first character; None without any day. states: the whole vector, or None where ``moved``
    says what has changed. moved: (index of the day, state).
    """

    number: int
    subject: Subject
    version: int | None
    start_date: date | None
    states: str | None
    moved: tuple[tuple[int, DayState], ...]
    counts: Mapping[DayState, int]
    progress: tuple[Progress, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TeamEvent:
    """One message about a team: something of its transfers has changed. progress: of its active backfills."""

    number: int
    subject: Subject
    progress: tuple[Progress, ...]
