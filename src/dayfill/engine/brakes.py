"""Brakes: once a source has refused a login, no slice under way asks it again before the time that it named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from dayfill.domain.parking import REFUSALS, rest
from dayfill.domain.run import Side
from dayfill.errors import ConnectorError, Transient


@dataclass(frozen=True, slots=True)
class _Pulled:
    until: float
    error: Transient


@dataclass(slots=True)
class Brakes:
    """One for each connection of this process, pulled by the slice that was refused; all its threads share them.

    The dispatcher parks the connection too, but only when the slice has ended; other slices may be under way.
    """

    _pulled: dict[int, _Pulled] = field(default_factory=dict)

    @contextmanager
    def asking(self, connection_id: int, monotonic: Callable[[], float]) -> Iterator[None]:
        """Around one call of the source.

        Raises:
            Transient: the source is not to be asked now; ``retry_after`` says when it is.
        """
        pulled = self._pulled.get(connection_id)
        if pulled is not None and (left := round(pulled.until - monotonic(), 3)) > 0:
            raise Transient(pulled.error.cause, pulled.error.message, retry_after=left)
        try:
            yield
        except Transient as error:
            if refuses_all(error):
                wait = rest(Side.SOURCE, error.retry_after, timedelta(), 0)
                self._pulled[connection_id] = _Pulled(monotonic() + wait.total_seconds(), error)
            raise


def refuses_all(error: ConnectorError) -> bool:
    """Whether a source refuses every request of the login for a while, not only this one.

    An error that names its day is about that day, unless it says when to come back.
    """
    if not isinstance(error, Transient):
        return False
    return error.retry_after is not None or (error.cause in REFUSALS and error.day is None)
