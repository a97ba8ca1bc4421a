"""Claim the runs that may start now, within every limit, and make slices of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from dayfill import destinations, sources
from dayfill.domain.allowance import next_month
from dayfill.domain.days import WHOLE
from dayfill.domain.parking import Trial
from dayfill.domain.reach import Reaches
from dayfill.domain.run import LOST, MAX_ATTEMPTS
from dayfill.domain.slices import DayOrder, DayResult, Slice, TransferJob
from dayfill.domain.table_group import of_day
from dayfill.engine.budgets import MAX_SLICE_DAYS, Budgets, Pace
from dayfill.engine.parking import trials
from dayfill.errors import ConnectorError
from dayfill.seams import Seams
from dayfill.store import allowances, backfills, days, runs, transfers
from dayfill.store.db import Tx
from dayfill.store.runs import Claimable

_AFTER_ALL = 2**62
"""Greater than every transfer id."""


@dataclass(slots=True)
class Claimer:
    """Whose turn it is. owner: this dispatcher's incarnation. served: last transfer served in each priority.

    admits: whether a transfer's destination is known well enough to load into it; see `Reconciler`.
    unknown: destinations that the last claim found not admitted; for all of it, or what is less urgent would go first.
    rows_until: when a team may load again whose rows of the month were found used up by the last claim.
    reaches: what the loads of each team may open. has_cluster: what can be loaded elsewhere is.
    """

    owner: str
    installation_id: str
    budgets: Budgets
    admits: Callable[[TransferJob], bool] = lambda job: True
    reaches: Reaches = field(default_factory=Reaches)
    paces: dict[int, Pace] = field(default_factory=dict)
    served: dict[int, int] = field(default_factory=dict)
    rows_until: datetime | None = None
    unknown: set[int] = field(default_factory=set)
    has_cluster: bool = False

    def pace(self, transfer_id: int, source_kind: str) -> Pace:
        if transfer_id not in self.paces:
            self.paces[transfer_id] = Pace(shares=_days_per_read(source_kind) > 1)
        return self.paces[transfer_id]

    def learn(self, work: Slice, results: Sequence[DayResult], seconds: float) -> None:
        """How long a slice took, for the size of the next ones; tables without days say nothing of that."""
        if work.days[0].data_date == WHOLE:
            return
        failed = any(result.failure is not None and result.failure.transient for result in results)
        size = sum(result.size_bytes for result in results)
        self.pace(work.transfer_id, work.source.kind).learn(len(results), seconds, size, failed=failed)


def _days_per_read(source_kind: str) -> int:
    try:
        return sources.get(source_kind).max_days_per_read
    except (ConnectorError, ImportError):
        return 1  # the load of its days will say so; the days of other transfers must not wait for that


class At(NamedTuple):
    """The moment of a claim, on both clocks."""

    now: datetime
    monotonic: float


@dataclass(frozen=True, slots=True)
class Claimed:
    """A slice whose runs are RUNNING, and the connection that its budget belongs to. alone, trials: see `Pick`.

    calls: of the source. per_minute: how many the connection may make, if there is a limit. away: for the cluster.
    """

    work: Slice
    connection_id: int
    alone: bool
    trials: Sequence[Trial] = ()
    calls: int = 0
    per_minute: int | None = None
    away: bool = False


@dataclass(frozen=True, slots=True)
class Pick:
    """Runs that will become one slice.

    trials: what it tries out, so it is a single day, and nothing else of these starts before it has ended.
    alone: nothing may run beside it, for it may kill the server. away: it is for the cluster.
    """

    job: TransferJob
    found: list[Claimable]
    away: bool
    trials: Sequence[Trial] = ()
    alone: bool = False


async def claim(tx: Tx, seams: Seams, claimer: Claimer, *, busy: bool = False) -> list[Claimed]:
    """Claim until the slots are full: urgent before patient, transfers in turn, newest day first.

    busy: a slice is under way. The caller takes the budget of each slice once the transaction is committed.
    """
    at = At(seams.now(), seams.monotonic())
    claimer.rows_until = None
    claimer.unknown.clear()
    picks: list[Pick] = []
    async for priority, transfer_id in _lanes(tx, claimer):
        found = await _pick(tx, claimer, priority, transfer_id, at, picks)
        if any(pick.alone for pick in found):
            # It waits until nothing else runs; meanwhile nothing less urgent starts, or it might wait for ever.
            picks = picks if picks or busy else found
            break
        picks += found
        here = sum(1 for pick in picks if not pick.away)
        if claimer.budgets.is_full(here, len(picks) - here):
            break
    if not picks:
        return []
    tokens = iter(await runs.draw_tokens(tx, sum(len(pick.found) for pick in picks)))
    claimed = [_claimed(claimer, pick, [(run, next(tokens)) for run in pick.found]) for pick in picks]
    await _write(tx, claimer.owner, claimed, picks, at.now)
    seams.failpoint("claim")
    return claimed


async def _lanes(tx: Tx, claimer: Claimer) -> AsyncIterator[tuple[int, int]]:
    """(priority, transfer) with queued runs: urgent first; within a priority, after the transfer served last."""
    priority = -1
    while (first := await runs.next_lane(tx, priority, _AFTER_ALL)) is not None:
        priority = first[0]
        served = claimer.served.get(priority, 0)
        lane = await runs.next_lane(tx, priority, served)
        while lane is not None and lane[0] == priority:
            yield lane
            lane = await runs.next_lane(tx, *lane)
        lane = first
        while lane is not None and lane[0] == priority and lane[1] <= served:
            yield lane
            lane = await runs.next_lane(tx, *lane)


async def _pick(tx: Tx, claimer: Claimer, priority: int, transfer_id: int, at: At, earlier: list[Pick]) -> list[Pick]:
    """As many slices of one lane as its limits allow, days spread evenly over them."""
    job = await transfers.job(tx, transfer_id)
    if job.destination_id in claimer.unknown or not claimer.admits(job):
        claimer.unknown.add(job.destination_id)
        return []
    if (await allowances.get(tx, job.team_id, at.now)).is_spent:
        claimer.rows_until = next_month(at.now)
        return []
    pace = claimer.pace(transfer_id, job.source.kind)
    tried = trials(job, at.now)
    if tried is None or not _may_ask(claimer.budgets, job, at.monotonic, earlier):
        return []
    away = claimer.has_cluster and is_away(job)
    slices = _allowed(claimer.budgets, job, pace, tried, earlier, away)
    if slices <= 0:
        return []
    days_each = 1 if tried else min(pace.slice_days(), _days_in_a_burst(job))
    found = await runs.claimable(tx, transfer_id, priority, at.now, slices * days_each)
    taken = {run.data_date for pick in earlier if pick.job.transfer_id == transfer_id for run in pick.found}
    found = _together(_one_a_day(found, taken))
    if not found:
        return []
    claimer.served[priority] = transfer_id
    suspect = next((run for run in found if _is_suspect(run)), None)
    if suspect is not None:
        return [Pick(job, [suspect], away, tried, alone=not away)]  # a worker of a cluster ends alone
    each = max(1, min(days_each, -(-len(found) // slices)))
    return [Pick(job, found[start : start + each], away, tried) for start in range(0, len(found), each)]


def _is_suspect(run: Claimable) -> bool:
    """It ended with the server, so it may be what ends it: its last attempt must take no other run along."""
    return run.cause == LOST and run.attempts == MAX_ATTEMPTS - 1


def _may_ask(budgets: Budgets, job: TransferJob, monotonic: float, earlier: list[Pick]) -> bool:
    """Whether the connection's limit of requests a minute, if it has one, lets a slice start: one at a time."""
    if job.requests_per_minute is None:
        return True
    if any(pick.job.connection_id == job.connection_id for pick in earlier):
        return False
    calls = _calls(job, _days_in_a_burst(job))
    return budgets.may_ask(job.connection_id, calls, job.requests_per_minute, monotonic)


