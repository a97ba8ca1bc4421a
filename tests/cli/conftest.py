"""A command line to run inside the test, and a server that answers what the test says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from answering import Answering
from command_line import Command, Ran

from dayfill.cli import run


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the person who runs the tests."""
    for name in [name for name in os.environ if name.startswith(("DAYFILL_", "SUPERMETRICS_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DAYFILL_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def command(clean: None, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run ``dayfill`` with these words."""

    def call(*words: object) -> Ran:
        capsys.readouterr()
        code = run([str(word) for word in words])
        found = capsys.readouterr()
        return Ran(code, found.out, found.err)

    return call


@pytest.fixture
def server(clean: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Answering]:
    """A server on loopback; the environment names it, team 7 and a key."""
    with Answering.started() as answering:
        monkeypatch.setenv("DAYFILL_URL", answering.url)
        monkeypatch.setenv("DAYFILL_API_KEY", "api_test")
        monkeypatch.setenv("DAYFILL_TEAM_ID", "7")
        yield answering
