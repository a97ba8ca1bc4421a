"""Settings of any kind of text: taken as what they say, or refused by name without a word of them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dayfill.errors import SetupError
from dayfill.settings import read_settings

KEYS = ("bind", "slots", "max_backfill_days", "behind_proxy", "log_level")
MARK = "hunter2"
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
ODD = st.one_of(
    TEXTS, st.integers().map(str), st.floats().map(str), st.sampled_from(["", "info", "1", ":0", "[::1]:1"])
)
TOML = st.one_of(ODD.map(repr), st.integers().map(str), st.booleans().map(lambda b: str(b).lower()), TEXTS)
each = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def refused_by_name(error: SetupError, name: str) -> bool:
    return name in str(error) and MARK not in str(error)


@each
@given(st.sampled_from(KEYS), ODD)
@example("slots", "1" * 5000)
@example("bind", "127.0.0.1:" + "9" * 5000)
@example("bind", "127.0.0.1:\u00b2")
def test_any_text_in_the_environment(tmp_path: Path, key: str, text: str) -> None:
    for value in (text, text + MARK):
        try:
            found = read_settings(data_dir=tmp_path, environ={f"DAYFILL_{key.upper()}": value})
        except SetupError as error:
            assert refused_by_name(error, f"DAYFILL_{key.upper()}")
        else:
            assert 1 <= found.slots <= 256 and 0 <= found.port <= 65_535 and found.max_backfill_days >= 1


@each
@given(st.sampled_from((*KEYS, "data_dir", "sluts")), TOML)
@example("slots", "1" * 5000)
@example("slots", "[" * 2000)
@example("bind", "1979-05-27")
def test_any_value_in_the_file(tmp_path: Path, key: str, written: str) -> None:
    for value in (written, f'"{MARK}"', f"[{written}, '{MARK}']"):
        (tmp_path / "dayfill.toml").write_text(f"{key} = {value}\n", encoding="utf-8")
        try:
            read_settings(data_dir=tmp_path, environ={})
        except SetupError as error:
            assert refused_by_name(error, key if is_toml(tmp_path) else "dayfill.toml"), str(error)


def is_toml(folder: Path) -> bool:
    try:
        tomllib.loads((folder / "dayfill.toml").read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return False
    return True


@given(st.binary(max_size=40))
def test_any_bytes_as_the_file(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    folder = tmp_path_factory.mktemp("odd")
    (folder / "dayfill.toml").write_bytes(raw)
    try:
        read_settings(data_dir=folder, environ={})
    except SetupError as error:
        assert MARK not in str(error)