def _days_in_a_burst(job: TransferJob) -> int:
    """Days that one slice may ask for at once: what the limit allows in a second, or one reading if that is more."""
    if job.requests_per_minute is None:
        return MAX_SLICE_DAYS
    readings = max(1, job.requests_per_minute // 60 // len(job.tables))
    return readings * _days_per_read(job.source.kind)


def _calls(job: TransferJob, days: int) -> int:
    return len(job.tables) * -(-days // _days_per_read(job.source.kind))


def is_away(job: TransferJob) -> bool:
    """Whether a cluster can load it: neither end belongs to this machine."""
    return job.destination.kind not in destinations.LOCAL and not sources.is_local(job.source.settings)


def _allowed(
    budgets: Budgets, job: TransferJob, pace: Pace, tried: list[Trial], earlier: list[Pick], away: bool
) -> int:
    """Slices of this transfer that may start now; ``earlier`` are picked in the same claim."""
    under_way = budgets.trials.union(*(pick.trials for pick in earlier))
    if not under_way.isdisjoint(tried) or not budgets.may_hang(job.transfer_id):
        return 0
    of_transfer = sum(1 for pick in earlier if pick.job.transfer_id == job.transfer_id)
    at_once = pace.slices_at_once(job.parallelism)
    of_connection = sum(1 for pick in earlier if pick.job.connection_id == job.connection_id)
    return min(
        1 if tried or job.requests_per_minute else max(budgets.slots, budgets.away_slots),
        budgets.free(away) - sum(1 for pick in earlier if pick.away == away),
        at_once - budgets.of_transfer[job.transfer_id] - of_transfer,
        job.connection_parallelism - budgets.of_connection[job.connection_id] - of_connection,
    )


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


def _claimed(claimer: Claimer, pick: Pick, tokens: list[tuple[Claimable, int]]) -> Claimed:
    job = pick.job
    tables = of_day(job.tables, pick.found[0].data_date)
    work = Slice(
        installation_id=claimer.installation_id,
        team_id=job.team_id,
        transfer_id=job.transfer_id,
        source=job.source,
        tables=tables,
        destination=job.destination,
        days=tuple(DayOrder(run.data_date, run.run_id, token) for run, token in tokens),
        deadline_seconds=job.deadline_seconds,
        reach=claimer.reaches.of(job.team_id),
    )
    calls, limit = _calls(job, len(tokens)), job.requests_per_minute
    return Claimed(work, job.connection_id, pick.alone, pick.trials, calls, limit, pick.away)


async def _write(tx: Tx, owner: str, claimed: list[Claimed], picks: list[Pick], now: datetime) -> None:
    orders = [(one.work.transfer_id, order) for one in claimed for order in one.work.days]
    await runs.claim(tx, [(order.run_id, order.token) for _, order in orders], owner, now)
    await days.start(tx, [(transfer_id, order.data_date.isoformat()) for transfer_id, order in orders])
    of_backfill = Counter(run.backfill_id for pick in picks for run in pick.found if run.backfill_id is not None)
    await backfills.count_claimed(tx, list(of_backfill.items()), now)
