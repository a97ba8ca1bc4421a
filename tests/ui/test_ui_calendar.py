"""The calendar's script and the templates speak of the same states, in the same shapes and words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import dayfill.ui
from dayfill.domain.days import DayState
from dayfill.ui import words

ROOM = Path(dayfill.ui.__file__).parent
SCRIPT = (ROOM / "static" / "calendar.js").read_text()
PAGE_SCRIPT = (ROOM / "static" / "transfer.js").read_text()
SHEET = (ROOM / "static" / "app.css").read_text()


def test_the_states_are_those_of_the_vector_with_the_words_of_the_server() -> None:
    states = re.search(r'STATES = "([^"]+)"', SCRIPT)
    assert states and set(states[1]) == {state.value for state in DayState}
    named = re.search(r"NAMES = \{(.*?)\}", SCRIPT)
    assert named
    pairs = re.findall(r'"?([a-z.])"?: "(\w+)"', named[1])
    assert dict(pairs) == {state.value: name for state, name in words.NAMES.items()}
    assert [state for state, _ in pairs] == [state.value for state in words.NAMES], "in the order of the legend"


@pytest.mark.parametrize("state", DayState)
def test_each_state_has_a_colour_a_key_and_a_filter(state: DayState) -> None:
    letter = "m" if state is DayState.MISSING else state.value
    assert re.search(rf"\.calendar \.d-{letter}, \.key-{letter} \{{", SHEET)
    assert f'.calendar[data-only="{state.value}"] .d-{letter}' in SHEET


@pytest.mark.parametrize("name", ["calendar.js", "transfer.js", "app.js", "stream.js", "typed.js"])
def test_no_script_makes_markup_of_text(name: str) -> None:
    """Names and messages come from elsewhere: they go into the page as text alone."""
    text = (ROOM / "static" / name).read_text()
    assert not re.search(r"innerHTML\s*=|outerHTML\s*=|insertAdjacentHTML|document\.write|\beval\(|new Function", text)


@pytest.mark.parametrize("path", sorted((ROOM / "templates").glob("*.html")), ids=lambda path: path.name)
def test_no_template_trusts_a_text_or_breaks_the_policy(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\|\s*safe\b|autoescape false|Markup", text)
    assert not re.search(r"\sstyle=|\son[a-z]+=\"|<script(?![^>]*\ssrc=)|javascript:|hx-on", text)


def test_a_script_imports_what_lies_beside_it() -> None:
    for script in (SCRIPT, PAGE_SCRIPT):
        for imported in re.findall(r'from "([^"]+)"', script):
            assert (ROOM / "static" / imported).is_file()
