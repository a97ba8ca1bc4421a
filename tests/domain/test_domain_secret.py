"""A secret shows itself nowhere by accident: whatever would write it down gets *** or refuses."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from dataclasses import asdict, replace

import msgspec
import pytest

from dayfill.destinations import DestinationConfig
from dayfill.domain.secret import Secret, in_use

TEXT = "canary-91c4"


@pytest.mark.parametrize(
    "written",
    [repr, str, ascii, format, "{0!s:>20}{0!r}{0}".format, "%r".__mod__, lambda one: f"{one}{one!r}{one:x}"],
)
def test_its_texts_hide_it(written: Callable[[object], str]) -> None:
    found = written(Secret(TEXT))
    assert TEXT not in found
    assert "***" in found


@pytest.mark.parametrize(
    "written",
    [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, msgspec.json.encode, msgspec.msgpack.encode, bytes, list, len],
)
def test_what_would_carry_it_away_refuses(written: Callable[[object], object]) -> None:
    for value in (Secret(TEXT), {"password": Secret(TEXT)}):
        if written in (list, len, copy.copy) and isinstance(value, dict):
            continue  # of the dict, not of what it holds
        with pytest.raises(TypeError) as refused:
            written(value)
        assert TEXT not in str(refused.value)


def test_a_config_that_holds_one_hides_it_and_is_not_taken_apart() -> None:
    config = DestinationConfig("here", {"host": "db"}, {"password": Secret(TEXT)})
    assert TEXT not in repr(config)
    with pytest.raises(TypeError):
        asdict(config)
    with pytest.raises(TypeError):
        pickle.dumps(config)
    assert replace(config, read_only=True).secrets["password"].reveal() == TEXT


def test_secrets_are_equal_by_their_text() -> None:
    assert Secret(TEXT) == Secret(TEXT)
    assert len({Secret(TEXT), Secret(TEXT), Secret("other")}) == 2
    assert Secret(TEXT) != TEXT


def test_a_secret_is_in_use_for_as_long_as_somebody_holds_it() -> None:
    text = "canary-in-use"
    one, twin = Secret(text), Secret(text)
    assert text in {secret.reveal() for secret in in_use()}
    del one
    assert text in {secret.reveal() for secret in in_use()}, "the twin is still held"
    del twin
    assert text not in {secret.reveal() for secret in in_use()}
