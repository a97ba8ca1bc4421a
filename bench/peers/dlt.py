"""A case by dlt, in a process of its own venv that is ready and waits for the word of each round."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.postgres_server import PostgresServer

from bench.peers.cases import SCHEMA, Case, Size, Sources, Taken
from bench.peers.venvs import PROGRAMS, python_of


@dataclass(frozen=True, slots=True)
class Way:
    """How it is done. whole_range: all days by one run of the pipeline. backend: of its source for SQL databases."""

    whole_range: bool = False
    backend: str = ""

    def __str__(self) -> str:
        how = "in one run" if self.whole_range else "by day"
        return f"{how} ({self.backend})" if self.backend else how


def ways(case: Case, size: Size) -> list[Way]:
    """A run of the pipeline for each day, as this backfills; and one run for all of them."""
    backends = ("connectorx", "pyarrow") if case.source == "postgresql" else ("",)
    return [Way(whole, backend) for whole in ((False, True) if size.days > 1 else (False,)) for backend in backends]


@dataclass(frozen=True, slots=True)
class Peer:
    """The process, its imports done. versions: of the packages that do its work."""

    process: subprocess.Popen[str]
    versions: dict[str, str]

    def round(self) -> Taken:
        """The runs of the pipeline that replace all days."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return Taken(**_said(self.process))


@contextmanager
def peer(
    folder: Path, case: Case, size: Size, sources: Sources, server: PostgresServer, place: str, way: Way
) -> Iterator[Peer]:
    """dlt with a pipeline of its own."""
    at = server.address
    # dlt wants a password, which this server does not ask for.
    dsn = f"postgresql://{at['user']}:any@{at['host']}:{at['port']}"
    source = f"{dsn}/{sources.database}" if case.source == "postgresql" else f"{sources.folder}/{{date}}.{case.source}"
    job = {
        "folder": str(folder),
        "first": size.dates[0].isoformat(),
        "days": size.days,
        "whole_range": way.whole_range,
        "source": {"kind": case.source, "place": source, "backend": way.backend},
        "destination": {
            "kind": case.destination,
            "place": f"{dsn}/{place}" if case.destination == "postgresql" else place,
            "schema": SCHEMA,
        },
    }
    environment = {
        **os.environ,
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "ERROR",
        "DLT_DATA_DIR": str(folder),
        "HOME": str(folder),
    }
    command: list[str | Path] = [python_of("dlt"), PROGRAMS / "dlt_days.py", json.dumps(job)]
    pipes = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipes, stdout=pipes, text=True, env=environment, cwd=folder)
    with process:
        yield Peer(process, _said(process)["versions"])
        assert process.stdin is not None
        process.stdin.close()


def _said(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "dlt has ended; what it said stands above"
    said: dict[str, Any] = json.loads(line)
    return said
