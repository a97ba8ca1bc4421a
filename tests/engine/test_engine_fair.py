"""Teams and transfers in shares by weight; what cannot start costs nothing; a claim asks for all lanes at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import pytest

from dayfill.domain.run import Priority
from dayfill.engine import allowances
from dayfill.engine.lanes import Lanes
from dayfill.store import lanes, transfers
from dayfill.store.db import Reader, Row, Tx, Values
from dayfill.store.lanes import Lane
from meeting import meet
from rig import Rig, ago, last

LATE = 9 * 10**15
"""Microseconds since 1970: long after every test."""


async def weigh_team(rig: Rig, transfer: int, weight: int) -> None:
    """The team of a transfer."""
    ((team_id,),) = rig.installation.execute("SELECT team_id FROM transfers WHERE transfer_id = :id", id=transfer)
    async with rig.db.write() as tx:
        await allowances.change(tx, rig.seams, int(str(team_id)), {"weight": weight})


async def weigh_transfer(rig: Rig, transfer: int, weight: int) -> None:
    rig.installation.execute("UPDATE transfers SET weight = :w WHERE transfer_id = :id", w=weight, id=transfer)


async def team_with(rig: Rig, count: int, parallelism: int = 100, days: int = 8) -> list[int]:
    """Transfers of a team and a login of their own, looked at already, each with days that wait."""
    home, rig.team_id = rig.team_id, await rig.installation.team(f"With {count}")
    login = rig.connection(parallelism)
    made = [rig.transfer(1, login) for _ in range(count)]
    await meet(rig, *made)
    for transfer in made:
        await rig.refresh(transfer, *last(days))
    rig.team_id = home
    return made


@pytest.mark.parametrize("slots", [1, 2])
async def test_a_team_with_one_transfer_gets_as_much_as_one_with_many(rig: Rig, slots: int) -> None:
    rig.single_days()
    executor = rig.gated(slots)
    many = await team_with(rig, 12)
    (one,) = await team_with(rig, 1)
    await rig.step()
    for _ in range(15):
        await rig.answer()
    shared = [gate.transfer_id for gate in executor.jobs][slots : slots + 14]  # before that the other team was alone
    assert shared.count(one) == 7
    assert max(Counter(shared)[transfer] for transfer in many) == 1


async def test_a_team_whose_slices_take_long_gets_as_many_fewer(rig: Rig) -> None:
    executor = rig.gated(slots=1)
    (slow,), (quick,) = await team_with(rig, 1), await team_with(rig, 1)
    rig.source.max_days_per_read = 1
    rig.source.seconds = lambda days: rig.pass_time(seconds=3 if executor.jobs[-1].transfer_id == slow else 1)
    await rig.step()
    for _ in range(12):
        await rig.answer()
    order = [gate.transfer_id for gate in executor.jobs][:8]
    assert (order.count(slow), order.count(quick)) == (2, 6)


@pytest.mark.parametrize("other_team", [1, 2])
def test_what_a_slice_has_taken_more_counts_by_weight(other_team: int) -> None:
    """Between transfers of a team, and between teams."""
    of_transfer, of_team = (4, 1) if other_team == 1 else (1, 4)
    heavy = Lane(Priority.BACKFILL, 1, 1, 1, 1, 1, 1, of_transfer, of_team)
    light = Lane(Priority.BACKFILL, other_team, 2, 1, 1, 1, 1, 1, 1)
    waiting, had = Lanes(), Counter[int]()
    waiting.compare([heavy, light], Priority.BACKFILL)
    for _ in range(10):
        lane = waiting.next()
        assert lane is not None
        waiting.serve(lane, 0)
        waiting.charge(lane, 3)
        had[lane.transfer_id] += 1
    assert had == {1: 8, 2: 2}


@pytest.mark.parametrize("weigh", [weigh_team, weigh_transfer])
async def test_turns_are_shared_by_weight_and_a_change_counts_from_the_next_look(
    rig: Rig, weigh: Callable[[Rig, int, int], Awaitable[None]]
) -> None:
    rig.single_days()
    executor = rig.gated(slots=1)
    if weigh is weigh_team:
        (first,), (second,) = await team_with(rig, 1, days=16), await team_with(rig, 1, days=16)
    else:
        first, second = await team_with(rig, 2, days=16)
    await weigh(rig, second, 3)
    await rig.step()
    for _ in range(12):
        await rig.answer()
    await weigh(rig, first, 3)
    await weigh(rig, second, 1)
    for _ in range(12):
        await rig.answer()
    order = [gate.transfer_id for gate in executor.jobs][1:]  # the first one was alone
    had = order[:12].count(second), order[12:].count(first)
    assert all(abs(one - 9) <= 1 for one in had), order  # thirds do not quite add up to one


async def test_a_transfer_that_was_held_up_has_its_turn_next_but_none_for_the_time_before(rig: Rig) -> None:
    rig.single_days()
    executor = rig.gated(slots=1)
    first, second = await team_with(rig, 2)
    (held,) = await team_with(rig, 1)
    park(rig, held)
    await rig.step()
    for _ in range(5):
        await rig.answer()
    assert {gate.transfer_id for gate in executor.jobs} == {first, second}
    park(rig, held, until=0)
    for _ in range(4):
        await rig.answer()
    after = [gate.transfer_id for gate in executor.jobs][6:]
    assert after[0] == held
    assert after[:4].count(held) == 2


async def test_of_those_behind_a_full_login_only_the_next_is_looked_at(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.single_days()
    executor = rig.gated(slots=4)
    held = await team_with(rig, 20, parallelism=1)
    free = await team_with(rig, 1)
    await rig.step()
    assert len(executor.gates) == 2
    asked = asked_for(monkeypatch)
    for _ in range(6):
        free_days = [gate.days[0] for gate in executor.gates if gate.transfer_id in free]
        await rig.answer(*free_days)
    assert len(asked) <= 6 * 4
    order = [gate.transfer_id for gate in executor.jobs if gate.transfer_id in held]
    assert len(order) == len(set(order)), "the others behind the login wait for their first turn"


async def test_who_rests_or_has_nothing_due_is_not_asked_for(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.gated(slots=1)
    (busy,) = await team_with(rig, 1)
    await rig.step()
    resting, delayed, (free,) = await team_with(rig, 5), await team_with(rig, 5), await team_with(rig, 1)
    for transfer in resting:
        park(rig, transfer)
    for transfer in delayed:
        query = "UPDATE runs SET not_before = :late WHERE transfer_id = :id"
        rig.installation.execute(query, late=LATE, id=transfer)
    asked = asked_for(monkeypatch)
    await rig.answer()
    await rig.answer()
    assert set(asked) == {busy, free}


async def test_a_claim_asks_for_all_lanes_at_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    executor = rig.gated(slots=8)
    await team_with(rig, 1)
    await rig.step()
    async with rig.db.write() as tx:
        kind = type(tx)
    asked: Counter[str] = Counter()
    monkeypatch.setattr(kind, "many", counted(kind.many, asked))
    waiting = await team_with(rig, 8)
    asked.clear()
    await rig.step()
    assert len(executor.gates) == 8
    assert asked["claim_run"] == 1, (asked, waiting)
    assert asked["transfer_job"] == asked["claimable_runs"] <= 2  # again if the first of them could not start


async def test_where_looks_take_long_only_what_is_urgent_is_looked_for_each_time(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = rig.gated(slots=8)
    patient, urgent = rig.transfer(), rig.transfer()
    await meet(rig, patient, urgent)
    looks: list[Priority] = []
    real = lanes.waiting

    async def slow(db: Reader, now: datetime, least_urgent: Priority) -> tuple[list[lanes.Lane], bool]:
        looks.append(least_urgent)
        rig.pass_time(seconds=2 if least_urgent == Priority.BACKFILL else 0)
        return await real(db, now, least_urgent)

    monkeypatch.setattr(lanes, "waiting", slow)
    await rig.step()
    assert looks == [Priority.BACKFILL]
    await rig.backfill(patient, last(1))
    await rig.refresh(urgent, ago(0), priority=Priority.INTERACTIVE)
    await rig.step()
    assert looks[-1] == Priority.INTERACTIVE
    assert [gate.transfer_id for gate in executor.gates] == [urgent]
    rig.pass_time(seconds=20)
    await rig.step()
    assert looks[-1] == Priority.BACKFILL
    assert [gate.transfer_id for gate in executor.gates] == [urgent, patient]


async def test_what_a_short_look_left_out_is_looked_for_in_time(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    transfer = rig.transfer()
    await meet(rig, transfer)
    real = lanes.waiting

    async def slow(db: Reader, now: datetime, least_urgent: Priority) -> tuple[list[lanes.Lane], bool]:
        rig.pass_time(seconds=0.3 if least_urgent == Priority.BACKFILL else 0)
        return await real(db, now, least_urgent)

    monkeypatch.setattr(lanes, "waiting", slow)
    await rig.step()
    await rig.backfill(transfer, last(1))
    await rig.settle()
    assert rig.agrees(transfer) == [ago(0)]


def park(rig: Rig, transfer: int, until: int = LATE) -> None:
    """Let the login of a transfer rest."""
    query = """UPDATE connections SET parked_until = :until
        WHERE connection_id = (SELECT connection_id FROM transfers WHERE transfer_id = :id)"""
    rig.installation.execute(query, until=until, id=transfer)


def asked_for(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Transfers whose jobs are read from now on."""
    asked: list[int] = []
    real = transfers.jobs

    async def jobs(tx: Tx, ids: Sequence[int]) -> dict[int, transfers.TransferJob]:
        asked.extend(ids)
        return await real(tx, ids)

    monkeypatch.setattr(transfers, "jobs", jobs)
    return asked


def counted(
    real: Callable[[Tx, str, Sequence[Values]], Awaitable[list[Row]]], asked: Counter[str]
) -> Callable[[Tx, str, Sequence[Values]], Awaitable[list[Row]]]:
    async def counting(tx: Tx, query: str, rows: Sequence[Values]) -> list[Row]:
        asked[query] += 1
        return await real(tx, query, rows)

    return counting
