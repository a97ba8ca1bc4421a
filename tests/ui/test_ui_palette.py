"""The colours of the states, as the sheet has them: seen on their card, and told apart by every kind of eye."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import pytest

import dayfill.ui

Colour = tuple[float, float, float]
SHEET = (Path(dayfill.ui.__file__).parent / "static" / "app.css").read_text()
STATES = ("loaded", "stale", "failed", "running", "queued", "missing")
CONTRAST, DIFFERENCE = 3.0, 12.0
"""Of a state to its card (WCAG 2.2, graphics); of two states (CIE76)."""

EYES = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
"""Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB."""
XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
WHITE = (0.9505, 1.0, 1.089)


def colour(name: str, theme: str) -> Colour:
    """Linear RGB of a variable of the sheet."""
    found = re.search(rf"--{name}: light-dark\((#[0-9a-f]+), (#[0-9a-f]+)\)", SHEET)
    assert found, f"--{name} is not in the sheet"
    text = found[1 if theme == "light" else 2][1:]
    digits = text if len(text) == 6 else "".join(2 * digit for digit in text)
    red, green, blue = (linear(int(digits[at : at + 2], 16) / 255) for at in (0, 2, 4))
    return red, green, blue


def linear(value: float) -> float:
    return float(value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4)


def times(matrix: tuple[Colour, ...], one: Colour) -> Colour:
    red, green, blue = (sum(a * b for a, b in zip(row, one, strict=True)) for row in matrix)
    return red, green, blue


def contrast(one: Colour, other: Colour) -> float:
    low, high = sorted(times(XYZ, either)[1] for either in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(one: Colour, eye: str) -> Colour:
    seen = times(EYES[eye], one)
    clipped = (min(max(seen[0], 0), 1), min(max(seen[1], 0), 1), min(max(seen[2], 0), 1))
    x, y, z = (bent(part / white) for part, white in zip(times(XYZ, clipped), WHITE, strict=True))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def bent(value: float) -> float:
    return float(value ** (1 / 3) if value > 0.008856 else 7.787 * value + 16 / 116)


def difference(one: Colour, other: Colour, eye: str) -> float:
    return sum((a - b) ** 2 for a, b in zip(lab(one, eye), lab(other, eye), strict=True)) ** 0.5


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_state_is_seen_on_its_card(theme: str) -> None:
    card = colour("card", theme)
    assert {name: contrast(colour(name, theme), card) for name in STATES if
            contrast(colour(name, theme), card) < CONTRAST} == {}  # fmt: skip


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["ink", "dim", "failed"])
def test_text_is_read_on_every_ground(theme: str, name: str) -> None:
    grounds = [colour(ground, theme) for ground in ("card", "page", "soft")]
    assert min(contrast(colour(name, theme), ground) for ground in grounds) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("eye", EYES)
def test_two_states_are_told_apart(theme: str, eye: str) -> None:
    pairs = {pair: difference(*(colour(name, theme) for name in pair), eye) for pair in combinations(STATES, 2)}
    assert {pair: found for pair, found in pairs.items() if found < DIFFERENCE} == {}


def test_the_measure_is_the_known_one() -> None:
    assert contrast((1, 1, 1), (0, 0, 0)) == pytest.approx(21, abs=0.01)
    assert difference(colour("loaded", "light"), colour("failed", "light"), "protan") == pytest.approx(35, abs=1)
