"""Stories of what people do and what happens to them: after every step all invariants hold, and the end is good."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ground import Ground
from hypothesis import Phase, seed, settings
from hypothesis.stateful import get_state_machine_test, run_state_machine_as_test
from plants import PLANTS, UNFAIR, read_what_was_revoked
from story import CrowdedStory, ShortStory, Story

STEPS = 50


@pytest.mark.timeout(600)
def test_no_story_loses_or_doubles_anything(ground: Ground, rounds: Callable[[int], int]) -> None:
    run_state_machine_as_test(
        lambda: Story(ground), settings=settings(max_examples=rounds(160), stateful_step_count=STEPS)
    )


@pytest.mark.timeout(600)
def test_no_story_does_with_the_state_in_postgresql(shared_ground: Ground, rounds: Callable[[int], int]) -> None:
    run_state_machine_as_test(
        lambda: Story(shared_ground), settings=settings(max_examples=rounds(160) // 32, stateful_step_count=STEPS)
    )


def test_a_revoked_login_that_is_read_is_found(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    read_what_was_revoked(monkeypatch)
    found = settings(max_examples=50, stateful_step_count=STEPS, database=None, phases=[Phase.generate])
    with pytest.raises(AssertionError, match="AUTH: run"):
        seed(1)(get_state_machine_test(lambda: Story(ground), settings=found))()


@pytest.mark.parametrize("fault", [*PLANTS, *UNFAIR])
def test_a_planted_fault_is_found(ground: Ground, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    plant, rule, number = (PLANTS | UNFAIR)[fault]
    plant(monkeypatch)
    kind = CrowdedStory if fault in UNFAIR else ShortStory
    # It must be found, not shrunk; mostly within a few stories, but what ran before in the process moves that.
    found = settings(
        max_examples=200,
        stateful_step_count=STEPS,
        database=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
    )
    stories = seed(number)(get_state_machine_test(lambda: kind(ground), settings=found))
    with pytest.raises(AssertionError, match=rule):
        stories()
