"""Where slices run. An executor runs a given function on a given job somewhere and returns a future."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


class Executor(Protocol):
    """The seam between the dispatcher and the load; the standard library's futures are the whole contract."""

    slots: int
    """How many slices can make progress at once, although as many others hang."""

    def submit(self, run: Callable[[Job], Result], job: Job) -> Future[Result]: ...

    def close(self) -> None:
        """Take no more work; do not wait for what hangs."""


@dataclass(frozen=True, slots=True)
class Outage:
    """Why a cluster takes nothing, and since when.

    why: for the log, it may name places. remedy: what is wrong and what somebody has to do, for everybody; empty if it
    may come back by itself.
    """

    why: str
    since: datetime
    remedy: str = ""


class Cluster(Protocol):
    """Workers on other machines, which have dayfill themselves: jobs travel as bytes, and so do answers."""

    slots: int
    """How many slices it takes now; 0 while it is gone. It may change at any time."""
    outage: Outage | None
    """None while all is well."""

    def submit(self, job: bytes) -> Future[bytes]:
        """The future's `cancel` ends the job wherever it is; a `Transient` in it is not the job's fault."""

    def close(self) -> None:
        """Take no more work; end what is under way."""
