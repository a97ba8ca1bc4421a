"""Cancelling a backfill in each of its statuses, and against its last result."""

from __future__ import annotations

import pytest

from dayfill.engine import materialise
from dayfill.errors import Missing, Permanent, Refused, Transient
from rig import Killed, Rig, ago, last

WRONG = Permanent("DATA", "Wrong.")


def moves(rig: Rig) -> list[object]:
    """Moving counts of all days: nothing may be left over when all is done."""
    return rig.installation.execute("SELECT sum(queued), sum(running) FROM transfer_days")


async def cancelled(rig: Rig, backfill: int) -> None:
    """Cancel it and see that it says when and by whom."""
    made = await rig.verb("cancel", backfill)
    assert (made.status, made.removed_user_id) == ("CANCELLED", rig.user_id)
    assert made.removed_time == made.end_time == rig.installation.now
    assert await rig.check() == []


async def test_before_anything_exists(rig: Rig) -> None:
    backfill = await rig.backfill(rig.transfer(), last(5))
    await cancelled(rig, backfill)
    await rig.settle()
    made = await rig.get(backfill)
    assert (made.status, made.created, made.total) == ("CANCELLED", 0, 5)
    assert rig.source.reads == []


async def test_with_half_of_its_runs_made(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(materialise, "CHUNK_DAYS", 4)
    backfill = await rig.backfill(rig.transfer(), last(10))
    await materialise.materialise(rig.db, rig.seams)
    assert sorted(rig.runs(backfill)) == sorted(last(4)), "the newest days come first here too"
    await cancelled(rig, backfill)
    await rig.settle()
    made = await rig.get(backfill)
    assert (made.status, made.created, made.cancelled) == ("CANCELLED", 4, 4)
    assert (rig.source.reads, moves(rig)) == ([], [(0, 0)])


async def test_what_runs_finishes_and_is_counted_but_status_and_end_stay(rig: Rig) -> None:
    rig.single_days()
    rig.gated()
    transfer = rig.transfer(parallelism=3)
    rig.source.on(ago(1), always=WRONG)
    rig.source.on(ago(2), always=Transient("NETWORK", "Lost."))
    backfill = await rig.backfill(transfer, last(8))
    await rig.step()
    await cancelled(rig, backfill)
    ended = (await rig.get(backfill)).end_time
    counts = [(await rig.get(backfill)).completed]
    for n in range(3):
        await rig.answer(ago(n))
        counts.append((await rig.get(backfill)).completed)
    await rig.finish()
    made = await rig.get(backfill)
    assert counts == [0, 1, 1, 1]
    assert (made.status, made.end_time) == ("CANCELLED", ended)
    assert (made.completed, made.failed, made.cancelled, made.running) == (1, 1, 6, 0)
    assert rig.runs(backfill)[ago(2)] == ("CANCELLED", 1)
    assert await rig.report(backfill) == [(ago(1), "DATA", 1)]
    assert (len(rig.source.reads), moves(rig)) == (3, [(0, 0)])
    assert rig.agrees(transfer) == [ago(0)]


async def test_what_waits_for_another_try_is_cancelled_too(rig: Rig) -> None:
    rig.source.on(ago(0), always=Transient("NETWORK", "Lost."))
    backfill = await rig.backfill(rig.transfer(), last(1))
    await rig.step()
    await cancelled(rig, backfill)
    await rig.settle()
    assert rig.runs(backfill) == {ago(0): ("CANCELLED", 1)}
    assert len(rig.source.reads) == 1


async def test_after_it_failed(rig: Rig) -> None:
    rig.source.on(ago(1), always=WRONG)
    backfill = await rig.backfill(rig.transfer(), last(3))
    await rig.settle()
    rig.pass_time(hours=2)
    await cancelled(rig, backfill)
    made = await rig.get(backfill)
    assert (made.completed, made.failed, made.cancelled) == (2, 1, 0)
    with pytest.raises(Refused, match="is CANCELLED"):
        await rig.verb("retry", backfill)


async def test_a_second_cancel_is_refused_and_names_the_first(rig: Rig) -> None:
    backfill = await rig.backfill(rig.transfer(), last(3))
    await cancelled(rig, backfill)
    with pytest.raises(Refused, match=rf"cancelled at 2024-06-15T12:00:00Z by user {rig.user_id}\."):
        await rig.verb("cancel", backfill)


async def test_the_last_result_before_the_cancel_wins(rig: Rig) -> None:
    rig.gated()
    backfill = await rig.backfill(rig.transfer(), last(1))
    await rig.step()
    await rig.answer()
    with pytest.raises(Refused, match=r"was completed at 2024-06-15T12:00:00Z: nothing is left to cancel\."):
        await rig.verb("cancel", backfill)
    made = await rig.get(backfill)
    assert (made.status, made.removed_time) == ("COMPLETED", None)


async def test_the_cancel_before_the_last_result_wins(rig: Rig) -> None:
    rig.gated()
    transfer = rig.transfer()
    backfill = await rig.backfill(transfer, last(1))
    await rig.step()
    await cancelled(rig, backfill)
    rig.pass_time(minutes=1)
    await rig.answer()
    made = await rig.get(backfill)
    assert (made.status, made.completed, made.total) == ("CANCELLED", 1, 1)
    assert made.end_time < rig.installation.now
    assert rig.agrees(transfer) == [ago(0)]


async def test_days_are_what_they_were_before(rig: Rig) -> None:
    transfer = rig.transfer()
    await rig.backfill(transfer, last(2))
    await rig.settle()
    again = await rig.backfill(transfer, last(4))
    await cancelled(rig, again)
    await rig.settle()
    assert rig.agrees(transfer) == [ago(1), ago(0)]


async def test_its_range_is_free_at_once(rig: Rig) -> None:
    transfer = rig.transfer()
    await cancelled(rig, await rig.backfill(transfer, last(4)))
    second = await rig.backfill(transfer, last(4))
    await rig.settle()
    assert (await rig.get(second)).status == "COMPLETED"


async def test_another_team_has_no_such_backfill(rig: Rig) -> None:
    backfill = await rig.backfill(rig.transfer(), last(1))
    rig.team_id = await rig.installation.team("Other")
    for verb in ("cancel", "retry", "pause", "resume"):
        with pytest.raises(Missing):
            await rig.verb(verb, backfill)


@pytest.mark.parametrize("verb", ["create", "cancel", "retry"])
async def test_a_crash_inside_a_verb_leaves_nothing_of_it(rig: Rig, verb: str) -> None:
    transfer = rig.transfer()
    rig.source.on(ago(0), raises=[WRONG])
    backfill = await rig.backfill(transfer, last(2))
    await rig.settle()
    before = await rig.get(backfill), rig.runs(backfill)
    rig.fail_at(verb, Killed())
    with pytest.raises(Killed):
        await (rig.backfill(transfer, last(1)) if verb == "create" else rig.verb(verb, backfill))
    assert (await rig.get(backfill), rig.runs(backfill)) == before
    assert rig.installation.execute("SELECT count(*) FROM backfills") == [(1,)]
