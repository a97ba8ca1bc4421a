"""What one recording writes, gathered result by result: one trip to the database for each kind of statement."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from dayfill.domain.allowance import month_of
from dayfill.domain.fingerprint import fingerprint
from dayfill.domain.run import Failure, Priority, RunStatus, RunType, Side, TryAgain
from dayfill.domain.slices import DayResult
from dayfill.engine.parking import shown_to_work
from dayfill.engine.work import Ending
from dayfill.store.backfills import Results, Standing
from dayfill.store.db import Values, micros
from dayfill.store.runs import Held


@dataclass(slots=True)
class Tally:
    """What the results change on one backfill. fatal_message: of the last day that failed."""

    transfer_id: int
    standing: Standing
    results: Results
    fatal_message: str = ""

    def complete(self, rows: int) -> None:
        changes = self.results
        changes.completed += 1
        changes.rows += rows
        changes.fatal_cause, changes.fatal_streak = None, 0

    def fail(self, failure: Failure) -> None:
        changes = self.results
        changes.failed += 1
        same = failure.fatal and changes.fatal_cause == failure.cause
        changes.fatal_streak = changes.fatal_streak + 1 if same else int(failure.fatal)
        changes.fatal_cause = failure.cause if failure.fatal else None
        self.fatal_message = failure.message


@dataclass(slots=True)
class Batch:
    """completed, ended, requeued: runs. day_moves: days by the statement that moves them. tallies: by backfill.

    working: transfers of which this side took part in an attempt without refusing it, with the newest start of one;
    only where a side rests.
    barred: fatal errors of runs outside any backfill, by transfer. rows: by team and month, see `month_of`.
    """

    tallies: dict[int, Tally]
    completed: list[Values] = field(default_factory=list)
    ended: list[Values] = field(default_factory=list)
    requeued: list[Values] = field(default_factory=list)
    day_moves: dict[str, list[Values]] = field(default_factory=lambda: defaultdict(list))
    transfers: set[int] = field(default_factory=set)
    taken: set[int] = field(default_factory=set)
    working: dict[Side, dict[int, datetime]] = field(default_factory=lambda: defaultdict(dict))
    barred: dict[int, Failure] = field(default_factory=dict)
    endings: Counter[tuple[RunType, Ending]] = field(default_factory=Counter)
    rows: Counter[tuple[int, str]] = field(default_factory=Counter)

    def take(self, result: DayResult, held: Held) -> Tally | None:
        """This run has its result; returns the tally of its backfill, if it is of one."""
        self.taken.add(result.run_id)
        self.transfers.add(held.transfer_id)
        if held.backfill_id is None:
            return None
        tally = self.tallies[held.backfill_id]
        tally.results.ended += 1
        return tally

    def complete(self, tally: Tally | None, result: DayResult, held: Held, now: datetime) -> None:
        self._count(held, "loaded")
        self.rows[held.team_id, month_of(now)] += result.rows
        loaded = {"row_count": result.rows, "content_hash": result.content_hash, "token": result.token}
        loaded |= {"run_id": result.run_id, "now": micros(now)}
        self.completed.append({**loaded, "queries": _queries(result)})
        self.day_moves["load_day"].append({**loaded, **_day(held)})
        if tally is not None:
            tally.complete(result.rows)

    def fail(self, tally: Tally | None, result: DayResult, held: Held, failure: Failure, now: datetime) -> None:
        self._count(held, "failed")
        self._end(result, failure, RunStatus.FAILED, now)
        self.day_moves["fail_day"].append({**_day(held), "run_id": result.run_id, "now": micros(now)})
        if tally is not None:
            tally.fail(failure)
        elif failure.fatal:
            self.barred[held.transfer_id] = failure

    def cancel(self, tally: Tally | None, result: DayResult, held: Held, failure: Failure, now: datetime) -> None:
        self._count(held, "cancelled")
        self._end(result, failure, RunStatus.CANCELLED, now)
        self.day_moves["release_day"].append(_day(held))
        if tally is not None:
            tally.results.cancelled += 1

    def requeue(
        self, tally: Tally | None, result: DayResult, held: Held, failure: Failure, again: TryAgain, now: datetime
    ) -> None:
        self._count(held, "again")
        is_paused = tally is not None and tally.standing.is_paused
        moved = {
            "status": (RunStatus.CREATED if is_paused else RunStatus.QUEUED).value,
            "priority": int(Priority.RETRY),
            "not_before": micros(again.not_before),
            "give_back": int(again.give_back),
            "now": micros(now),
        }
        self.requeued.append(_of_failure(result, failure) | moved)
        self.day_moves["requeue_day"].append(_day(held))

    def show_working(self, failure: Failure | None, held: Held) -> None:
        for side in shown_to_work(failure):
            newest = self.working[side]
            newest[held.transfer_id] = max(held.started_time, newest.get(held.transfer_id, held.started_time))

    def _end(self, result: DayResult, failure: Failure, status: RunStatus, now: datetime) -> None:
        self.ended.append(_of_failure(result, failure) | {"status": status.value, "now": micros(now)})

    def _count(self, held: Held, ending: Ending) -> None:
        self.endings[RunType.RECURRING if held.backfill_id is None else RunType.BACKFILL, ending] += 1


def _of_failure(result: DayResult, failure: Failure) -> dict[str, object]:
    return {
        "run_id": result.run_id,
        "token": result.token,
        "message": failure.message,
        "cause": failure.cause,
        "fingerprint": fingerprint(failure.message),
        "queries": _queries(result),
    }


def _queries(result: DayResult) -> str:
    return msgspec.json.encode(result.queries).decode()


def _day(held: Held) -> dict[str, object]:
    return {"transfer_id": held.transfer_id, "data_date": held.data_date.isoformat()}
