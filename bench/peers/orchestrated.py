"""Days that do nothing: what it costs to orchestrate them, by dayfill and by Dagster."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from bench import noop
from bench.peers.venvs import PROGRAMS, python_of
from bench.table import Figure

DAYS, GOAL = 30, 10


async def measure(folder: Path) -> tuple[list[Figure], dict[str, str]]:
    """Days a second, and the version of Dagster. It starts a process for each day, which is more than dayfill does."""
    said = await asyncio.to_thread(_dagster, folder)
    (folder / "ours").mkdir()
    ours = await noop.dispatched(folder / "ours", days=DAYS)
    note = "Dagster gives each day a process and a log of its own"
    theirs = DAYS / said["seconds"]
    return [Figure(f"{DAYS} days that do nothing", ours, theirs, "days/s", "days/s, Dagster", GOAL, True, note)], said[
        "versions"
    ]


def _dagster(folder: Path) -> dict[str, Any]:
    command = [python_of("dagster"), PROGRAMS / "dagster_days.py"]
    environment = {**os.environ, "DAGSTER_HOME": str(folder), "PEER_DAYS": f"{DAYS}"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment, cwd=folder)
    said: dict[str, Any] = json.loads(done.stdout)
    return said
