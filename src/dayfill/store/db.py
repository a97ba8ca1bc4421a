"""The database seam: reads on the event loop, writes in one transaction at a time, statements by name.

The dialect lives below this file; every store module speaks through `Reader` and `Tx` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

Row = tuple[Any, ...]
Values = Mapping[str, object]

Touched = Mapping[int, "set[str] | None"]
"""Transfers of which something changed, each with the days (YYYY-MM-DD) that moved; None: any of them may have."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Reader(Protocol):
    """Reads. ``one`` and ``all`` are for a few rows, found through an index; they may run on the event loop."""

    async def one(self, query: str, /, **values: object) -> Row | None:
        """The first row, or None."""

    async def all(self, query: str, /, **values: object) -> list[Row]:
        """Every row."""

    async def scan(self, query: str, /, **values: object) -> list[Row]:
        """Every row of a long read (hundreds of rows and more), off the event loop, in one snapshot."""


class Tx(Reader, Protocol):
    """One write transaction. ``one`` and ``all`` may also change a few rows and return them."""

    async def run(self, query: str, /, **values: object) -> int:
        """A change that may meet many rows; returns how many it changed."""

    async def many(self, query: str, rows: Sequence[Values], /) -> list[Row]:
        """The same change for each of these values; returns what the statements return, in order."""

    def touch(self, transfer_id: int, days: Iterable[str] | None = ()) -> None:
        """Say that something of a transfer changes, and which days; None is all of them. Told after the commit."""


class Touching:
    """What both transactions remember of what they touch, for whoever is told after the commit."""

    def __init__(self) -> None:
        self.touched: dict[int, set[str] | None] = {}

    def touch(self, transfer_id: int, days: Iterable[str] | None = ()) -> None:
        known = self.touched.setdefault(transfer_id, set())
        if days is None:
            self.touched[transfer_id] = None
        elif known is not None:
            known.update(days)


class Database(Reader, Protocol):
    """The state database of one installation."""

    def write(self) -> AbstractAsyncContextManager[Tx]:
        """A transaction: committed durably when the block ends, rolled back when it raises."""

    def leading(self) -> Database:
        """The same database for the dispatcher: of all servers one at a time writes through it.

        Its `write` raises `NotLeading` on every other one, and on this one once another has taken its place.
        """

    def on_others(self, listener: Callable[[], None]) -> None:
        """Tell this one, on the event loop, when another server may have changed something."""

    def on_commit(self, listener: Callable[[Touched], None]) -> None:
        """Tell this one, on the event loop, after each commit that touched a transfer."""

    def log_bytes(self) -> int:
        """Size of the log of writes that are not in the file yet."""

    def snapshot(self) -> AbstractAsyncContextManager[Reader]:
        """The state of one moment, on a connection of its own: for long looks, which hold nobody up."""

    async def close(self) -> None: ...


def micros(instant: datetime | None) -> int | None:
    """An aware instant as microseconds since 1970 in UTC, the form in which the state keeps time."""
    return None if instant is None else (instant - _EPOCH) // MICROSECOND


def instant(value: int | None) -> datetime | None:
    """The inverse of `micros`."""
    return None if value is None else _EPOCH + timedelta(microseconds=value)


def moment(value: int) -> datetime:
    """`instant` of a column that is never null."""
    return _EPOCH + timedelta(microseconds=value)
