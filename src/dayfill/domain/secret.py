"""A credential in the clear, as a value that can be handed around and that shows itself nowhere by accident."""

from __future__ import annotations

from typing import NoReturn, SupportsIndex
from weakref import WeakValueDictionary

_HIDDEN = "***"


class Secret:
    """A text that no log line, error, answer, copy or job can hold: what would write it down gets ``***`` or refuses.

    Only a connector reveals it, in the call that needs it.
    """

    __slots__ = ("__weakref__", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        _in_use[id(self)] = self

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return _HIDDEN

    def __str__(self) -> str:
        return _HIDDEN

    def __format__(self, spec: str) -> str:
        return _HIDDEN

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        """Neither pickle nor copy nor asdict gets it."""
        raise TypeError("A secret is not written down: seal it, and let who needs it open it.")


_in_use: WeakValueDictionary[int, Secret] = WeakValueDictionary()
"""By identity, since equal secrets of two jobs may end at different times."""


def in_use() -> set[Secret]:
    """The secrets that something in this process holds at this moment, such as a running job."""
    # valuerefs is a list made at once, while other threads open and drop secrets of their own.
    return {secret for reference in _in_use.valuerefs() if (secret := reference()) is not None}
