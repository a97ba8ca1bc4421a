"""What a person asks of a day, and of the days of a transfer together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dayfill.domain.days import DayRange, DayState
from dayfill.domain.run import Run
from dayfill.store.db import Reader, instant, micros
from dayfill.store.runs import run_of

MOST_RUNS = 50
MOST_DURATIONS = 200


@dataclass(frozen=True, slots=True)
class Day:
    """rows: what the destination holds of it. run_id: the run that settled it. settled_time: when."""

    state: DayState
    rows: int | None = None
    run_id: int | None = None
    settled_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """rows: of all days in the destination. freshest: the newest of these days. durations: seconds, of newest days."""

    rows: int
    freshest: date | None
    durations: tuple[float, ...]


async def day(db: Reader, team_id: int, transfer_id: int, wanted: date) -> Day:
    """One day; missing if nothing is known of it."""
    row = await db.one("one_day", team_id=team_id, transfer_id=transfer_id, data_date=wanted.isoformat())
    if row is None:
        return Day(DayState.MISSING)
    state, rows, run_id, settled = row
    return Day(DayState(state), rows, run_id, instant(settled))


async def runs(db: Reader, team_id: int, transfer_id: int, wanted: date) -> list[Run]:
    """The run of a day that is at work, then those that have ended, newest first."""
    values = {"team_id": team_id, "transfer_id": transfer_id, "data_date": wanted.isoformat()}
    at_work = await db.all("run_at_work", **values)
    return [run_of(row) for row in at_work + await db.all("ended_runs_of_day", limit=MOST_RUNS, **values)]


async def figures(db: Reader, team_id: int, transfer_id: int) -> Figures:
    """What the destination holds of a transfer, and how long its newest days took."""
    found = await db.scan("rows_of_transfer", team_id=team_id, transfer_id=transfer_id)
    rows, freshest = found[0]
    durations = await db.scan("newest_durations", team_id=team_id, transfer_id=transfer_id, limit=MOST_DURATIONS)
    return Figures(rows, freshest and date.fromisoformat(freshest), tuple(row[0] / 1e6 for row in durations))


async def settled_lately(
    db: Reader, team_id: int, transfer_id: int, span: DayRange, now: datetime, step: timedelta, steps: int
) -> list[tuple[int, int]]:
    """Days of a span that ended in each of the last steps, oldest first, and the rows of those that were loaded."""
    since = now - steps * step
    values = {"transfer_id": transfer_id, "first": span.start.isoformat(), "last": span.end.isoformat()}
    times = {"since": micros(since), "step": step // timedelta(microseconds=1)}
    found = await db.scan("settled_lately", team_id=team_id, **values, **times)
    by_step = {at: (ended, rows) for at, ended, rows in found}
    return [by_step.get(at, (0, 0)) for at in range(steps)]
