"""After a start: tokens go on above every ledger, and days that a destination lost or has later become stale."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import date

import pytest
from structlog.testing import capture_logs

from dayfill.destinations import LedgerRow
from dayfill.engine import reconcile
from dayfill.engine.record import TOKEN_GAP
from dayfill.errors import Permanent, Transient
from dayfill.store import transfers
from dayfill.store.days import Differing
from dayfill.store.invariants import LedgerDay
from meeting import meet
from rig import Rig, SteppedDispatcher, ago, last
from scripted import Kept, reader


def states(rig: Rig, transfer: int) -> dict[date, str]:
    rows = rig.installation.execute(
        "SELECT data_date, settled FROM transfer_days WHERE transfer_id = :id ORDER BY data_date DESC", id=transfer
    )
    return {date.fromisoformat(str(day)): str(settled) for day, settled in rows}


def stopped_cleanly(rig: Rig) -> bool:
    return rig.installation.execute("SELECT stopped_cleanly FROM installation") == [(1,)]


def drawn(rig: Rig) -> int:
    return int(str(rig.installation.execute("SELECT last_token FROM installation")[0][0]))


async def loaded(rig: Rig, days: int = 3) -> int:
    """A transfer with so many loaded days."""
    transfer = rig.transfer()
    await rig.backfill(transfer, last(days))
    await rig.settle()
    return transfer


async def stop(rig: Rig) -> None:
    rig.dispatcher.stop()
    assert rig.task is not None
    await rig.task
    rig.task = None


async def test_a_dispatcher_says_that_it_works_and_that_it_has_stopped(rig: Rig) -> None:
    await loaded(rig)
    assert not stopped_cleanly(rig)
    await stop(rig)
    assert stopped_cleanly(rig)
    await rig.step()
    await rig.crash()
    assert not stopped_cleanly(rig)


async def test_after_a_crash_a_day_that_the_destination_lost_is_stale_and_can_be_chosen(rig: Rig) -> None:
    transfer, other = await loaded(rig), await loaded(rig)
    await rig.crash()
    del rig.destination.days[transfer, "visits", ago(1)]
    with capture_logs() as logs:
        await rig.step()
    [said] = [one for one in logs if one["event"] == "days_stale"]
    assert (said["transfer_id"], said["ledger_behind"], said["ledger_ahead"]) == (transfer, 1, 0)
    assert states(rig, transfer) == {ago(0): "l", ago(1): "s", ago(2): "l"}
    assert set(states(rig, other).values()) == {"l"}
    again = await rig.backfill(transfer, last(3), only=["stale"])
    await rig.settle()
    assert rig.runs(again) == {ago(1): ("COMPLETED", 1)}
    assert rig.agrees(transfer) == sorted(last(3))


async def test_after_a_stop_in_order_nothing_is_compared(rig: Rig) -> None:
    transfer = await loaded(rig)
    await stop(rig)
    del rig.destination.days[transfer, "visits", ago(1)]
    await meet(rig, transfer)
    assert set(states(rig, transfer).values()) == {"l"}


async def test_a_destination_restored_from_an_older_copy_is_noticed_whatever_the_stop(rig: Rig) -> None:
    transfer = await loaded(rig)
    copy = dict(rig.destination.days)
    await rig.backfill(transfer, last(1))
    await rig.settle()
    await stop(rig)
    rig.destination.days = copy
    await meet(rig, transfer)
    assert states(rig, transfer) == {ago(0): "s", ago(1): "l", ago(2): "l"}


async def test_one_table_that_is_behind_makes_the_day_stale(rig: Rig) -> None:
    transfer = rig.transfer(tables=("visits", "orders"))
    await rig.backfill(transfer, last(2))
    await rig.settle()
    await rig.crash()
    del rig.destination.days[transfer, "orders", ago(0)]
    await rig.step()
    assert states(rig, transfer) == {ago(0): "s", ago(1): "l"}


async def test_a_day_whose_record_was_lost_says_what_the_destination_holds(rig: Rig) -> None:
    executor, transfer = rig.gated(), rig.transfer()
    await rig.backfill(transfer, last(1))
    await rig.finish()
    backfill = await rig.backfill(transfer, last(1))
    await rig.step()
    executor.gates[0].run(executor.gates[0].job)  # it loads, and then its server is gone
    await rig.crash()
    await rig.verb("cancel", backfill)
    await rig.step()
    held = rig.destination.days[transfer, "visits", ago(0)]
    columns = "settled, token, run_id, row_count"
    assert rig.installation.execute(f"SELECT {columns} FROM transfer_days") == [("s", held.token, held.run_id, 2)]


async def test_a_restored_state_goes_on_above_the_ledger_and_no_day_is_locked_out(rig: Rig) -> None:
    transfer = rig.transfer()
    rig.destination.days[transfer, "visits", ago(0)] = Kept(5_000, 999, reader([]).read_all(), "from later")
    backfill = await rig.backfill(transfer, last(3))
    await rig.settle()
    assert rig.destination.refused == []
    assert {status for status, _ in rig.runs(backfill).values()} == {"COMPLETED"}
    assert all(kept.token > 5_000 + TOKEN_GAP for kept in rig.destination.days.values())


async def test_a_ledger_that_is_not_ahead_costs_no_tokens(rig: Rig) -> None:
    await loaded(rig, days=3)
    await rig.crash()
    await loaded(rig, days=3)
    assert drawn(rig) == 6


async def test_a_destination_is_looked_at_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = counted(rig, monkeypatch)
    transfer = await loaded(rig)
    rig.pass_time(days=30)
    await rig.backfill(transfer, last(1))
    await rig.settle()
    assert looks() == 1


async def test_whoever_asks_while_a_destination_is_looked_at_starts_no_second_look(rig: Rig) -> None:
    transfer = await loaded(rig)
    await rig.crash()
    rig.start()
    job = await transfers.job(rig.db, transfer)
    reconciler = rig.dispatcher._reconciler
    assert [reconciler.admits(job) for _ in range(2)] == [False, False]
    assert len(reconciler.looks) == 1
    await rig.settle()
    assert reconciler.admits(job)


def counted(rig: Rig, patch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How often a ledger was asked for its greatest token."""
    looks, real = [0], rig.destination.greatest_token

    def greatest_token(config: object) -> int:
        looks[0] += 1
        return real(config)

    patch.setattr(rig.destination, "greatest_token", greatest_token)
    return lambda: looks[0]


