"""Where the outside leaks in: time, ids, chance and failpoints, as one frozen value that is passed down.

Made in ``app`` for the server and rebuilt by a worker; tests make their own. Nothing else asks the clock.
"""

from __future__ import annotations

import os
import re
import signal
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random  # noqa: TID251  this file is the seam that the rule points to
from typing import Literal, cast

from dayfill.errors import SetupError

FAILPOINTS = frozenset(
    {
        *("create", "cancel", "retry", "create_transfer", "delete_transfer", "answer"),
        *("materialise", "fire", "claim", "record", "rescue", "migrate", "shutdown"),
        *("extract", "before_load", "before_commit", "after_load"),
    }
)
"""The steps that a test may make fail: what people ask for, what the dispatcher and the server do, what a load does."""

Action = Literal["kill", "error", "sleep", "stop"]


def no_failpoint(_name: str) -> None:
    """Failpoints do nothing unless a test says otherwise."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens at one passage of a failpoint. passage: counted from 1. seconds: of a sleep."""

    name: str
    action: Action
    passage: int = 1
    seconds: float = 1.0

    def strike(self) -> None:
        """kill and stop send a signal to this process, error raises what nobody expects, sleep holds the caller."""
        if self.action == "sleep":
            time.sleep(self.seconds)
        elif self.action == "error":
            raise RuntimeError(f"failpoint {self.name}")
        else:
            os.kill(os.getpid(), signal.SIGKILL if self.action == "kill" else signal.SIGSTOP)


_FAULT = re.compile(r"(\w+):(kill|error|stop|sleep(?:=(\d+(?:\.\d+)?))?)(?:@([1-9]\d{0,8}))?", re.ASCII)


def fault_of(text: str) -> Fault:
    """A fault as DAYFILL_FAILPOINT writes it, ``NAME:ACTION@PASSAGE``.

    Raises:
        SetupError: it is written otherwise, or there is no such failpoint.
    """
    match = _FAULT.fullmatch(text.strip())
    if match is None or match[1] not in FAILPOINTS:
        raise SetupError(
            "DAYFILL_FAILPOINT: expected NAME:ACTION or NAME:ACTION@PASSAGE, several with commas between them, an "
            f"action being kill, error, stop, sleep or sleep=SECONDS and a name one of {', '.join(sorted(FAILPOINTS))}."
        )
    action = cast(Action, match[2].partition("=")[0])
    return Fault(match[1], action, passage=int(match[4] or 1), seconds=float(match[3] or 1))


def failing(faults: Sequence[Fault]) -> Callable[[str], None]:
    """A failpoint that strikes each of these faults once, in whichever thread makes the passage."""
    if not faults:
        return no_failpoint
    lock, passages = threading.Lock(), Counter[str]()

    def failpoint(name: str) -> None:
        with lock:
            passages[name] += 1
            due = [fault for fault in faults if (fault.name, fault.passage) == (name, passages[name])]
        for fault in due:
            fault.strike()

    return failpoint


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
    failpoint: Callable[[str], None] = no_failpoint


def system_seams(faults: Sequence[Fault] = ()) -> Seams:
    """The real clock, random ids and real chance; ``faults`` are for tests."""
    return Seams(
        now=lambda: datetime.now(UTC),  # noqa: TID251
        monotonic=time.monotonic,
        new_id=uuid.uuid4,  # noqa: TID251
        chance=Random(),
        failpoint=failing(faults),
    )
