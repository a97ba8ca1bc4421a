"""What a backfill would do, before it is created: the days, the clashes, and how long it may take."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from dayfill import sources
from dayfill.domain.backfill import Backfill
from dayfill.domain.days import FIRST_DAY, DayRange, DayState, ranges_of
from dayfill.domain.table_group import of_day
from dayfill.engine import allowances
from dayfill.engine.backfills import CHOICES, check_span
from dayfill.engine.lookups import no_transfer
from dayfill.engine.runs import refuse_without_days
from dayfill.errors import Refused, RequestError
from dayfill.seams import Seams
from dayfill.store import backfills, days, transfers
from dayfill.store.db import Database
from dayfill.store.transfers import TransferJob


@dataclass(frozen=True, slots=True)
class Estimate:
    """seconds: from the pace of earlier backfills. source_calls: readings of the source, retries not counted."""

    seconds_low: float
    seconds_high: float
    source_calls: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A dry run. refusal: why the create would be refused, apart from the conflicts."""

    days_chosen: int
    counts: dict[DayState, int]
    ranges: list[DayRange]
    conflicts: list[Backfill]
    estimate: Estimate | None
    refusal: RequestError | None


async def plan(
    db: Database,
    seams: Seams,
    team_id: int,
    transfer_id: int,
    span: DayRange,
    *,
    max_days: int,
    only: Collection[str] = (),
) -> Plan:
    """The days that a backfill with this range and choice would load; changes nothing.

    Raises:
        Missing: no such transfer in the team.
    """
    known = await days.states(db, team_id, transfer_id, span)
    if known is None:
        raise no_transfer()
    job = await transfers.job(db, transfer_id)
    chosen = _chosen(known, span, only)
    return Plan(
        days_chosen=len(chosen),
        counts=known.counts(),
        ranges=ranges_of(chosen),
        conflicts=await backfills.overlapping(db, transfer_id, span),
        estimate=await _estimate(db, job, len(chosen)),
        refusal=await _refusal(db, seams, job, span, max_days, len(chosen)),
    )


def _chosen(known: days.Days, span: DayRange, only: Collection[str]) -> list[date]:
    if not only:
        return list(span)
    wanted = {CHOICES[name] for name in only}
    states = dict(known.states)
    return [day for day in span if states.get(day, DayState.MISSING) in wanted]


async def _refusal(
    db: Database, seams: Seams, job: TransferJob, span: DayRange, max_days: int, chosen: int
) -> RequestError | None:
    """What a create would meet, in its order."""
    try:
        check_span(seams, span, max_days, job.source.zone)
        refuse_without_days(job.tables)
        await allowances.check_history(db, seams, job.team_id, span.start)
        if not chosen:
            raise Refused(f"No day of {span} is chosen: there is nothing to load. Choose other days, or all.")
        await allowances.check_work(db, job.team_id, chosen)
        await allowances.check_rows(db, seams, job.team_id)
    except RequestError as refused:
        return refused
    return None


async def _estimate(db: Database, job: TransferJob, chosen: int) -> Estimate | None:
    """From the seconds per day of the transfer's last finished backfills; None before there is one."""
    paces = await backfills.paces(db, job.transfer_id)
    if not paces:
        return None
    reads = -(-chosen // sources.get(job.source.kind).max_days_per_read)
    return Estimate(min(paces) * chosen, max(paces) * chosen, reads * len(of_day(job.tables, FIRST_DAY)))