@pytest.mark.parametrize("error", [Transient("DESTINATION", "Down."), RuntimeError("a bug")])
async def test_a_destination_that_is_down_blocks_no_other_and_is_looked_at_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    transfer, other = await loaded(rig), await loaded(rig)
    await rig.crash()
    del rig.destination.days[transfer, "visits", ago(1)]
    del rig.destination.days[other, "visits", ago(1)]
    real, fails = rig.destination.ledger, [error]

    def ledger(config: object, transfer_id: int) -> list[LedgerRow]:
        if transfer_id == transfer and fails:
            raise fails.pop()
        return real(config, transfer_id)

    monkeypatch.setattr(rig.destination, "ledger", ledger)
    await rig.step()
    assert [states(rig, one)[ago(1)] for one in (transfer, other)] == ["l", "s"]
    await stop(rig)
    assert not stopped_cleanly(rig), "one destination is still to be compared"
    await rig.step()
    assert states(rig, transfer)[ago(1)] == "s"
    await stop(rig)
    assert stopped_cleanly(rig)


async def test_the_loads_say_what_is_wrong_with_a_destination_and_it_is_looked_at_again_after_a_while(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.destination.days[99, "visits", ago(9)] = Kept(5_000, 999, reader([]).read_all(), "from later")
    real, errors = rig.destination.greatest_token, [Permanent("DESTINATION", "Gone.", fatal=True)]

    def greatest_token(config: object) -> int:
        if errors:
            raise errors.pop()
        return real(config)

    monkeypatch.setattr(rig.destination, "greatest_token", greatest_token)
    rig.destination.fails[ago(0)] = [Permanent("DESTINATION", "Gone.")]
    transfer = rig.transfer()
    backfill = await rig.backfill(transfer, last(1))
    await rig.settle()
    assert await rig.report(backfill) == [(ago(0), "DESTINATION", 1)]
    await rig.backfill(transfer, last(1))
    await rig.settle()
    assert drawn(rig) == 2, "not yet"
    rig.pass_time(seconds=reconcile.AGAIN_SECONDS)
    await rig.backfill(transfer, last(1))
    await rig.settle()
    assert drawn(rig) == 5_000 + TOKEN_GAP + 1


async def test_a_destination_that_does_not_answer_does_not_hold_its_days_back_for_ever(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "PATIENCE_SECONDS", 0.0)
    answers = threading.Event()
    monkeypatch.setattr(rig.destination, "greatest_token", lambda config: answers.wait() and 7)
    monkeypatch.setattr(SteppedDispatcher, "waits_for_looks", False)
    transfer = rig.transfer()
    backfill = await rig.backfill(transfer, last(2))
    while (await rig.get(backfill)).status != "COMPLETED":
        await rig.settle()
    (look,) = rig.dispatcher._reconciler.looks
    answers.set()
    await asyncio.wait([look])
    assert drawn(rig) == 7 + TOKEN_GAP
    await rig.backfill(transfer, last(1))
    await rig.settle()
    assert set(states(rig, transfer).values()) == {"l"}


async def test_a_look_that_hangs_does_not_outlive_its_dispatcher(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = threading.Event()
    monkeypatch.setattr(rig.destination, "greatest_token", lambda config: answers.wait() and 0)
    monkeypatch.setattr(SteppedDispatcher, "waits_for_looks", False)
    await rig.backfill(rig.transfer(), last(1))
    while rig.task is None or not rig.dispatcher._reconciler.looks:
        await rig.settle()
    (look,) = rig.dispatcher._reconciler.looks
    rig.dispatcher.stop()
    ended, _ = await asyncio.wait([rig.task], timeout=0.05)
    assert not ended, "it waits for the thread, which an interpreter that ends would tear out of native code"
    await rig.crash()
    answers.set()
    await asyncio.wait([look])
    assert look.cancelled()
    assert rig.destination.loaded == []


async def test_a_day_that_is_being_loaded_or_was_loaded_since_is_left_alone(rig: Rig) -> None:
    executor, transfer = rig.gated(), rig.transfer()
    await rig.backfill(transfer, last(2))
    await rig.finish()
    await rig.backfill(transfer, last(1))
    await rig.step()
    assert executor.gates
    later = LedgerDay(ago(0), 9, 9, 9, 9, "x")
    async with rig.db.write() as tx:
        tokens = dict(rig.installation.execute("SELECT data_date, token FROM transfer_days"))
        stale = Differing(behind=[(ago(1), tokens[str(ago(1))] - 1)], ahead=[(tokens[str(ago(0))], later)])
        await reconcile.days.settle(tx, transfer, stale)
    assert states(rig, transfer) == {ago(0): "l", ago(1): "l"}


async def test_a_transfer_that_has_moved_meanwhile_is_not_held_against_its_former_place(rig: Rig) -> None:
    transfer = await loaded(rig)
    rig.destination.days.clear()
    await rig.dispatcher._reconciler._compare(transfer, destination_id=99)
    assert set(states(rig, transfer).values()) == {"l"}


async def test_a_pass_that_fails_does_not_make_the_dispatcher_begin_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfer = rig.transfer()
    looks = counted(rig, monkeypatch)
    rig.fail_at("claim", RuntimeError("failpoint"), times=2)
    await rig.backfill(transfer, last(2))
    await rig.settle()
    assert rig.raised == 2
    assert looks() == 1
    assert rig.agrees(transfer) == sorted(last(2))
