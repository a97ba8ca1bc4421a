"""A Ray cluster of this machine: its head and a second node can be killed and started again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from tempfile import mkdtemp

import psutil

SITE = Path(__file__).parent / "site"
PATIENCE, TRIES = 90, 3
RAY = Path(sys.executable).with_name("ray")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class RayCluster:
    """Processes of `ray start`, told from all others by the folder that they were given.

    told: more of their environment.
    """

    token: str = field(default_factory=lambda: token_hex(32))
    mode: str = "token"
    folder: Path = field(default_factory=lambda: Path(mkdtemp(prefix="df-", dir="/tmp")))  # sockets want a short name
    port: int = field(default_factory=free_port)
    client_port: int = field(default_factory=free_port)
    told: Mapping[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"ray:127.0.0.1:{self.port}"

    @property
    def client_address(self) -> str:
        """Of the server for drivers on machines without a node; it starts a process for each, which takes seconds."""
        return f"ray://127.0.0.1:{self.client_port}"

    @property
    def environment(self) -> dict[str, str]:
        """Of everything that belongs to the cluster. Nothing is told to anybody."""
        ours = {"RAY_AUTH_MODE": self.mode, "RAY_AUTH_TOKEN": self.token, "RAY_USAGE_STATS_ENABLED": "0"}
        quiet = {"RAY_ENABLE_AUTO_CONNECT": "0", "OPENBLAS_NUM_THREADS": "1"}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DAYFILL_", "RAY_"))}
        return kept | ours | quiet | self.told | {"PYTHONPATH": str(SITE), "TMPDIR": str(self.folder)}

    def start(self, cpus: int = 2) -> None:
        """The head, with so many CPUs."""
        ports = [f"--port={self.port}", f"--ray-client-server-port={self.client_port}"]
        self._ray("--head", *ports, f"--num-cpus={cpus}", f"--temp-dir={self.folder}", "--include-dashboard=false")

    def join(self, cpus: int = 1) -> set[int]:
        """A second node; returns its processes."""
        before = {one.pid for one in self.processes()}
        self._ray(f"--address=127.0.0.1:{self.port}", f"--num-cpus={cpus}")
        return {one.pid for one in self.processes()} - before

    def _ray(self, *words: str) -> None:
        """On a machine that is busy Ray gives a node up after half a minute: it is tried again."""
        before = {one.pid for one in self.processes()}
        for _ in range(TRIES - 1):
            try:
                return self._start(*words)
            except (AssertionError, subprocess.TimeoutExpired):
                for one in self.processes():
                    if one.pid not in before:
                        kill(one.pid)
        return self._start(*words)

    def _start(self, *words: str) -> None:
        command = [str(RAY), "start", *words, "--object-store-memory=80000000", "--disable-usage-stats"]
        command += ["--node-ip-address=127.0.0.1"]
        done = subprocess.run(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE, text=True
        )
        assert done.returncode == 0, done.stdout

    def processes(self) -> list[psutil.Process]:
        """All of the cluster that are alive."""
        found = []
        for one in psutil.process_iter():
            try:
                if one.environ().get("TMPDIR") == str(self.folder) and one.status() != psutil.STATUS_ZOMBIE:
                    found.append(one)
            except (psutil.AccessDenied, psutil.NoSuchProcess):
                continue
        return found

    def workers(self) -> list[psutil.Process]:
        return [one for one in self.processes() if name_of(one).startswith("ray::")]

    def kill(self) -> None:
        """The power is gone."""
        processes = self.processes()
        for one in processes:
            kill(one.pid)
        psutil.wait_procs(processes, 10)

    def end(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def name_of(process: psutil.Process) -> str:
    """What a worker does now is in its name; that of a dead process is empty."""
    try:
        return str(process.name())
    except psutil.NoSuchProcess:
        return ""


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
