"""Follow one backfill to its end: poll, survive a restart of the server, give up at the time limit."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from dayfill.cli.client import Api
from dayfill.cli.exits import CommandError, Exit
from dayfill.cli.summary import EXITS, Backfill, settled

_EVERY = 0.5
_OUTAGE = 60.0
_WINDOW = 120.0


@dataclass(slots=True)
class Pace:
    """Days a minute over the last two minutes of work, from the counters of a backfill."""

    _seen: deque[tuple[float, int]] = field(default_factory=deque)

    def add(self, moment: float, backfill: Backfill) -> None:
        done, extension = settled(backfill), backfill["x"]
        rests = ("paused_time" in extension or "waiting" in extension) and not extension["runs_running"]
        if rests or (self._seen and done < self._seen[-1][1]):  # a pause, a wait, or a retry took failed days back
            self._seen.clear()
        if rests:
            return
        self._seen.append((moment, done))
        while moment - self._seen[0][0] > _WINDOW:
            self._seen.popleft()

    @property
    def per_minute(self) -> float | None:
        """None until two readings are apart."""
        if len(self._seen) < 2:
            return None
        (since, before), (now, done) = self._seen[0], self._seen[-1]
        return 60 * (done - before) / (now - since) if now > since and done > before else None

    def seconds_left(self, backfill: Backfill) -> float | None:
        """None while there is no pace."""
        pace = self.per_minute
        return 60 * (backfill["transfer_runs_total"] - settled(backfill)) / pace if pace else None


def follow(
    api: Api, backfill_id: int, timeout: float | None, monotonic: Callable[[], float], pause: Callable[[float], None]
) -> Iterator[Backfill]:
    """The backfill again and again, the resting one last. A server that is away is waited for, one minute.

    Raises:
        TimeoutError: the time limit has come; the backfill goes on.
        CommandError: the server refuses, or stays away.
    """
    start = reached = monotonic()
    while True:
        try:
            backfill: Backfill = api.get(api.team(f"backfills/{backfill_id}"))
            reached = monotonic()
            yield backfill
            if backfill["status"] in EXITS:
                return
        except CommandError as error:
            if error.exit != Exit.UNAVAILABLE or monotonic() - reached > _OUTAGE:
                raise
        if timeout is not None and monotonic() - start >= timeout:
            raise TimeoutError
        pause(_EVERY)
