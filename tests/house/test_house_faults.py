"""The page of faults names tests that exist, and leaves no fault out."""

from __future__ import annotations

import re

from house_tree import ROOT

TEXT = (ROOT / "docs" / "reference" / "faults.md").read_text("utf-8")
ROWS = dict(re.findall(r"^\| (\d+) \| (.+) \|$", TEXT, re.MULTILINE))


def test_every_fault_has_its_row() -> None:
    assert ROWS.keys() == {str(number) for number in range(1, 38)}


def test_every_fault_is_told_in_words() -> None:
    assert [number for number, row in ROWS.items() if "`tests/" in row.partition(" | ")[0]] == []


def test_every_fault_has_a_test() -> None:
    assert [number for number, row in ROWS.items() if "::test_" not in row and "the same" not in row] == []


def test_every_test_that_is_named_exists() -> None:
    missing = [
        f"{path}::{name}"
        for path, name in re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", TEXT)
        if f"def {name}(" not in (ROOT / path).read_text("utf-8")
    ]
    assert missing == []


def test_every_word_of_make_that_is_named_is_a_target() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert set(re.findall(r"^make (\w+)", TEXT, re.MULTILINE)) <= set(targets)
