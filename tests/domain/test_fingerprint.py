"""Messages that say the same of different days have one fingerprint; others do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dayfill.domain.fingerprint import fingerprint

SAME = [
    ("Login expired for account 4711 (2024-01-01).", "Login expired for account 12 (2023-12-31)."),
    ("429 from source: quota of 25,000 tokens used up", "503 from source: quota of 1 tokens used up"),
    ("No column 'cost' in ads.csv", "No column 'spent more' in ads.csv"),
    ('Cannot read "a b.csv"', "Cannot read `c.csv`"),
    ("Job 7f3a-99 was lost", "Job 0b1c-12 was lost"),
    ("It took  301 s", "It took 300\ts"),
]
DIFFERENT = [
    ("Login expired.", "Login revoked."),
    ("The account isn't there, and can't be", "The account isn't here, and can't be"),
    ("quota used up", "quota of 5 used up"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_differs_from_day_to_day_does_not_count(one: str, other: str) -> None:
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_is_said_counts(one: str, other: str) -> None:
    assert fingerprint(one) != fingerprint(other)


def test_it_is_the_same_in_every_release() -> None:
    """What the state holds of errors of before is compared with those of now."""
    assert fingerprint("Login expired for account 4711 (2024-01-01).") == "721b304466f5a351"


@given(st.text(st.characters()))
def test_any_text_has_one(text: str) -> None:
    assert len(fingerprint(text)) == 16
    assert fingerprint(text) == fingerprint(text)
