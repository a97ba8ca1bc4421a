"""Eight processes with a connection each ask at one moment for what only one of them can have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from random import Random

import pytest
from crew import Answer, Crew, Wish, crew

import seeds
from dayfill.domain.days import DayRange
from dayfill.engine import backfills
from dayfill.store import invariants
from installation import Installation
from postgres_state import PostgresState
from worker import claim_some, finish, materialise_all, refused

PEOPLE = 8
SAME_TRANSFER = 100
"""Rounds with one transfer, after which the invariants are looked at."""
SHARED = date(2024, 5, 1)
"""The day that all ranges share."""


@pytest.fixture
def people(installation: Installation, state: PostgresState | None) -> Iterator[Crew]:
    made = installation
    with crew(made.db._path if state is None else state.dsn, made.team_id, made.user_id, PEOPLE) as ready:
        yield ready


def around(chance: Random) -> DayRange:
    """Up to nine days, the shared one among them."""
    return DayRange(SHARED - timedelta(days=chance.randrange(5)), SHARED + timedelta(days=chance.randrange(5)))


async def a_transfer(made: Installation, number: int) -> int:
    return (await seeds.transfer(made, name=f"T{number}", schedules=())).transfer_id


async def sound(made: Installation) -> None:
    async with made.db.write() as tx:
        assert await invariants.check(tx) == []


async def cancel_all(made: Installation, transfer_id: int) -> None:
    async with made.db.write() as tx:
        await backfills.cancel_all(tx, made.server.seams, made.team_id, made.user_id, transfer_id)


def names(reason: str, backfill_id: int, span: DayRange | None) -> bool:
    """Whether a refusal names this backfill with its days."""
    return span is not None and f"Backfill {backfill_id} ({span.start} to {span.end}, " in reason


@pytest.mark.timeout(3600)
async def test_of_eight_overlapping_creates_one_wins(
    installation: Installation, people: Crew, rounds: Callable[[int], int]
) -> None:
    chance, transfer_id, winners = Random(25), 0, Counter[int]()
    for number in range(rounds(40)):
        if number % SAME_TRANSFER == 0:
            await sound(installation)
            transfer_id = await a_transfer(installation, number)
        wishes = [Wish("create", transfer_id, span=around(chance)) for _ in range(PEOPLE)]
        answers = people.race(wishes)
        (winner,) = (answer for answer in answers if answer.backfill_id)
        others = [answer for answer in answers if answer is not winner]
        assert all(names(other.reason, winner.backfill_id, winner.wish.span) for other in others)
        winners[wishes.index(winner.wish)] += 1
        await cancel_all(installation, transfer_id)
    await sound(installation)
    made = installation.execute("SELECT count(*) FROM backfills")
    assert made == [(winners.total(),)], "a backfill is there, and nobody was told"
    assert len(winners) > 1, "the same process always wins: this is no race"


@pytest.mark.timeout(3600)
async def test_retry_cancel_and_create_on_the_days_of_a_failed_backfill(
    installation: Installation, people: Crew, rounds: Callable[[int], int]
) -> None:
    chance, transfer_id, seen = Random(36), 0, set[tuple[str, ...]]()
    for number in range(max(20, rounds(200) // 10)):
        if number % SAME_TRANSFER == 0:
            transfer_id = await a_transfer(installation, number)
        failed = await a_failed_backfill(installation, transfer_id)
        verbs = chance.choices(("retry", "create", "cancel"), (5, 5, chance.randrange(2)), k=PEOPLE - 2)
        wishes = [Wish(verb, transfer_id, failed, around(chance)) for verb in ["retry", "create", *verbs]]
        answers = people.race(wishes)
        check_order(failed, answers)
        seen.add(tuple(sorted(answer.wish.verb for answer in answers if answer.backfill_id)))
        await sound(installation)
        await cancel_all(installation, transfer_id)
    assert len(seen) > 1, "it always ends alike: this is no race"


async def a_failed_backfill(made: Installation, transfer_id: int) -> int:
    """Its two days, the shared one among them, have failed."""
    span = DayRange(SHARED, SHARED + timedelta(days=1))
    async with made.db.write() as tx:
        new = await backfills.create(
            tx, made.server.seams, made.team_id, made.user_id, transfer_id, span, max_days=10_000
        )
    await materialise_all(made)
    await finish(made, await claim_some(made), {day: refused() for day in span})
    return new.backfill_id


def check_order(failed: int, answers: list[Answer]) -> None:
    """There is an order of the wishes in which these are the answers."""
    won = {answer.wish.verb: answer for answer in answers if answer.backfill_id}
    assert len(won) == sum(answer.backfill_id > 0 for answer in answers), "a verb has won twice"
    cancels = any(answer.wish.verb == "cancel" for answer in answers)
    assert ("cancel" in won) == cancels, "nothing but another cancel stands against a cancel"
    if not cancels:
        assert len(won) == 1, "of retry and create one shuts the other out"
    elif "retry" not in won:
        assert "create" in won, "only a retried backfill stands against a create"
    for answer in answers:
        if not answer.backfill_id:
            assert why(answer, failed, won), answer


def why(answer: Answer, failed: int, won: dict[str, Answer]) -> bool:
    """Whether a refusal names what stood in its way."""
    verb, reason, created = answer.wish.verb, answer.reason, won.get("create")
    by_create = created is not None and names(reason, created.backfill_id, created.wish.span)
    if verb == "create":
        return by_create or ("retry" in won and reason.startswith(f"Backfill {failed} ("))
    if verb == "cancel":
        return reason.startswith(f"Backfill {failed} was cancelled at ")
    after = {"cancel": ["CANCELLED"], "retry": ["RUNNING", "SCHEDULED"]}
    could_be = [status for winner in won for status in after.get(winner, ())]
    return by_create or any(reason.startswith(f"Backfill {failed} is {status}:") for status in could_be)
