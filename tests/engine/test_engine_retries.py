"""Failed days of a transfer by cause, and what a retry of a cause does to them wherever they failed."""

from __future__ import annotations

import pytest

from dayfill.domain.days import DayRange
from dayfill.engine import retries
from dayfill.errors import Missing, Permanent, Refused
from dayfill.store import failures
from rig import Rig, ago, last


def lost(account: int) -> Permanent:
    return Permanent("AUTH", f"Login expired for account {account}.")


COLUMN = Permanent("SCHEMA", "No column date.")
BARRED = Permanent("AUTH", "The login was revoked.", fatal=True)


async def groups(rig: Rig, transfer: int) -> list[tuple[str, str, list[int]]]:
    """(cause, newest message, how many days ago) of each group."""
    found = await failures.by_cause(rig.db, rig.team_id, transfer)
    newest = ago(0)
    return [(one.cause, one.message, [(newest - day.data_date).days for day in one.days]) for one in found]


async def retry(rig: Rig, transfer: int, **choice: str) -> retries.Retried:
    async with rig.db.write() as tx:
        return await retries.retry(tx, rig.seams, rig.team_id, transfer, **choice)


async def failed(rig: Rig) -> tuple[int, int, int]:
    """A transfer with two FAILED backfills of ten days each; the source is well again."""
    transfer = rig.transfer()
    rig.source.on(ago(1), always=lost(1))
    rig.source.on(ago(4), always=lost(2))
    rig.source.on(ago(6), ago(12), ago(13), always=COLUMN)
    newer = await rig.backfill(transfer, last(10))
    older = await rig.backfill(transfer, DayRange(ago(19), ago(10)))
    await rig.settle()
    rig.source.scripts.clear()
    return transfer, newer, older


async def test_days_that_failed_of_the_same_are_one_group(rig: Rig) -> None:
    transfer, _, _ = await failed(rig)
    assert await groups(rig, transfer) == [
        ("SCHEMA", "No column date.", [6, 12, 13]),
        ("AUTH", "Login expired for account 1.", [1, 4]),
    ]


async def test_another_team_sees_and_moves_nothing(rig: Rig) -> None:
    transfer, _, _ = await failed(rig)
    assert await failures.by_cause(rig.db, rig.team_id + 1, transfer) == []
    with pytest.raises(Missing):
        async with rig.db.write() as tx:
            await retries.retry(tx, rig.seams, rig.team_id + 1, transfer)


async def test_one_cause_is_retried_in_every_backfill_that_it_failed_in(rig: Rig) -> None:
    transfer, newer, older = await failed(rig)
    done = await retry(rig, transfer, cause="SCHEMA")
    assert (done.days, done.backfill_ids, done.alone) == (3, (newer, older), 0)
    assert await groups(rig, transfer) == [("AUTH", "Login expired for account 1.", [1, 4])]
    await rig.settle()
    assert ((await rig.get(newer)).failed, (await rig.get(older)).status) == (2, "COMPLETED")
    done = await retry(rig, transfer)
    await rig.settle()
    assert (done.days, (await rig.get(newer)).status, await groups(rig, transfer)) == (2, "COMPLETED", [])
    with pytest.raises(Refused, match="No failed day matches"):
        await retry(rig, transfer)


async def test_a_fingerprint_tells_messages_of_one_cause_apart(rig: Rig) -> None:
    transfer = rig.transfer()
    rig.source.on(ago(1), always=lost(1))
    rig.source.on(ago(2), always=Permanent("AUTH", "The password has changed."))
    await rig.backfill(transfer, last(5))
    await rig.settle()
    rig.source.scripts.clear()
    one, other = await failures.by_cause(rig.db, rig.team_id, transfer)
    await retry(rig, transfer, cause=one.cause, fingerprint=one.fingerprint)
    assert await groups(rig, transfer) == [(other.cause, other.message, [(ago(0) - other.days[0].data_date).days])]


async def test_days_of_a_backfill_that_still_runs_wait_for_its_end(rig: Rig) -> None:
    transfer = rig.transfer()
    rig.single_days()
    rig.gated(slots=1)
    rig.source.on(ago(0), always=COLUMN)
    backfill = await rig.backfill(transfer, last(3))
    await rig.step()
    await rig.answer(ago(0))
    assert await groups(rig, transfer) == [("SCHEMA", "No column date.", [0])]
    with pytest.raises(
        Refused, match=f"Backfill {backfill} is still active: wait for its end, then try its 1 failed days"
    ):
        await retry(rig, transfer)
    await rig.finish()


async def test_a_day_that_failed_outside_any_backfill_gets_a_run_of_its_own(rig: Rig) -> None:
    transfer = rig.transfer()
    rig.source.on(ago(0), always=COLUMN)
    await rig.refresh(transfer, ago(0), ago(1))
    await rig.settle()
    rig.source.scripts.clear()
    done = await retry(rig, transfer)
    assert (done.days, done.backfill_ids, done.alone) == (1, (), 1)
    await rig.settle()
    assert await groups(rig, transfer) == []


async def test_days_that_failed_untried_are_a_group_of_their_own(rig: Rig) -> None:
    transfer = rig.transfer()
    rig.single_days()
    rig.source.on(*last(9), always=BARRED)
    await rig.backfill(transfer, last(9))
    await rig.settle()
    found = {cause: days for cause, _, days in await groups(rig, transfer)}
    assert set(found) == {"AUTH", "STOPPED"}
    assert sorted(found["AUTH"] + found["STOPPED"]) == list(range(9))


async def test_a_failed_day_whose_retry_was_cancelled_can_still_be_retried(rig: Rig) -> None:
    transfer, newer, older = await failed(rig)
    await rig.step()
    rig.gated(slots=1)
    await retry(rig, transfer, cause="SCHEMA")
    await rig.verb("cancel", older)
    assert [cause for cause, _, _ in await groups(rig, transfer)] == ["AUTH", failures.UNKNOWN]
    done = await retry(rig, transfer, cause=failures.UNKNOWN)
    assert (done.days, done.backfill_ids, done.alone) == (2, (), 2)
    assert newer not in done.backfill_ids
