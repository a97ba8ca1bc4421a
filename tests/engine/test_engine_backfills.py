"""Creating backfills: one of several at once wins; impossible ranges; choices of days; plans that keep their word."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dayfill.domain.days import FIRST_DAY, DayRange, DayState
from dayfill.engine import backfills as verbs
from dayfill.engine import materialise
from dayfill.engine.plan import plan
from dayfill.errors import Missing, Permanent, Refused
from rig import LAST, Rig, ago, last

TODAY = LAST + timedelta(days=1)


async def test_a_new_backfill_is_only_a_promise(rig: Rig) -> None:
    transfer = rig.transfer()
    made = await rig.get(await rig.backfill(transfer, last(3)))
    assert (made.status, made.total, made.created, made.days) == ("CREATED", 3, 0, last(3))
    assert (made.created_time, made.created_user_id, made.start_time) == (rig.installation.now, rig.user_id, None)
    assert rig.installation.execute("SELECT count(*) FROM runs") == [(0,)]


@pytest.mark.parametrize(
    ("first", "second", "meets"),
    [
        ((5, 3), (3, 1), True),
        ((5, 3), (8, 5), True),
        ((5, 3), (4, 4), True),
        ((4, 4), (5, 3), True),
        ((5, 3), (5, 3), True),
        ((5, 3), (2, 1), False),
        ((5, 3), (8, 6), False),
    ],
)
async def test_active_ranges_of_a_transfer_never_meet(
    rig: Rig, first: tuple[int, int], second: tuple[int, int], meets: bool
) -> None:
    transfer = rig.transfer()
    one = DayRange(ago(first[0]), ago(first[1]))
    two = DayRange(ago(second[0]), ago(second[1]))
    existing = await rig.backfill(transfer, one)
    if not meets:
        assert await rig.backfill(transfer, two) != existing
        return
    with pytest.raises(Refused) as refused:
        await rig.backfill(transfer, two)
    for word in (f"Backfill {existing} ", str(one.start), str(one.end), "CREATED"):
        assert word in refused.value.description


async def test_other_transfers_and_ended_backfills_do_not_stand_in_the_way(rig: Rig) -> None:
    transfer = rig.transfer()
    rig.source.on(ago(0), always=Permanent("DATA", "Wrong."))
    failed = await rig.backfill(transfer, last(3))
    await rig.settle()
    assert (await rig.get(failed)).status == "FAILED"
    await rig.backfill(transfer, last(3))
    await rig.backfill(rig.transfer(), last(3))


@pytest.mark.parametrize(
    ("span", "says"),
    [
        (DayRange(LAST, TODAY + timedelta(days=1)), "in the future: the last possible day is 2024-06-15"),
        (DayRange(date(1989, 12, 31), date(1990, 1, 2)), "first possible day is 1990-01-01"),
        (DayRange(date(204, 1, 1), date(204, 1, 2)), "first possible day is 1990-01-01"),
        (DayRange(TODAY - timedelta(days=10_000), TODAY), "10,001 days: one backfill takes at most 10,000"),
    ],
    ids=["future", "too old", "typing error", "too long"],
)
async def test_a_range_that_cannot_be_is_refused(rig: Rig, span: DayRange, says: str) -> None:
    with pytest.raises(Refused) as refused:
        await rig.backfill(rig.transfer(), span)
    assert says in refused.value.description


@pytest.mark.parametrize("span", [DayRange(TODAY, TODAY), DayRange(TODAY - timedelta(days=9_999), TODAY)])
async def test_the_longest_range_and_today_are_possible(rig: Rig, span: DayRange) -> None:
    assert (await rig.get(await rig.backfill(rig.transfer(), span))).total == len(span)


async def test_the_first_day_is_possible(rig: Rig) -> None:
    assert await rig.backfill(rig.transfer(), DayRange(FIRST_DAY, FIRST_DAY))


async def test_today_is_the_latest_of_utc_and_the_transfers_zone(rig: Rig) -> None:
    transfer = rig.transfer()
    rig.installation.execute("UPDATE transfers SET zone = 'Pacific/Kiritimati'")
    tomorrow = TODAY + timedelta(days=1)
    assert await rig.backfill(transfer, DayRange(tomorrow, tomorrow))


@pytest.mark.parametrize("verb", ["create", "plan", "retry"])
async def test_nothing_can_be_started_for_a_deleted_transfer(rig: Rig, verb: str) -> None:
    transfer = rig.transfer()
    rig.source.on(ago(0), always=Permanent("DATA", "Wrong."))
    backfill = await rig.backfill(transfer, last(1))
    await rig.settle()
    rig.installation.execute("UPDATE transfers SET deleted_time = 1")
    with pytest.raises(Missing, match="Transfer not found"):
        if verb == "create":
            await rig.backfill(transfer, last(1))
        elif verb == "plan":
            await plan(rig.db, rig.seams, rig.team_id, transfer, last(1), max_days=10_000)
        else:
            await rig.verb("retry", backfill)


async def test_another_teams_transfer_is_missing(rig: Rig) -> None:
    transfer = rig.transfer()
    rig.team_id = await rig.installation.team("Other")
    with pytest.raises(Missing, match=r"^Transfer not found; list"):
        await rig.backfill(transfer, last(1))
    with pytest.raises(Missing, match=r"^Transfer not found; list"):
        await plan(rig.db, rig.seams, rig.team_id, transfer, last(1), max_days=10_000)


async def test_of_many_equal_creates_at_once_exactly_one_wins(rig: Rig) -> None:
    transfer, racers = rig.transfer(), 16
    spans = [DayRange(ago(10 * n + 9), ago(10 * n)) for n in range(20)]

    async def racer(span: DayRange) -> int | str:
        try:
            return await rig.backfill(transfer, span)
        except Refused as refused:
            return refused.description

    answers = await asyncio.gather(*(racer(span) for _ in range(racers) for span in spans))
    for n, span in enumerate(spans):
        won, lost = split(answers[n :: len(spans)])
        assert (len(won), len(lost)) == (1, racers - 1)
        assert all(f"Backfill {won[0]} ({span.start} to {span.end}, CREATED)" in text for text in lost)
    assert await rig.check() == []


def split(answers: list[int | str]) -> tuple[list[int], list[str]]:
    """Ids of those that won, and what the others were told."""
    return [a for a in answers if isinstance(a, int)], [a for a in answers if isinstance(a, str)]


# -- choices and plans


def set_states(rig: Rig, transfer: int, states: str) -> DayRange:
    """Give the newest days these states, oldest first; returns their range."""
    span = last(len(states))
    rig.installation.execute("DELETE FROM transfer_days")
    for day, state in zip(span, states, strict=True):
        if state != ".":
            rig.installation.insert("transfer_days", transfer_id=transfer, data_date=str(day), settled=state)
    return span


@pytest.mark.parametrize(
    ("only", "chosen"), [(["missing"], "01257"), (["failed"], "3"), (["stale"], "46"), (["failed", "stale"], "346")]
)
async def test_a_choice_loads_the_days_in_these_states_alone(rig: Rig, only: list[str], chosen: str) -> None:
    transfer = rig.transfer()
    span = set_states(rig, transfer, "...fs.s.")
    days = [day for n, day in enumerate(span) if str(n) in chosen]
    backfill = await rig.backfill(transfer, span, only=only)
    await rig.settle()
    made = await rig.get(backfill)
    assert (made.status, made.total, made.only) == ("COMPLETED", len(days), tuple(sorted(only)))
    assert sorted(rig.runs(backfill)) == days
    assert [day for read in rig.source.reads for day in read] == sorted(days, reverse=True)


async def test_a_choice_of_nothing_is_refused(rig: Rig) -> None:
    transfer = rig.transfer()
    span = set_states(rig, transfer, "..")
    with pytest.raises(Refused, match=r"is failed or stale\. Choose other days"):
        await rig.backfill(transfer, span, only=["stale", "failed"])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    states=st.text("." + "lfs", min_size=1, max_size=40),
    only=st.sets(st.sampled_from(sorted(verbs.CHOICES))),
    busy=st.booleans(),
)
async def test_a_plan_says_what_the_create_then_does(rig: Rig, states: str, only: set[str], busy: bool) -> None:
    rig.installation.execute("DELETE FROM backfills")
    transfer = rig.installation.execute("SELECT transfer_id FROM transfers")
    await planned_and_made(rig, transfer[0][0] if transfer else rig.transfer(), states, only, busy)
    rig.installation.execute("DELETE FROM transfer_days")


async def planned_and_made(rig: Rig, transfer: int, states: str, only: set[str], busy: bool) -> None:
    """Compare the two on a state of its own."""
    span = set_states(rig, transfer, states)
    if busy:
        await rig.backfill(transfer, DayRange(span.end, span.end))
    said = await plan(rig.db, rig.seams, rig.team_id, transfer, span, max_days=10_000, only=only)
    assert sum(said.counts.values()) == len(span)
    assert all(said.counts[state] == states.count(state.value) for state in DayState)
    assert said.days_chosen == sum(len(one) for one in said.ranges)
    try:
        made = await rig.get(await rig.backfill(transfer, span, only=only))
    except Refused:
        assert said.conflicts or said.refusal
        return
    assert (said.conflicts, said.refusal) == ([], None)
    assert made.total == said.days_chosen


async def test_an_estimate_comes_from_the_pace_of_earlier_backfills(rig: Rig) -> None:
    rig.single_days()
    transfer = rig.transfer(parallelism=1, tables=("visits", "costs"))
    options = {"max_days": 10_000}
    assert (await plan(rig.db, rig.seams, rig.team_id, transfer, last(9), **options)).estimate is None
    await rig.backfill(transfer, last(4))
    await rig.settle()
    estimate = (await plan(rig.db, rig.seams, rig.team_id, transfer, last(9), **options)).estimate
    assert estimate is not None
    assert (estimate.seconds_low, estimate.seconds_high, estimate.source_calls) == (18.0, 18.0, 18)


async def test_two_that_materialise_at_once_make_the_runs_once(rig: Rig) -> None:
    backfill = await rig.backfill(rig.transfer(), last(3))
    left = await asyncio.gather(*(materialise.materialise(rig.db, rig.seams) for _ in range(2)))
    assert left == [False, False]
    assert sorted(rig.runs(backfill)) == sorted(last(3))
