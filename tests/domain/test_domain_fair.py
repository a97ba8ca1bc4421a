"""Whose turn it is: shares by weight while all wait, nobody waits for ever, and nothing is saved up or forgotten."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from dayfill.domain.fair import MAX_WEIGHT, MOST_AWAY, FairQueue


def line_of(*who: int) -> FairQueue:
    line = FairQueue()
    for one in who:
        line.join(one)
    return line


def turn(line: FairQueue, turns: float = 1) -> int:
    """Whose turn it was; it goes on waiting."""
    (one,) = line.first(1)
    line.serve(one, turns)
    return one


def served(line: FairQueue, rounds: int, turns: dict[int, float] | None = None) -> list[int]:
    return [turn(line, (turns or {}).get(line.first(1)[0], 1)) for _ in range(rounds)]


@given(st.sets(st.integers(1, 1000), min_size=1, max_size=20), st.integers(1, 5))
def test_all_who_wait_are_served_once_a_round_the_lesser_id_first(who: set[int], rounds: int) -> None:
    assert served(line_of(*who), rounds * len(who)) == sorted(who) * rounds


@given(st.lists(st.integers(1, 20), min_size=2, max_size=6), st.integers(50, 300))
def test_who_takes_longer_turns_gets_as_many_fewer(lengths: list[int], rounds: int) -> None:
    turns = dict(enumerate(map(float, lengths)))
    had = Counter(served(line_of(*turns), rounds, turns))
    spent = [had[one] * length for one, length in turns.items()]
    assert max(spent) - min(spent) <= 2 * max(lengths)


@given(
    st.lists(st.tuples(st.integers(1, 20), st.integers(1, MAX_WEIGHT)), min_size=2, max_size=6), st.integers(50, 300)
)
def test_shares_are_as_the_weights_at_every_moment(all_of_them: list[tuple[int, int]], rounds: int) -> None:
    """What each has had for a unit of its weight is the same, but for one turn of each."""
    line, had = line_of(*range(len(all_of_them))), Counter[int]()
    step = {one: turns / weight for one, (turns, weight) in enumerate(all_of_them)}
    for _ in range(rounds):
        (one,) = line.first(1)
        line.serve(one, *all_of_them[one])
        had[one] += 1
        for ahead, behind in permutations(step, 2):
            lead = had[ahead] * step[ahead] - had[behind] * step[behind]
            assert lead <= step[ahead] + step[behind] + 1e-6


def test_what_a_turn_has_taken_more_counts_by_the_weight_too() -> None:
    line = line_of(1, 2)
    line.serve(1, 1, 2)
    line.charge(1, 3, 2)
    assert served(line, 4) == [2, 2, 1, 2]


@given(
    st.lists(st.tuples(st.sampled_from(["join", "leave", "turn", "charge", "forget"]), st.integers(0, 5)), max_size=60)
)
def test_nobody_waits_longer_than_two_turns_of_each_other_one(acts: list[tuple[str, int]]) -> None:
    """However the others come and go. One that was charged has had more already."""
    line, patient = line_of(99), 0
    for act, one in acts:
        if act == "turn" and len(line):
            patient = 0 if turn(line) == 99 else patient + 1
        elif act == "charge" and one in line:
            line.charge(one, 3)
        elif act in ("join", "leave"):
            getattr(line, act)(one)
        elif act == "forget":
            line.forget()
        assert patient <= 2 * 6
        assert [one for one in (*range(6), 99) if one in line] == sorted(line.first(100))


def test_who_comes_anew_is_next_and_gets_no_more_than_the_others_from_then_on() -> None:
    line = line_of(1, 2)
    served(line, 100)
    line.join(3)
    assert served(line, 6) == [3, 1, 2, 3, 1, 2]


def test_who_was_away_finds_its_turn_and_none_for_the_time_away() -> None:
    line = line_of(1, 2)
    line.leave(2)
    assert served(line, 50) == [1] * 50
    line.join(2)
    assert served(line, 5) == [2, 1, 2, 1, 2]


def test_a_turn_is_not_forgotten_by_who_leaves_and_comes_back() -> None:
    line = line_of(1, 2)
    assert turn(line) == 1
    line.leave(1)
    line.forget()
    line.join(1)
    assert served(line, 2) == [2, 1]


def test_what_a_turn_has_taken_more_is_made_up_by_the_others() -> None:
    line = line_of(1, 2)
    turn(line)
    line.charge(1, 3)
    assert served(line, 6) == [2, 2, 2, 2, 1, 2]


def test_what_nobody_would_miss_is_forgotten() -> None:
    many = MOST_AWAY + 10
    line = line_of(*range(many))
    served(line, many)
    for one in range(1, many):
        line.leave(one)
        line.forget()
    assert len(line._tags) == many, "they have had more than who waits"
    served(line, 5)
    line.forget()
    assert set(line._tags) == {0}


def test_a_turn_that_ends_while_the_others_went_on_costs_what_it_took_and_no_place() -> None:
    line = line_of(1, 2)
    assert turn(line) == 1
    line.leave(1)  # it can have one turn at a time
    served(line, 5)
    line.charge(1, 1)
    line.join(1)
    assert turn(line) == 1
