"""Transfer runs in the state database: waiting, claimed, ended, listed."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

import msgspec

from dayfill.domain.fingerprint import fingerprint
from dayfill.domain.run import Priority, QueryDetail, Run, RunStatus, RunType, Trigger
from dayfill.domain.slices import DayOrder
from dayfill.store.db import Database, Reader, Row, Tx, Values, instant, micros, moment

SortField = Literal["created_time", "ended_time", "data_date"]


@dataclass(frozen=True, slots=True)
class Held:
    """The run of a result whose token still holds it. may_rest: its login or destination rests, or is tried out."""

    team_id: int
    transfer_id: int
    backfill_id: int | None
    data_date: date
    attempts: int
    started_time: datetime
    may_rest: bool


async def insert_of_backfill(
    tx: Tx,
    team_id: int,
    transfer_id: int,
    backfill_id: int,
    days: Iterable[date],
    *,
    priority: Priority,
    now: datetime,
) -> list[date]:
    """Runs for these days, CREATED until `release`; returns the days that were new."""
    values = {
        "team_id": team_id,
        "transfer_id": transfer_id,
        "backfill_id": backfill_id,
        "priority": int(priority),
        "now": micros(now),
    }
    rows = await tx.many("insert_backfill_run", [{**values, "data_date": day.isoformat()} for day in days])
    return [date.fromisoformat(row[0]) for row in rows]


async def insert_recurring(
    tx: Tx,
    team_id: int,
    transfer_id: int,
    days: Iterable[date],
    *,
    trigger: Trigger,
    priority: Priority,
    now: datetime,
) -> dict[date, int]:
    """Waiting runs outside any backfill, by day; none for a day for which one waits already."""
    values = {
        "team_id": team_id,
        "transfer_id": transfer_id,
        "cause_of_start": trigger.value,
        "priority": int(priority),
        "now": micros(now),
    }
    rows = await tx.many("insert_recurring_run", [{**values, "data_date": day.isoformat()} for day in days])
    return {date.fromisoformat(day): run_id for run_id, day in rows}


async def hasten(tx: Tx, transfer_id: int, days: Iterable[date], priority: Priority) -> list[tuple[date, int]]:
    """The runs that wait for these days outside any backfill, given at least this priority: (day, run id)."""
    values = {"transfer_id": transfer_id, "priority": int(priority)}
    rows = await tx.many("hasten_recurring_run", [{**values, "data_date": day.isoformat()} for day in days])
    return [(date.fromisoformat(day), run_id) for run_id, day in rows]


async def draw_tokens(tx: Tx, count: int) -> range:
    """The next ``count`` tokens of the installation, ascending."""
    row = await tx.one("draw_tokens", count=count)
    assert row is not None
    return range(row[0] - count + 1, row[0] + 1)


async def lift_tokens(tx: Tx, at_least: int) -> None:
    """Continue the token sequence above this number."""
    await tx.run("lift_tokens", at_least=at_least)


async def claim(tx: Tx, claims: Sequence[tuple[int, int]], owner: str, now: datetime) -> None:
    """claims: (run id, token) of queued runs; they are RUNNING afterwards."""
    values = {"owner": owner, "now": micros(now)}
    await tx.many("claim_run", [{**values, "run_id": run_id, "token": token} for run_id, token in claims])


async def held(tx: Tx, claims: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Held]:
    """claims: (run id, token). Those runs that their tokens still hold, by both."""
    rows = await tx.many("held_run", [{"run_id": run_id, "token": token} for run_id, token in claims])
    return {
        (row[0], row[1]): Held(row[2], row[3], row[4], date.fromisoformat(row[5]), row[6], moment(row[7]), bool(row[8]))
        for row in rows
    }


async def is_superseded(tx: Tx, transfer_id: int, day: date) -> bool:
    """Whether a run outside any backfill need not wait again: transfer deleted, or another run waits for the day."""
    return await tx.one("superseding_run", transfer_id=transfer_id, data_date=day.isoformat()) is not None


async def complete(tx: Tx, rows: Sequence[Values]) -> None:
    """Compare-and-set to COMPLETED."""
    await tx.many("complete_run", rows)


async def end(tx: Tx, rows: Sequence[Values]) -> None:
    """Compare-and-set to FAILED or CANCELLED."""
    await tx.many("end_run", rows)


async def requeue(tx: Tx, rows: Sequence[Values]) -> None:
    """Compare-and-set back to waiting."""
    await tx.many("requeue_run", rows)


async def lost(tx: Tx, known: Container[int]) -> list[DayOrder]:
    """Runs that are RUNNING with a token that is not among the known ones."""
    rows = await tx.all("running_runs")
    return [DayOrder(date.fromisoformat(day), run_id, token) for day, run_id, token in rows if token not in known]


async def running(tx: Tx, transfer_id: int) -> list[DayOrder]:
    """Runs of a transfer that are RUNNING."""
    rows = await tx.all("running_runs_of_transfer", transfer_id=transfer_id)
    return [DayOrder(date.fromisoformat(day), run_id, token) for day, run_id, token in rows]


async def cancel_waiting(tx: Tx, backfill_id: int, now: datetime) -> list[str]:
    """The waiting runs of the backfill are CANCELLED; returns their days."""
    return [row[0] for row in await tx.many("cancel_waiting_runs", [{"backfill_id": backfill_id, "now": micros(now)}])]


async def cancel_waiting_recurring(tx: Tx, transfer_id: int, now: datetime) -> list[str]:
    """Waiting runs of a transfer outside any backfill; returns their days."""
    values = {"transfer_id": transfer_id, "now": micros(now)}
    return [row[0] for row in await tx.many("cancel_waiting_recurring_runs", [values])]


async def stop_waiting(tx: Tx, backfill_id: int, message: str, now: datetime) -> list[str]:
    """The waiting runs of the backfill are FAILED, untried; returns their days."""
    values = {"backfill_id": backfill_id, "message": message, "fingerprint": fingerprint(message), "now": micros(now)}
    return [row[0] for row in await tx.many("stop_waiting_runs", [values])]


async def stop_waiting_recurring(tx: Tx, transfer_id: int, message: str, now: datetime) -> list[str]:
    """The waiting runs of the transfer outside any backfill are FAILED, untried; returns their days."""
    values = {"transfer_id": transfer_id, "message": message, "fingerprint": fingerprint(message), "now": micros(now)}
    return [row[0] for row in await tx.many("stop_waiting_recurring_runs", [values])]


async def hold(tx: Tx, backfill_id: int) -> None:
    await tx.run("hold_waiting_runs", backfill_id=backfill_id)


async def release(tx: Tx, backfill_id: int, now: datetime) -> None:
    await tx.run("release_waiting_runs", backfill_id=backfill_id, now=micros(now))


async def failed(tx: Tx, backfill_id: int, cause: str | None = None) -> list[tuple[int, date]]:
    """(run id, day) of the failed runs of a backfill, newest day first."""
    rows = await tx.scan("failed_days_of_backfill", backfill_id=backfill_id, cause=cause or "")
    return [(run_id, date.fromisoformat(day)) for run_id, day in rows]


async def retry(tx: Tx, run_ids: Sequence[int], priority: Priority, now: datetime) -> list[str]:
    """Failed runs wait again; returns their days."""
    values = {"priority": int(priority), "now": micros(now)}
    return [row[0] for row in await tx.many("retry_run", [{**values, "run_id": run_id} for run_id in run_ids])]


async def hasten_delayed(tx: Tx, now: datetime) -> None:
    """Runs that began to wait later than now may start now."""
    await tx.run("hasten_delayed_runs", now=micros(now))


async def next_delayed(db: Reader, now: datetime) -> datetime | None:
    """When the next delayed run becomes due."""
    row = await db.one("next_delayed", now=micros(now))
    return instant(row[0]) if row else None


async def get(db: Reader, team_id: int, run_id: int) -> Run | None:
    row = await db.one("get_run", team_id=team_id, run_id=run_id)
    return run_of(row) if row else None


async def page(
    db: Database,
    team_id: int,
    transfer_id: int,
    *,
    created_from: datetime,
    created_to: datetime,
    issues_only: bool = False,
    sort_field: SortField = "created_time",
    descending: bool = True,
    limit: int = 100,
    offset: int = 0,
) -> list[Run]:
    """Runs created in a period, both ends included. Issues are failed runs."""
    rows = await db.scan(
        "newest_runs" if descending and sort_field == "created_time" else f"runs_by_{sort_field}",
        team_id=team_id,
        transfer_id=transfer_id,
        created_from=micros(created_from),
        created_to=micros(created_to),
        issues_only=int(issues_only),
        direction=-1 if descending else 1,
        limit=limit,
        offset=offset,
    )
    return [run_of(row) for row in rows]


def run_of(row: Row) -> Run:
    """A run from the columns that every read of runs selects."""
    return Run(
        run_id=row[0],
        team_id=row[1],
        transfer_id=row[2],
        backfill_id=row[3],
        data_date=date.fromisoformat(row[4]),
        run_type=RunType(row[5]),
        trigger=Trigger(row[6]),
        priority=row[7],
        status=RunStatus(row[8]),
        attempts=row[9],
        message=row[10],
        cause=row[11],
        created_time=moment(row[12]),
        queued_time=instant(row[13]),
        started_time=instant(row[14]),
        ended_time=instant(row[15]),
        rows=row[16],
        content_hash=row[17],
        queries=() if row[18] == "[]" else msgspec.json.decode(row[18], type=tuple[QueryDetail, ...]),
    )
