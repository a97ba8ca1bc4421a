"""Classic faults, each planted into the engine by a patch, so that the model shows that it would find them."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Sequence
from dataclasses import replace

import pyarrow as pa
import pytest
from moods import MoodyDestination

from dayfill.destinations import DayOutcome, FinishedDay
from dayfill.domain.days import WHOLE
from dayfill.domain.fair import FairQueue
from dayfill.domain.run import LOST
from dayfill.domain.slices import DayResult, Outcome
from dayfill.engine import dispatch, extract, offers
from dayfill.engine import record as recording
from dayfill.engine.lanes import Lanes
from dayfill.engine.work import Recorded
from dayfill.seams import Seams
from dayfill.store import days
from dayfill.store.db import Tx
from dayfill.store.lanes import Lane
from dayfill.store.queries import QUERIES

Plant = Callable[[pytest.MonkeyPatch], None]


def rewrite(patch: pytest.MonkeyPatch, query: str, old: str, new: str) -> None:
    """Change the text of a query of the store."""
    text = QUERIES[query].text
    assert old in text
    patch.setitem(QUERIES, query, replace(QUERIES[query], text=text.replace(old, new)))


def results_without_token(patch: pytest.MonkeyPatch) -> None:
    """A result is taken for any attempt of its run: status is compared, the token is not."""
    for query in ("held_run", "complete_run", "end_run", "requeue_run"):
        rewrite(patch, query, "AND token = :token AND", "AND :token > 0 AND")
    rewrite(patch, "held_run", "SELECT run_id, token,", "SELECT run_id, :token,")


def no_fence(patch: pytest.MonkeyPatch) -> None:
    """The warehouse takes whatever comes last."""
    load = MoodyDestination._replace

    def loaded(self: MoodyDestination, day: FinishedDay) -> DayOutcome:
        for key in [(day.transfer_id, table.name, day.data_date) for table in day.tables]:
            self.days.pop(key, None)
        return load(self, day)

    patch.setattr(MoodyDestination, "_replace", loaded)


def read_what_was_revoked(patch: pytest.MonkeyPatch) -> None:
    """A revoked login is only marked in the state; who loads does not hear of it."""
    rewrite(patch, "transfer_job", "c.revoked_time,", "NULL,")


def rescue_by_run(patch: pytest.MonkeyPatch) -> None:
    """What is given up waits again, whatever has become of the run meanwhile: only its number is compared."""
    plain = recording.record

    async def recorded(tx: Tx, seams: Seams, results: Sequence[tuple[DayResult, int | None]]) -> Recorded:
        taken = await plain(tx, seams, results)
        for result, _ in results:
            if result.failure is not None and result.failure.cause in (LOST, "TIMEOUT"):
                await tx.run("wait_again", run_id=result.run_id, token=result.token)
        return taken

    again = "UPDATE runs SET status = 'QUEUED', owner = NULL WHERE run_id = :run_id AND token <> :token"
    patch.setitem(QUERIES, "wait_again", replace(QUERIES["requeue_run"], name="wait_again", text=again))
    patch.setattr(recording, "record", recorded)


def counters_beside_the_runs(patch: pytest.MonkeyPatch) -> None:
    """Every answer is counted, whether or not its run still waited for it."""
    plain = recording.record

    async def counted(tx: Tx, seams: Seams, results: Sequence[tuple[DayResult, int | None]]) -> Recorded:
        taken = await plain(tx, seams, results)
        for result, _ in results:
            if result.outcome is Outcome.LOADED and taken.taken < len(results):
                await tx.run("count_twice", run_id=result.run_id)
        return taken

    twice = replace(
        QUERIES["count_results"],
        name="count_twice",
        text="UPDATE backfills SET completed = completed + 1"
        " WHERE backfill_id = (SELECT backfill_id FROM runs WHERE run_id = :run_id)",
    )
    patch.setitem(QUERIES, "count_twice", twice)
    patch.setattr(recording, "record", counted)
    patch.setattr(dispatch, "record", counted)


def retry_keeps_the_end(patch: pytest.MonkeyPatch) -> None:
    """A retried backfill runs again and has ended all the same."""
    rewrite(patch, "reopen_backfill", "end_time = NULL, ", "")


def cancel_forgets_days(patch: pytest.MonkeyPatch) -> None:
    """The days of a cancelled backfill wait for ever."""

    async def unqueue(tx: Tx, transfer_id: int, dates: Sequence[str]) -> None: ...

    patch.setattr(days, "unqueue", unqueue)


def empty_on_half_a_reading(patch: pytest.MonkeyPatch) -> None:
    """A reading that breaks off counts as all there is."""
    patch.setattr(extract, "_check_complete", lambda table, read, rows: None)


def refresh_appends(patch: pytest.MonkeyPatch) -> None:
    """A table without days keeps what it held when it is loaded again."""
    load = MoodyDestination._replace

    def appended(self: MoodyDestination, day: FinishedDay) -> DayOutcome:
        held = {key: kept for key, kept in self.days.items() if key[2] == day.data_date == WHOLE}
        outcome = load(self, day)
        for table in day.tables:
            key = (day.transfer_id, table.name, day.data_date)
            if outcome is DayOutcome.LOADED and key in held:
                self.days[key] = replace(self.days[key], rows=pa.concat_tables([self.days[key].rows, held[key].rows]))
        return outcome

    patch.setattr(MoodyDestination, "_replace", appended)


def read_with_the_days(patch: pytest.MonkeyPatch) -> None:
    """A slice may hold days and what has none."""
    patch.setattr(offers, "_together", lambda found: found)


def all_weigh_the_same(patch: pytest.MonkeyPatch) -> None:
    """Turns are shared evenly, whatever the weights."""
    charge = FairQueue.charge
    patch.setattr(FairQueue, "charge", lambda queue, one, turns, weight=1: charge(queue, one, turns))


def turns_are_saved_up(patch: pytest.MonkeyPatch) -> None:
    """Who was away has all its turns at once when it comes back."""

    def join(queue: FairQueue, one: int) -> None:
        if one not in queue:
            queue._tags.setdefault(one, 0.0)
            insort(queue._waiting, (queue._tags[one], one))

    patch.setattr(FairQueue, "join", join)


def weight_as_it_was(patch: pytest.MonkeyPatch) -> None:
    """The dispatcher does not hear that a team has another weight."""
    rewrite(patch, "waiting_lanes", "t.weight, m.weight,", "t.weight, 1,")


def patient_first(patch: pytest.MonkeyPatch) -> None:
    """Backfills go before schedules."""
    upcoming = Lanes.upcoming

    def reversed_(lanes: Lanes, most: int) -> list[Lane]:
        teams = lanes._teams
        lanes._teams = dict(reversed(teams.items()))
        try:
            return upcoming(lanes, most)
        finally:
            lanes._teams = teams

    patch.setattr(Lanes, "upcoming", reversed_)


UNFAIR: dict[str, tuple[Plant, str, int]] = {
    "all weigh the same": (all_weigh_the_same, "had its turn before", 1),
    "turns are saved up": (turns_are_saved_up, "had its turn before", 1),
    "weight as it was": (weight_as_it_was, "had its turn before", 1),
    "patient first": (patient_first, "is more urgent", 1),
}
"""The same of whose turn it is."""

PLANTS: dict[str, tuple[Plant, str, int]] = {
    "results without token": (results_without_token, "I", 7),
    "no fence": (no_fence, "I", 1),
    "rescue by run": (rescue_by_run, "I", 1),
    "counters beside the runs": (counters_beside_the_runs, "I2", 5),
    "retry keeps the end": (retry_keeps_the_end, "I4", 1),
    "cancel forgets days": (cancel_forgets_days, "I7", 1),
    "empty on half a reading": (empty_on_half_a_reading, "I8", 1),
    "refresh appends": (refresh_appends, "I8", 1),
    "read with the days": (read_with_the_days, "I8", 1),
}
"""Name -> the plant, the rule that it breaks first, and a seed that finds it within a few stories."""
