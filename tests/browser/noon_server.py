"""A whole server whose clock says what a test wants: ``python noon_server.py FOLDER PORT NOON BEGAN``.

It serves the installation in FOLDER and prints its address and a sign-in link as one line of JSON. NOON is what its
clock said at second BEGAN of the real one; without BEGAN it stands still.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from queue import Queue
from threading import Thread

import uvloop

from dayfill import app
from dayfill.app import Running, serve
from dayfill.cli.logs import log_to_stderr
from dayfill.cli.session import first_link
from dayfill.domain.slices import DayOrder, DayResult, Outcome, Slice
from dayfill.seams import Seams, system_seams
from dayfill.settings import read_settings


def seams_at(noon: datetime, began: float | None) -> Seams:
    """A clock that was at noon at second ``began``, or one that stays there."""
    if began is None:
        return replace(system_seams(), now=lambda: noon, monotonic=lambda: 0.0)
    return replace(system_seams(), now=lambda: noon + timedelta(seconds=time.time() - began))


async def main(folder: str, port: str, noon: str, began: Sequence[str]) -> None:
    async def say(running: Running) -> None:
        sys.stdout.write(json.dumps({"url": running.url, "link": await first_link(running.state)}) + "\n")
        sys.stdout.flush()

    # The environment and dayfill.toml say the rest, as for any server.
    settings = read_settings(data_dir=Path(folder) / "data", bind=f"127.0.0.1:{port}")
    seams = seams_at(datetime.fromisoformat(noon), float(began[0]) if began else None)
    await serve(settings, on_ready=say, seams=seams)


class Paced:
    """An executor whose days are loaded by saying so, this many a second: what is measured is the page, not a load."""

    slots = 64

    def __init__(self, pace: int) -> None:
        self._pace, self._waiting = pace, Queue[tuple[Future[list[DayResult]], Slice]]()
        Thread(target=self._work, daemon=True).start()

    def submit(self, run: Callable[[Slice], list[DayResult]], job: Slice) -> Future[list[DayResult]]:
        future: Future[list[DayResult]] = Future()
        self._waiting.put((future, job))
        return future

    def _work(self) -> None:
        free = time.monotonic()
        while True:
            future, job = self._waiting.get()
            free = max(free, time.monotonic() - 0.1) + len(job.days) / self._pace
            time.sleep(max(free - time.monotonic(), 0))
            future.set_result([_loaded(order) for order in job.days])

    def close(self) -> None: ...


def _loaded(order: DayOrder) -> DayResult:
    return DayResult(order.run_id, order.token, order.data_date, Outcome.LOADED, rows=100, content_hash="0")


if __name__ == "__main__":
    if "PACE" in os.environ:
        app.ThreadsExecutor = lambda slots: Paced(int(os.environ["PACE"]))  # type: ignore[assignment,misc]
    log_to_stderr("warning")
    uvloop.run(main(*sys.argv[1:4], sys.argv[4:]))
