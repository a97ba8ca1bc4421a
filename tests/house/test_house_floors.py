"""The floors hold: every contract of the import linter breaks when somebody breaks it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from house_tree import ROOT

LINTER = Path(sys.executable).with_name("lint-imports")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]

PLANTS = {
    "Floors: a room knows only the rooms below it": ("store/planted.py", "from dayfill.engine import backfills"),
    "The domain is pure": ("domain/planted.py", "import time"),
    "Drivers stay in the store and in the connectors": ("engine/planted.py", "import apsw"),
    "The web framework stays at the doors": ("store/planted.py", "import starlette"),
    "The load is plain sync code and knows no state": ("sources/planted.py", "import asyncio"),
    "Doors open no connector": ("api/planted.py", "import dayfill.sources"),
    "One file knows cryptography": ("engine/planted.py", "import cryptography"),
    "One file opens connections to elsewhere": ("sources/planted.py", "import socket"),
    "Connectors never lean on each other": ("destinations/planted.py", "import dayfill.sources.files"),
    "No cycles, at any depth": ("domain/days.py", "import dayfill.domain.backfill"),
}
"""Contract -> a file and the line in it that breaks the contract."""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the package, to be spoiled."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(house: Path) -> str:
    """What the linter says of the copy; its own package comes before the installed one."""
    environment = {**os.environ, "PYTHONPATH": str(house / "src"), "COLUMNS": "200", "NO_COLOR": "1"}
    command = [str(LINTER), "--no-cache"]
    return subprocess.run(command, cwd=house, env=environment, capture_output=True, text=True).stdout


def broken(house: Path) -> set[str]:
    return set(re.findall(r"^(.+?) BROKEN(?: \(.*\))? *$", lint(house), re.MULTILINE))


def plant(house: Path, file: str, line: str) -> None:
    path = house / "src" / "dayfill" / file
    path.write_text((path.read_text() if path.exists() else "") + f"\n{line}\n")


def test_every_contract_has_a_plant() -> None:
    assert {contract["name"] for contract in CONTRACTS} == set(PLANTS)


@pytest.mark.parametrize("contract", PLANTS)
def test_a_contract_breaks_when_somebody_breaks_it(contract: str, house: Path) -> None:
    plant(house, *PLANTS[contract])
    assert contract in broken(house)


def test_a_module_without_a_floor_is_refused(house: Path) -> None:
    plant(house, "attic.py", "")
    assert "not listed as layers:\n\n- dayfill.attic\n" in lint(house)
