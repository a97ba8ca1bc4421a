"""How long a reading may take."""

from __future__ import annotations

import time
from contextlib import suppress
from threading import Event, Thread

import duckdb

from dayfill.errors import Transient
from dayfill.sources.files.connection import Connection

_AGAIN = 0.05


class Deadline:
    """Ends a reading when its time is over: says so between batches, and interrupts the engine once it is watched."""

    def __init__(self, seconds: float) -> None:
        self._began = time.monotonic()
        self._ends = self._began + seconds
        self._stopped = Event()

    def watch(self, con: Connection) -> None:
        """Interrupt whatever this connection runs when the time is over, until the reading has stopped."""
        Thread(target=self._interrupt, args=(con,), name="deadline", daemon=True).start()

    def _interrupt(self, con: Connection) -> None:
        self._stopped.wait(max(self._ends - time.monotonic(), 0))
        while not self._stopped.wait(_AGAIN):  # an interrupt between two statements is lost
            with suppress(duckdb.Error):  # closed a moment ago
                con.interrupt()

    @property
    def over(self) -> bool:
        return time.monotonic() >= self._ends

    def left(self) -> float:
        """Seconds that remain, 0 and less once it is over."""
        return self._ends - time.monotonic()

    def spent(self) -> float:
        """Seconds since the reading began."""
        return time.monotonic() - self._began

    def check(self) -> None:
        if self.over:
            raise timed_out()

    def stop(self) -> None:
        self._stopped.set()


def timed_out() -> Transient:
    """The error of a reading that came to its deadline."""
    return Transient("TIMEOUT", "The reading took longer than the deadline allows.")
