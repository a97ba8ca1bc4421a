"""Claim the runs that may start now, whose turn it is and within every limit, and make slices of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dayfill.domain.allowance import next_month
from dayfill.domain.parking import Trial
from dayfill.domain.run import Priority
from dayfill.domain.slices import DayOrder, Slice
from dayfill.domain.table_group import of_day
from dayfill.engine import offers
from dayfill.engine.claimer import Claimer
from dayfill.engine.offers import At, Offer
from dayfill.engine.rates import MOMENT
from dayfill.engine.room import Room
from dayfill.seams import Seams
from dayfill.store import backfills, days, lanes, runs
from dayfill.store.db import Reader, Tx
from dayfill.store.lanes import Claimable, Lane

QUICK_SECONDS = 0.001
"""A look for lanes that takes no longer may be made in each pass."""
LOOK_SHARE = 0.1
"""On looks that take longer a dispatcher spends at most so much of its time."""
LONGEST_LOOK_SECONDS = 3.0
"""One for millions of transfers. What took longer stood still with its process, and says nothing."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A slice of a lane, its runs RUNNING, and the connection that its budget belongs to. alone, trials: see `Offer`.

    calls: of the source. per_minute: how many the connection may make, if there is a limit. away: for the cluster.
    """

    work: Slice
    lane: Lane
    connection_id: int
    alone: bool
    trials: Sequence[Trial] = ()
    calls: int = 0
    per_minute: int | None = None
    away: bool = False


async def look(db: Reader, seams: Seams, claimer: Claimer) -> None:
    """Learn which lanes wait. That is a step for each: where they are many, mostly only urgent ones are looked for."""
    began = seams.monotonic()
    claimer.has_looked = began + MOMENT >= claimer.look_from
    least_urgent = max(Priority) if claimer.has_looked else min(Priority)
    found, lacks_rows = await lanes.waiting(db, seams.now(), least_urgent)
    claimer.lanes.compare(found, least_urgent)
    if lacks_rows:
        claimer.rows_until = next_month(seams.now())
    elif claimer.has_looked:
        claimer.rows_until = None
    if claimer.has_looked:
        claimer.lanes.forget()
        ended = seams.monotonic()
        took = min(ended - began, LONGEST_LOOK_SECONDS)
        claimer.look_from = ended if took <= QUICK_SECONDS else ended + took / LOOK_SHARE


async def claim(tx: Tx, seams: Seams, claimer: Claimer, *, busy: bool = False) -> list[Claimed]:
    """Claim until the slots are full: urgent before patient, teams and transfers in turn, newest day first.

    busy: a slice is under way. The caller takes the budget of each slice once the transaction is committed.
    """
    at = At(seams.now(), seams.monotonic())
    dealt = await _deal(tx, claimer, at, busy)
    picks = [(offer, found) for offer in dealt for found in offer.cut()]
    if not picks:
        return []
    tokens = iter(await runs.draw_tokens(tx, sum(len(found) for _, found in picks)))
    claimed = [_claimed(claimer, offer, [(run, next(tokens)) for run in found]) for offer, found in picks]
    await _write(tx, claimer.owner, claimed, [run for _, found in picks for run in found], at.now)
    for offer in dealt:
        if offer.is_used_up:
            claimer.lanes.drop(offer.lane)
    seams.failpoint("claim")
    return claimed


async def _deal(tx: Tx, claimer: Claimer, at: At, busy: bool) -> list[Offer]:
    """Deal out the free slots, a slice at a turn; returns the offers that got some, in the order of their turns."""
    room, waiting = Room(claimer.budgets), claimer.lanes
    known: dict[Lane, Offer] = {}
    dealt: dict[Lane, Offer] = {}
    waiting.retry()
    while not room.is_full() and (lane := waiting.next()) is not None:
        cause, offer = room.cause(lane, claimer.at_once(lane)), known.get(lane)
        if cause is not None:
            waiting.set_aside(lane, cause)
        elif offer is None:
            await _read(tx, claimer, room, at, known)
        elif offer.alone:
            # It waits until nothing else runs; meanwhile nothing less urgent starts, or it might wait for ever.
            if not dealt and not busy:
                offer.slices, dealt = 1, {lane: offer}
            break
        elif not offer.has_more:
            waiting.set_aside(lane, ("transfer", lane.transfer_id))
        elif room.free(offer.away) <= 0:
            waiting.set_aside(lane, ("slots", int(offer.away)))
        else:
            offer.slices += 1
            dealt[lane] = offer
            room.take(offer.job, offer.trials, offer.away)
            waiting.serve(lane, room.left)
    return list(dealt.values())


async def _read(tx: Tx, claimer: Claimer, room: Room, at: At, known: dict[Lane, Offer]) -> None:
    """Read what the next lanes offer, ever more at once while they have nothing; what cannot start leaves the line."""
    most = len(known) + room.in_vain + room.left
    upcoming = [lane for lane in claimer.lanes.upcoming(most) if lane not in known]
    batch = [lane for lane in upcoming if room.cause(lane, claimer.at_once(lane)) is None]
    found, held_up = await offers.read(tx, claimer, room, at, batch)
    room.in_vain += len(batch) - len(found)
    known.update(found)
    for lane in batch:
        if lane in held_up:
            claimer.lanes.set_aside(lane, held_up[lane])
        elif lane not in found:
            claimer.lanes.drop(lane)


def _claimed(claimer: Claimer, offer: Offer, tokens: list[tuple[Claimable, int]]) -> Claimed:
    job = offer.job
    work = Slice(
        installation_id=claimer.installation_id,
        team_id=job.team_id,
        transfer_id=job.transfer_id,
        source=job.source,
        tables=of_day(job.tables, tokens[0][0].data_date),
        destination=job.destination,
        days=tuple(DayOrder(run.data_date, run.run_id, token) for run, token in tokens),
        deadline_seconds=job.deadline_seconds,
        reach=claimer.reaches.of(job.team_id),
    )
    calls, limit = offers.calls_of(job, len(tokens)), job.requests_per_minute
    return Claimed(work, offer.lane, job.connection_id, offer.alone, offer.trials, calls, limit, offer.away)


async def _write(tx: Tx, owner: str, claimed: list[Claimed], found: list[Claimable], now: datetime) -> None:
    orders = [(one.work.transfer_id, order) for one in claimed for order in one.work.days]
    await runs.claim(tx, [(order.run_id, order.token) for _, order in orders], owner, now)
    await days.start(tx, [(transfer_id, order.data_date.isoformat()) for transfer_id, order in orders])
    of_backfill = Counter(run.backfill_id for run in found if run.backfill_id is not None)
    await backfills.count_claimed(tx, list(of_backfill.items()), now)
