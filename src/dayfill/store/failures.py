"""The failed days of a transfer, grouped by cause."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import msgspec

from dayfill.domain.backfill import BackfillStatus
from dayfill.store.db import Reader

UNKNOWN = "UNKNOWN"
"""Cause of a day whose failed run is gone: it waited for another try, and that was cancelled."""


@dataclass(frozen=True, slots=True)
class FailedDay:
    """One failed day with the run that failed last. backfill_id, status: of that run's backfill, if it has one."""

    data_date: date
    run_id: int | None
    cause: str
    fingerprint: str
    backfill_id: int | None
    status: BackfillStatus | None


@dataclass(frozen=True, slots=True)
class Failures:
    """Days that failed for the same cause. message: of the newest of them; days: newest first."""

    cause: str
    fingerprint: str
    message: str
    days: tuple[FailedDay, ...]


async def days(db: Reader, team_id: int, transfer_id: int) -> list[FailedDay]:
    """The days that are failed now and wait for nothing, newest first."""
    return [
        FailedDay(
            date.fromisoformat(day),
            run_id,
            cause or UNKNOWN,
            fingerprint or "",
            backfill_id,
            None if status is None else BackfillStatus(status),
        )
        for day, run_id, cause, fingerprint, backfill_id, status in await db.scan(
            "failed_days", team_id=team_id, transfer_id=transfer_id
        )
    ]


async def by_cause(db: Reader, team_id: int, transfer_id: int) -> list[Failures]:
    """Failed days grouped by cause and fingerprint, the largest group first."""
    groups: dict[tuple[str, str], list[FailedDay]] = {}
    for day in await days(db, team_id, transfer_id):
        groups.setdefault((day.cause, day.fingerprint), []).append(day)
    newest = [group[0].run_id for group in groups.values() if group[0].run_id is not None]
    messages = {row[0]: row[1] for row in await db.all("run_messages", run_ids=msgspec.json.encode(newest).decode())}
    found = [
        Failures(cause, fingerprint, messages.get(group[0].run_id, ""), tuple(group))
        for (cause, fingerprint), group in groups.items()
    ]
    return sorted(found, key=lambda one: (-len(one.days), one.cause, one.fingerprint))
