"""A server in a process of its own, which a test kills and starts again."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from installation import NOON

PROGRAM = Path(__file__).with_name("noon_server.py")
PATIENCE = 60.0
"""Seconds after which a server that should say something is stuck."""


@dataclass
class RealServer:
    """Serves a folder. is_frozen: its clock stands still, so that pictures are the same each time.

    limits: settings of the server. ids: of what was furnished, by name. cookies: of a browser that has signed in.
    """

    folder: Path
    is_frozen: bool = False
    url: str = ""
    link: str = ""
    key: str = ""
    limits: dict[str, str] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    cookies: list[Any] = field(default_factory=list)
    began: float = field(default_factory=time.time)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> RealServer:
        """Start it, or start it again at the same address; returns once it answers."""
        port = self.url.rpartition(":")[2] or "0"
        words = [str(self.folder), port, NOON.isoformat()] + ([] if self.is_frozen else [str(self.began)])
        told = json.loads(self.run([sys.executable, str(PROGRAM), *words]))
        self.url, self.link = told["url"], told["link"]
        return self

    def spawn(self, command: Sequence[str]) -> None:
        """Start the program; what it says, but for what it answers to `start`, is in its log."""
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, cwd=self.folder, env=self._environment()
            )

    def run(self, command: Sequence[str]) -> str:
        """Start the program and return its first line."""
        self.spawn(command)
        assert self.process is not None and self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        line = self.process.stdout.readline().decode() if ready else ""
        assert line, f"the server does not start:\n{self.said()}"
        return line

    def until(self, pattern: str) -> re.Match[str]:
        """Wait until its log says so."""
        end = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self.said())):
            assert self.process is not None and self.process.poll() is None and time.monotonic() < end, self.said()
            time.sleep(0.05)
        return found

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DAYFILL_")}
        return kept | {"DAYFILL_CONFIG": os.devnull, "DAYFILL_FILE_ROOTS": str(self.folder)} | self.limits

    def said(self) -> str:
        return (self.folder / "server.log").read_text("utf-8", "replace")

    def command(self, *words: str) -> None:
        """``dayfill`` on this data directory, as its operator says it."""
        command = [sys.executable, "-m", "dayfill", *words, "--data-dir", str(self.folder / "data")]
        subprocess.run(command, env=self._environment(), capture_output=True, check=True)

    def kill(self) -> None:
        """As a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None
