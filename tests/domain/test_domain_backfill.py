"""A backfill: its table of moves is the contract's, and it is over exactly when every day is."""

from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from dayfill.domain.backfill import ACTIVE, MOVES, Backfill, BackfillStatus, settled_status
from dayfill.domain.days import DayRange

CONTRACT = """
CREATED   -> SCHEDULED CANCELLED
SCHEDULED -> RUNNING CANCELLED
RUNNING   -> COMPLETED FAILED CANCELLED
FAILED    -> RUNNING CANCELLED
COMPLETED ->
CANCELLED ->
"""


def allowed_by_contract() -> set[tuple[str, str]]:
    lines = (line.split("->") for line in CONTRACT.strip().splitlines())
    return {(current.strip(), wanted) for current, targets in lines for wanted in targets.split()}


def test_a_status_moves_only_as_the_contract_says() -> None:
    moves = {(current.value, wanted.value) for current, reachable in MOVES.items() for wanted in reachable}
    assert moves == allowed_by_contract()


def test_every_status_has_a_row_and_is_reached_from_created() -> None:
    assert set(MOVES) == set(BackfillStatus)
    reached, waiting = set(), [BackfillStatus.CREATED]
    while waiting:
        status = waiting.pop()
        if status not in reached:
            reached.add(status)
            waiting += MOVES[status]
    assert reached == set(BackfillStatus)


def test_a_failed_backfill_blocks_no_other() -> None:
    assert {status.value for status in ACTIVE} == {"CREATED", "SCHEDULED", "RUNNING"}


@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 12))
def test_a_backfill_is_settled_when_every_day_had_its_last_attempt(completed: int, failed: int, left: int) -> None:
    status = settled_status(completed + failed + left, completed, failed)
    assert (status is None) == (left > 0)
    if status is not None:
        assert status is (BackfillStatus.FAILED if failed else BackfillStatus.COMPLETED)
        assert status in MOVES[BackfillStatus.RUNNING]


@given(*[st.integers(0, 100)] * 5)
def test_every_created_run_is_counted_once(
    waiting: int, completed: int, failed: int, cancelled: int, running: int
) -> None:
    created = waiting + completed + failed + cancelled + running
    assert backfill(created, completed, failed, cancelled, running).waiting == waiting


def backfill(created: int, completed: int, failed: int, cancelled: int, running: int) -> Backfill:
    day = date(2024, 1, 1)
    return Backfill(
        backfill_id=1,
        team_id=1,
        transfer_id=1,
        days=DayRange(day, day),
        status=BackfillStatus.RUNNING,
        priority=3,
        created_time=datetime(2024, 1, 2, tzinfo=UTC),
        created_user_id=1,
        start_time=None,
        end_time=None,
        removed_time=None,
        removed_user_id=None,
        paused_time=None,
        paused_user_id=None,
        total=created,
        created=created,
        completed=completed,
        failed=failed,
        cancelled=cancelled,
        running=running,
        rows_total=0,
        only=(),
        stopped_cause=None,
    )
