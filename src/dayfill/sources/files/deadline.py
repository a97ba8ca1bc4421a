"""How long a reading may take."""

from __future__ import annotations

import time
from threading import Timer

from dayfill.errors import Transient
from dayfill.sources.files.connection import Connection


class Deadline:
    """Ends a reading when its time is over: says so between batches, and interrupts the engine once it is watched."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds
        self._timer: Timer | None = None

    def watch(self, con: Connection) -> None:
        """Interrupt whatever this connection runs when the time is over."""
        self._timer = Timer(max(self._ends - time.monotonic(), 0), con.interrupt)
        self._timer.daemon = True
        self._timer.start()

    @property
    def over(self) -> bool:
        return time.monotonic() >= self._ends

    def check(self) -> None:
        if self.over:
            raise timed_out()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


def timed_out() -> Transient:
    """The error of a reading that came to its deadline."""
    return Transient("TIMEOUT", "The reading took longer than the deadline allows.")
