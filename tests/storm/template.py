"""A process that has imported the whole server and forks one for each start, so that a start costs milliseconds.

It reads one JSON object per line and answers each with one: ``{"start": {...}}`` forks a server, ``{"reap": pid}``
waits for its end. It opens no file of any installation and has one thread, so what it forks is as good as new.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import sabotage
import server_sabotage
import uvicorn.protocols.http.httptools_impl

import dayfill.cli.serve
import dayfill.destinations.duckdb
from dayfill.cli import run

IMPORTED = (uvicorn.protocols.http.httptools_impl, dayfill.cli.serve, dayfill.destinations.duckdb)
"""What a server would otherwise import when it first needs it."""
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def main() -> None:
    sabotage.register()
    gc.freeze()
    for line in sys.stdin:
        request = json.loads(line)
        if "start" in request:
            answer = start(request["start"])
        else:
            answer = {"status": os.waitstatus_to_exitcode(os.waitpid(request["reap"], 0)[1])}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def start(wanted: dict[str, Any]) -> dict[str, int]:
    """Fork a server; in the child this never returns."""
    threads = os.listdir("/proc/self/task")
    assert len(threads) == 1, f"a fork of {len(threads)} threads is not as good as new"
    pid = os.fork()
    if pid == 0:
        be(wanted)
    return {"pid": pid}


def be(wanted: dict[str, Any]) -> None:
    """Become the server: ``words`` of the command line, ``env``, ``log`` for its output, ``sabotage``."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    nothing, log = os.open(os.devnull, os.O_RDONLY), os.open(wanted["log"], os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.update(wanted["env"])
    server_sabotage.apply(sabotage.from_words(wanted["sabotage"]))
    raise SystemExit(run(wanted["words"]))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
