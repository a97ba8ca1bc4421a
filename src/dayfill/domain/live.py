"""What a watcher of a transfer is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from dayfill.domain.backfill import Backfill
from dayfill.domain.days import DayState


@dataclass(frozen=True, slots=True)
class Progress:
    """A backfill with its pace: days a minute, and seconds until its end; None where nothing tells."""

    backfill: Backfill
    per_minute: float | None
    eta_seconds: float | None


@dataclass(frozen=True, slots=True)
class Event:
    """One message about a transfer.

    number: grows by one per message of its transfer. start_date: the day of the first character; None without any day.
    states: the whole vector, or None where ``moved`` says what has changed. moved: (index of the day, state).
    """

    number: int
    transfer_id: int
    version: int | None
    start_date: date | None
    states: str | None
    moved: tuple[tuple[int, DayState], ...]
    counts: Mapping[DayState, int]
    progress: tuple[Progress, ...]
