"""Servers that can be killed, stopped and started again by the hundred, each a real ``dayfill serve``."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sabotage import Sabotage

PATIENCE = 60.0
"""Seconds after which a server that should answer or end is stuck."""
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
_SERVES = re.compile(r"dayfill serves http://127\.0\.0\.1:(\d+) ")


@dataclass
class Server:
    """One process. began_at: wall clock second of its start."""

    template: Template
    pid: int
    log: Path
    read_from: int
    began_at: float
    handle: int = -1
    port: int = 0
    code: int | None = None

    def ready(self, patience: float = PATIENCE) -> bool:
        """Wait until it says that it serves; False if it ends before, or does not say so in time."""
        end = time.monotonic() + patience
        while not self.port:
            is_over = self.has_ended(0.003) or time.monotonic() >= end
            found = _SERVES.search(self.said())
            if found:
                self.port = int(found[1])
            elif is_over:
                return False
        return True

    def said(self) -> str:
        with self.log.open("rb") as file:
            file.seek(self.read_from)
            return file.read().decode()

    def has_ended(self, seconds: float = 0.0) -> bool:
        """Wait so long for its end."""
        return self.code is not None or bool(select.select([self.handle], [], [], seconds)[0])

    def send(self, number: signal.Signals) -> None:
        try:
            signal.pidfd_send_signal(self.handle, number)
        except ProcessLookupError:
            return

    def until_stopped(self, patience: float = PATIENCE) -> None:
        """Wait until it stands still by a signal."""
        end = time.monotonic() + patience
        while Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            assert time.monotonic() < end, f"process {self.pid} does not stop\n{self.said()}"
            time.sleep(0.005)

    def end(self, number: signal.Signals | None = None, patience: float = PATIENCE) -> int:
        """Send the signal, if one is given, and wait for the end; returns the exit code, negative for a signal."""
        if self.code is None:
            if number is not None:
                self.send(number)
            assert self.has_ended(patience), f"process {self.pid} does not end\n{self.said()}"
            self.code = self.template.reap(self)
        return self.code


@dataclass
class Template:
    """The process that forks the servers; see `template.py`."""

    popen: subprocess.Popen[str]
    lock: threading.Lock = field(default_factory=threading.Lock)

    def serve(self, data_dir: Path, sabotage: Sabotage, failpoint: str = "", **settings: str) -> Server:
        """Start a server on this directory; its log is in the directory's parent. settings: more of the environment."""
        log = data_dir.with_suffix(".log")
        log.touch()
        read_from = log.stat().st_size
        env = {"DAYFILL_LOG_LEVEL": "warning", "DAYFILL_TEST": "1", "DAYFILL_FAILPOINT": failpoint}
        env |= {"DAYFILL_FILE_ROOTS": str(data_dir.parent), **settings}
        words = ["serve", "--data-dir", str(data_dir), "--bind", "127.0.0.1:0"]
        wanted = {"words": words, "env": env, "log": str(log), "sabotage": sabotage.words}
        server = Server(self, 0, log, read_from, time.time())
        server.pid = self._ask(start=wanted)["pid"]
        server.handle = os.pidfd_open(server.pid)
        return server

    def reap(self, server: Server) -> int:
        os.close(server.handle)
        return int(self._ask(reap=server.pid)["status"])

    def _ask(self, **request: object) -> dict[str, Any]:
        with self.lock:
            assert self.popen.stdin is not None and self.popen.stdout is not None
            self.popen.stdin.write(json.dumps(request) + "\n")
            self.popen.stdin.flush()
            line = self.popen.stdout.readline()
        assert line, "the template has died"
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def template() -> Iterator[Template]:
    """A template for as long as the block lasts; its servers end with it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DAYFILL_", "SUPERMETRICS_"))}
    command = [sys.executable, str(Path(__file__).with_name("template.py"))]
    environment = kept | ONE_THREAD | {"DAYFILL_CONFIG": os.devnull}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield Template(process)
        finally:
            process.kill()  # its children die with it
