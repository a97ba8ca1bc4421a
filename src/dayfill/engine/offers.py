"""What the lanes whose turn comes could start now, read from the state for all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import NamedTuple

from dayfill import destinations, sources
from dayfill.domain.allowance import Allowance, next_month
from dayfill.domain.days import WHOLE
from dayfill.domain.parking import Trial
from dayfill.domain.run import LOST, MAX_ATTEMPTS
from dayfill.domain.slices import TransferJob
from dayfill.engine.budgets import MAX_SLICE_DAYS, Budgets
from dayfill.engine.claimer import Claimer, days_per_read
from dayfill.engine.lanes import Cause
from dayfill.engine.parking import trials
from dayfill.engine.room import Room
from dayfill.store import allowances, lanes, transfers
from dayfill.store.db import Tx
from dayfill.store.lanes import Claimable, Lane


class At(NamedTuple):
    """The moment of a claim, on both clocks."""

    now: datetime
    monotonic: float


@dataclass(slots=True)
class Offer:
    """Runs that a lane could start now, and how many slices of them it gets.

    trials: what it tries out, so it is a single day, and nothing else of these starts before it has ended.
    alone: nothing may run beside it, for it may kill the server. away: it is for the cluster.
    days_each: most of one slice. most: runs that are asked for. is_all: there are no others.
    """

    lane: Lane
    job: TransferJob
    trials: Sequence[Trial]
    away: bool
    days_each: int
    most: int
    found: list[Claimable]
    is_all: bool = False
    alone: bool = False
    slices: int = 0

    @property
    def is_used_up(self) -> bool:
        """Whether the slices that it gets leave nothing."""
        return self.is_all and sum(map(len, self.cut())) == len(self.found)

    @property
    def has_more(self) -> bool:
        return self.slices < (1 if self.trials else len(self.found))

    def cut(self) -> list[list[Claimable]]:
        """The runs of each of its slices: newest day first, spread evenly, so that each slot it got has some."""
        count = min(len(self.found), self.slices * self.days_each)
        ends = [count * number // self.slices for number in range(self.slices + 1)]
        return [self.found[start:end] for start, end in pairwise(ends)]


async def read(
    tx: Tx, claimer: Claimer, room: Room, at: At, batch: Sequence[Lane]
) -> tuple[dict[Lane, Offer], dict[Lane, Cause]]:
    """What each of these lanes offers, or what holds it up; one with neither has nothing to start."""
    jobs = await transfers.jobs(tx, [lane.transfer_id for lane in batch])
    allowed = await allowances.get_all(tx, sorted({lane.team_id for lane in batch}), at.now)
    offers: dict[Lane, Offer] = {}
    held_up: dict[Lane, Cause] = {}
    for lane in batch:
        job = jobs[lane.transfer_id]
        cause = _cause(claimer, room, job, allowed[lane.team_id], at)
        if cause is None:
            offers[lane] = _empty(claimer, room, lane, job, at)
        else:
            room.closed.add(cause)
            held_up[lane] = cause
    found = await lanes.claimable(tx, [(lane, offer.most) for lane, offer in offers.items()], at.now)
    if short := _short(offers, found, room):
        found |= await lanes.claimable(tx, short, at.now)
    for lane, offer in offers.items():
        _fill(offer, found[lane], room.days[lane.transfer_id])
    return {lane: offer for lane, offer in offers.items() if offer.found}, held_up


def _cause(claimer: Claimer, room: Room, job: TransferJob, allowed: Allowance, at: At) -> Cause | None:
    """What keeps a slice of the transfer from starting, by what the state says."""
    cause = room.cause(job, claimer.size(job.transfer_id, job.source.kind).slices_at_once(job.parallelism))
    if cause is not None:
        return cause
    if not claimer.admits(job) or (job.destination_parked_until or at.now) > at.now:
        return "destination", job.destination_id
    if allowed.is_spent:
        claimer.rows_until = next_month(at.now)
        return "team", job.team_id
    if (job.parked_until or at.now) > at.now or not _may_ask(claimer.budgets, job, at.monotonic):
        return "connection", job.connection_id
    away = claimer.has_cluster and is_away(job)
    return ("slots", int(away)) if room.free(away) <= 0 else None


def _empty(claimer: Claimer, room: Room, lane: Lane, job: TransferJob, at: At) -> Offer:
    """An offer of a lane that nothing holds up, its runs not yet read."""
    size, away = claimer.size(job.transfer_id, job.source.kind), claimer.has_cluster and is_away(job)
    tried = trials(job, at.now) or ()
    days_each = 1 if tried else min(size.slice_days(), _days_in_a_burst(job))
    slices = 1 if tried or job.requests_per_minute else room.slices(job, size.slices_at_once(job.parallelism), away)
    return Offer(lane, job, tried, away, days_each, slices * days_each, [])


def _short(offers: dict[Lane, Offer], found: dict[Lane, list[Claimable]], room: Room) -> list[tuple[Lane, int]]:
    """Lanes that may hold more, although of what was read too much is of days that another run loads; and how many runs
    to read of them: for no day more than two wait, that of a backfill and another one.
    """
    short = []
    for lane, offer in offers.items():
        taken = room.days[lane.transfer_id]
        if len(found[lane]) == offer.most > len({run.data_date for run in found[lane]} - taken):
            short.append((lane, 2 * (offer.most + len(taken))))
    return short


def _fill(offer: Offer, found: list[Claimable], taken: set[date]) -> None:
    offer.found = _together(_one_a_day(found, taken))
    offer.is_all = len(found) == len(offer.found) < offer.most
    suspect = next((run for run in offer.found if _is_suspect(run)), None)
    if suspect is not None and offer.away:
        offer.days_each = 1  # a worker of a cluster ends alone
    elif suspect is not None:
        offer.found, offer.alone = [suspect], True


def _is_suspect(run: Claimable) -> bool:
    """It ended with the server, so it may be what ends it: its last attempt must take no other run along."""
    return run.cause == LOST and run.attempts == MAX_ATTEMPTS - 1


def _may_ask(budgets: Budgets, job: TransferJob, monotonic: float) -> bool:
    """Whether the connection's limit of requests a minute, if it has one, lets a slice start."""
    if job.requests_per_minute is None:
        return True
    calls = calls_of(job, _days_in_a_burst(job))
    return budgets.may_ask(job.connection_id, calls, job.requests_per_minute, monotonic)


def _days_in_a_burst(job: TransferJob) -> int:
    """Days that one slice may ask for at once: what the limit allows in a second, or one reading if that is more."""
    if job.requests_per_minute is None:
        return MAX_SLICE_DAYS
    readings = max(1, job.requests_per_minute // 60 // len(job.tables))
    return readings * days_per_read(job.source.kind)


def calls_of(job: TransferJob, days: int) -> int:
    """Requests of the source that so many days of a transfer take."""
    return len(job.tables) * -(-days // days_per_read(job.source.kind))


def is_away(job: TransferJob) -> bool:
    """Whether a cluster can load it: neither end belongs to this machine."""
    return job.destination.kind not in destinations.LOCAL and not sources.is_local(job.source.settings)


def _one_a_day(found: list[Claimable], taken: set[date]) -> list[Claimable]:
    """A refresh and a backfill may both wait for a day; only one of them starts."""
    alone: list[Claimable] = []
    for run in found:
        if run.data_date not in taken:
            taken.add(run.data_date)
            alone.append(run)
    return alone


def _together(found: list[Claimable]) -> list[Claimable]:
    """Days, which are read together; tables without days are read alone, once no day waits before them."""
    return [run for run in found if run.data_date != WHOLE] or found
