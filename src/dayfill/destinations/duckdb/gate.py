"""Many loads at once, or one alone: keeps loads that alter a table apart from those that fill it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class Gate:
    """Shared by many threads, or held by one alone; who waits to be alone goes before new sharers."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._sharing = 0
        self._waiting = 0
        self._held = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._held and not self._waiting)
            self._sharing += 1
        try:
            yield
        finally:
            with self._changed:
                self._sharing -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        with self._changed:
            self._waiting += 1
            self._changed.wait_for(lambda: not self._held and not self._sharing)
            self._waiting -= 1
            self._held = True
        try:
            yield
        finally:
            with self._changed:
                self._held = False
                self._changed.notify_all()
