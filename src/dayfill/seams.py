"""Where the outside leaks in: time, ids, chance and failpoints, as one frozen value that is passed down.

Made in ``app.py`` for the server and rebuilt by a worker; tests make their own. Nothing else asks the clock.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random  # noqa: TID251  this file is the seam that the rule points to


def _no_failpoint(_name: str) -> None:
    """Failpoints do nothing unless a test says otherwise."""


@dataclass(frozen=True, slots=True)
class Seams:
    """Clock, ids, chance and failpoints.

    now: current instant, aware, UTC. monotonic: seconds, never steps back. new_id: a fresh UUID.
    chance: source of jitter. failpoint: called with a step's name at every step of the run protocol.
    """

    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    new_id: Callable[[], uuid.UUID]
    chance: Random
    failpoint: Callable[[str], None] = _no_failpoint


def system_seams() -> Seams:
    """The real clock, random ids and real chance."""
    return Seams(
        now=lambda: datetime.now(UTC),  # noqa: TID251
        monotonic=time.monotonic,
        new_id=uuid.uuid4,  # noqa: TID251
        chance=Random(),
    )
