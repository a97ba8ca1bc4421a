"""What all stories share, because it is slow to make: a loop on which nothing waits, and an open state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import apsw
import pytest

from dayfill.engine import reconcile
from installation import Installation
from postgres_state import PostgresHands, PostgresState
from rig import SteppedDispatcher


class AtOnce:
    """An executor that has done the work when it hands out the future."""

    def submit(self, work: Callable[..., object], *values: object) -> Future[object]:
        future: Future[object] = Future()
        try:
            future.set_result(work(*values))
        except BaseException as error:
            future.set_exception(error)
        return future

    def shutdown(self) -> None: ...


def at_once(work: Callable[[], object]) -> asyncio.Future[object]:
    """A look at a destination, without the thread that it has to itself."""
    future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    try:
        future.set_result(work())
    except Exception as error:
        future.set_exception(error)
    return future


def look_between_passes(patch: pytest.MonkeyPatch) -> None:
    """Look at destinations one after the other, and at none while the dispatcher is in a pass.

    Both wait for the state, in threads: which of them is first would not be the same each time that a story is told.
    """
    in_a_pass = SteppedDispatcher._pass

    async def alone(dispatcher: SteppedDispatcher) -> None:
        async with dispatcher._reconciler._places:
            await in_a_pass(dispatcher)

    patch.setattr(reconcile, "_apart", at_once)
    patch.setattr(reconcile, "AT_ONCE", 1)
    patch.setattr(SteppedDispatcher, "_pass", alone)


@dataclass
class Ground:
    """What all stories share, because it is slow to make: a loop, an open state, and how the state is at first."""

    loop: asyncio.AbstractEventLoop
    installation: Installation
    first: bytes = field(default=b"", repr=False)
    is_embedded = True

    @classmethod
    def create(cls, folder: Path, state: PostgresState | None = None) -> Ground:
        """With the state in a file, or in PostgreSQL."""
        loop = asyncio.new_event_loop()
        if state is not None:
            ground: Ground = PostgresGround(loop, loop.run_until_complete(Installation.create(folder, state)))
            ground.first = ground.copy()
            return ground
        return cls._embedded(folder, loop)

    @classmethod
    def _embedded(cls, folder: Path, loop: asyncio.AbstractEventLoop) -> Ground:
        made = loop.run_until_complete(Installation.create(folder))
        for thread in (made.db._write_thread, made.db._scan_thread):
            thread.shutdown()
        made.db._write_thread = made.db._scan_thread = AtOnce()  # type: ignore[assignment]
        ground = cls(loop, made)
        ground.first = ground.copy()
        return ground

    def copy(self) -> bytes:
        state = self.installation.db._writer.serialize("main")
        # A database in memory has no write-ahead log: bytes 18 and 19 of the header must not ask for one.
        return state[:18] + b"\x01\x01" + state[20:]

    def put_back(self, state: bytes) -> None:
        """The state is what it was when this copy was made; open connections see it."""
        older = apsw.Connection(":memory:")
        older.deserialize("main", state)
        with self.installation.db._writer.backup("main", older, "main") as backup:
            backup.step(-1)
        older.close()

    def close(self) -> None:
        self.loop.run_until_complete(self.installation.close())
        self.loop.close()


class PostgresGround(Ground):
    """The same with the state in PostgreSQL; a copy of it is what all its tables hold."""

    is_embedded = False

    @property
    def _hands(self) -> PostgresHands:
        hands = self.installation.hands
        assert isinstance(hands, PostgresHands)
        return hands

    def copy(self) -> bytes:
        return self._hands.copy()

    def put_back(self, state: bytes) -> None:
        self._hands.put_back(state)
