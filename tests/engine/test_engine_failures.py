"""Days that fail: for good, for a while, all alike; and how a retry heals them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dayfill.domain.run import FIRST_BACKOFF, MAX_ATTEMPTS
from dayfill.errors import Permanent, Refused, Transient
from dayfill.store.db import micros
from rig import Rig, ago, last

LOST = Transient("NETWORK", "The source hung up.")
WRONG = Permanent("DATA", "Row 3, column n: 'x' is not a number.")
BARRED = Permanent("AUTH", "The login was revoked.", fatal=True)
GONE = Permanent("DESTINATION", "The warehouse is gone.", fatal=True)


async def test_days_that_fail_for_good_leave_the_others_alone(rig: Rig) -> None:
    transfer = rig.transfer()
    rig.source.on(ago(3), ago(9), always=WRONG)
    rig.source.on(ago(5), always=Permanent("SCHEMA", "No column date."))
    backfill = await rig.backfill(transfer, last(20))
    await rig.settle()
    made = await rig.get(backfill)
    assert (made.status, made.completed, made.failed, made.total) == ("FAILED", 17, 3, 20)
    assert made.end_time is not None and made.stopped_cause is None
    assert await rig.report(backfill) == [(ago(3), "DATA", 1), (ago(5), "SCHEMA", 1), (ago(9), "DATA", 1)]
    assert rig.agrees(transfer) == sorted(set(last(20)) - {ago(3), ago(5), ago(9)})


async def failed_backfill(rig: Rig) -> tuple[int, int]:
    """A transfer and its FAILED backfill of ten days: two DATA, one SCHEMA; the source is well again."""
    transfer = rig.transfer()
    rig.source.on(ago(1), ago(4), always=WRONG)
    rig.source.on(ago(6), always=Permanent("SCHEMA", "No column date."))
    backfill = await rig.backfill(transfer, last(10))
    await rig.settle()
    assert (await rig.get(backfill)).status == "FAILED"
    rig.source.scripts.clear()
    return transfer, backfill


async def test_a_retry_heals_in_the_same_backfill(rig: Rig) -> None:
    transfer, backfill = await failed_backfill(rig)
    reopened, days = await rig.verb("retry", backfill)
    assert (reopened.status, reopened.failed, reopened.end_time, days) == ("RUNNING", 0, None, 3)
    await rig.settle()
    made = await rig.get(backfill)
    assert (made.status, made.completed, made.failed, made.total) == ("COMPLETED", 10, 0, 10)
    assert await rig.report(backfill) == []
    assert rig.agrees(transfer) == sorted(last(10))


@pytest.mark.parametrize(
    ("choice", "left"),
    [
        ({"cause": "DATA"}, [ago(6)]),
        ({"cause": "SCHEMA"}, [ago(1), ago(4)]),
        ({"dates": [ago(4), ago(6), ago(8)]}, [ago(1)]),
        ({"cause": "DATA", "dates": [ago(4), ago(6)]}, [ago(1), ago(6)]),
    ],
    ids=["cause", "other cause", "dates", "cause and dates"],
)
async def test_a_retry_may_choose_days(rig: Rig, choice: dict[str, object], left: list[object]) -> None:
    _, backfill = await failed_backfill(rig)
    await rig.verb("retry", backfill, **choice)
    await rig.settle()
    assert [day for day, _, _ in await rig.report(backfill)] == left
    made = await rig.get(backfill)
    assert (made.status, made.completed, made.failed) == ("FAILED", 10 - len(left), len(left))


async def test_a_retry_counts_attempts_anew_but_tokens_go_on(rig: Rig) -> None:
    transfer = rig.transfer()
    rig.source.on(ago(0), always=LOST)
    backfill = await rig.backfill(transfer, last(1))
    await rig.settle()
    assert await rig.report(backfill) == [(ago(0), "NETWORK", MAX_ATTEMPTS)]
    rig.source.on(ago(0), raises=[LOST] * (MAX_ATTEMPTS - 1))
    await rig.verb("retry", backfill)
    await rig.settle()
    assert rig.runs(backfill) == {ago(0): ("COMPLETED", MAX_ATTEMPTS)}
    assert rig.installation.execute("SELECT token FROM runs") == [(2 * MAX_ATTEMPTS,)]


@pytest.mark.parametrize("choice", [{"cause": "QUOTA"}, {"dates": [ago(2)]}], ids=["cause", "day"])
async def test_a_retry_of_nothing_is_refused(rig: Rig, choice: dict[str, object]) -> None:
    _, backfill = await failed_backfill(rig)
    with pytest.raises(Refused, match="No failed day"):
        await rig.verb("retry", backfill, **choice)
    assert (await rig.get(backfill)).status == "FAILED"


async def test_a_retry_is_refused_while_another_backfill_meets_its_range(rig: Rig) -> None:
    transfer, backfill = await failed_backfill(rig)
    other = await rig.backfill(transfer, last(1))
    with pytest.raises(Refused, match=f"Backfill {other} .* CREATED"):
        await rig.verb("retry", backfill)
    await rig.settle()
    await rig.verb("retry", backfill)
    await rig.settle()
    assert (await rig.get(backfill)).status == "COMPLETED"


async def test_only_a_failed_backfill_can_be_retried(rig: Rig) -> None:
    backfill = await rig.backfill(rig.transfer(), last(2))
    with pytest.raises(Refused, match="is CREATED"):
        await rig.verb("retry", backfill)
    await rig.settle()
    with pytest.raises(Refused, match="is COMPLETED"):
        await rig.verb("retry", backfill)


async def test_a_failure_that_may_pass_is_tried_again_later_each_time(rig: Rig) -> None:
    backfill = await rig.backfill(rig.transfer(), last(1))
    rig.source.on(ago(0), always=LOST)
    for attempt in range(1, MAX_ATTEMPTS):
        began = rig.installation.now
        await rig.step()
        assert rig.runs(backfill) == {ago(0): ("QUEUED", attempt)}
        longest = FIRST_BACKOFF * 2 ** (attempt - 1)
        await wait_for_next(rig, reads=attempt)
        assert longest / 2 <= rig.installation.now - began <= longest
    await rig.step()
    assert await rig.report(backfill) == [(ago(0), "NETWORK", MAX_ATTEMPTS)]
    assert (await rig.get(backfill)).status == "FAILED"


async def wait_for_next(rig: Rig, reads: int) -> None:
    """Move the clock to the moment for which the dispatcher would sleep; not a moment earlier does it read again."""
    seconds = await rig.dispatcher._seconds_to_next_due()
    rig.pass_time(seconds=seconds - 0.001)
    await rig.step()
    assert len(rig.source.reads) == reads
    rig.pass_time(seconds=0.001)


async def test_a_failure_that_passes_leaves_no_trace_but_its_attempt(rig: Rig) -> None:
    transfer = rig.transfer()
    rig.source.on(ago(0), raises=[LOST, LOST])
    backfill = await rig.backfill(transfer, last(1))
    await rig.settle()
    assert rig.runs(backfill) == {ago(0): ("COMPLETED", 3)}
    assert rig.installation.execute("SELECT message, cause FROM runs") == [("", None)]


async def test_what_waits_for_another_try_lets_the_others_go_first(rig: Rig) -> None:
    rig.single_days()
    rig.source.on(ago(0), raises=[LOST])
    await rig.backfill(rig.transfer(parallelism=1), last(4))
    rig.source.seconds = lambda days: rig.pass_time(seconds=0.3)
    await rig.settle()
    assert [days[0] for days in rig.source.reads] == [ago(0), ago(1), ago(2), ago(3), ago(0)]


async def test_a_day_that_waits_is_not_forgotten_over_hours(rig: Rig) -> None:
    rig.source.on(ago(0), raises=[Transient("QUOTA", "Come back tomorrow.", retry_after=20 * 3600)])
    backfill = await rig.backfill(rig.transfer(), last(1))
    began = rig.installation.now
    await rig.settle()
    assert rig.runs(backfill) == {ago(0): ("COMPLETED", 1)}
    assert rig.installation.now - began == timedelta(hours=20)


# -- equal fatal errors


async def test_equal_fatal_errors_in_a_row_stop_the_days_not_yet_tried(rig: Rig) -> None:
    rig.single_days()
    transfer = rig.transfer(parallelism=1)
    rig.source.on(*last(10), always=BARRED)
    backfill = await rig.backfill(transfer, last(10))
    await rig.settle()
    made = await rig.get(backfill)
    assert (made.status, made.failed, made.completed, made.stopped_cause) == ("FAILED", 10, 0, "AUTH")
    assert len(rig.source.reads) == 3
    report = await rig.report(backfill)
    assert report == [(ago(n), "AUTH" if n < 3 else "STOPPED", 1 if n < 3 else 0) for n in range(10)]
    message = rig.installation.execute("SELECT DISTINCT message FROM runs WHERE cause = 'STOPPED'")
    assert message == [("not tried: the backfill was stopped after 3 AUTH errors in a row (The login was revoked.)",)]
    ended = "SELECT DISTINCT ended_time, settled_time FROM runs JOIN transfer_days USING (transfer_id, data_date)"
    assert rig.installation.execute(f"{ended} WHERE cause = 'STOPPED'") == [(micros(rig.seams.now()),) * 2]


async def test_what_stopped_the_days_is_told_in_as_many_characters_as_any_error(rig: Rig) -> None:
    rig.single_days()
    transfer = rig.transfer(parallelism=1)
    rig.source.on(*last(6), always=Permanent("AUTH", "x" * 600, fatal=True))
    await rig.backfill(transfer, last(5))
    await rig.settle()
    await rig.refresh(transfer, *last(6))
    await rig.settle()
    longest = rig.installation.execute("SELECT backfill_id IS NULL, max(length(message)) FROM runs GROUP BY 1")
    assert longest == [(0, 500), (1, 500)]


async def test_a_retry_takes_up_the_days_that_were_not_tried(rig: Rig) -> None:
    rig.single_days()
    transfer = rig.transfer(parallelism=1)
    rig.source.on(*last(10), always=BARRED)
    backfill = await rig.backfill(transfer, last(10))
    await rig.settle()
    rig.source.on(*last(10))
    _, days = await rig.verb("retry", backfill, cause="STOPPED")
    assert days == 7
    await rig.settle()
    made = await rig.get(backfill)
    assert (made.completed, made.failed, made.stopped_cause) == (7, 3, None)
    await rig.verb("retry", backfill)
    await rig.settle()
    assert (await rig.get(backfill)).status == "COMPLETED"
    assert rig.agrees(transfer) == sorted(last(10))


@pytest.mark.parametrize("between", [GONE, WRONG, None], ids=["another fatal", "not fatal", "success"])
async def test_what_comes_between_starts_the_count_anew(rig: Rig, between: Permanent | None) -> None:
    rig.single_days()
    rig.source.on(*[ago(n) for n in (0, 1, 3, 4, 6, 7)], always=BARRED)
    rig.source.on(ago(2), ago(5), ago(8), always=between)
    backfill = await rig.backfill(rig.transfer(parallelism=1), last(9))
    await rig.settle()
    assert len(rig.source.reads) == 9
    made = await rig.get(backfill)
    assert (made.status, made.stopped_cause) == ("FAILED", None)
    assert made.failed == (6 if between is None else 9)


async def test_what_runs_while_the_others_are_stopped_still_counts(rig: Rig) -> None:
    rig.single_days()
    executor = rig.gated()
    rig.source.on(ago(0), ago(1), ago(2), always=BARRED)
    rig.source.on(ago(3), raises=[LOST])
    backfill = await rig.backfill(rig.transfer(parallelism=5), last(20))
    await rig.step()
    for n in (0, 1, 2):
        await rig.answer(ago(n))
    made = await rig.get(backfill)
    assert (made.status, made.running) == ("RUNNING", len(executor.gates))
    await rig.answer(ago(4))
    await rig.finish()
    made = await rig.get(backfill)
    assert made.status == "FAILED"
    assert made.completed + made.failed == 20


async def test_the_last_days_may_all_be_fatal_and_there_is_nothing_left_to_stop(rig: Rig) -> None:
    rig.single_days()
    rig.gated()
    rig.source.on(*last(3), always=BARRED)
    rig.source.on(ago(3), always=LOST)
    backfill = await rig.backfill(rig.transfer(parallelism=4), last(4))
    await rig.step()
    for n in (0, 1, 2):
        await rig.answer(ago(n))
    assert (await rig.get(backfill)).stopped_cause is None
    await rig.answer(ago(3))
    made = await rig.get(backfill)
    assert (made.status, made.failed, made.stopped_cause) == ("FAILED", 4, "AUTH")
    message = rig.installation.execute("SELECT message FROM runs WHERE cause = 'STOPPED'")
    assert message == [("not tried: the backfill was stopped after 3 AUTH errors in a row",)]
