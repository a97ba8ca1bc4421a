"""The audit log: who did what, and how the object looked before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ActorKind = Literal["key", "session", "operator", "dispatcher"]
Audited = Mapping[str, object]
"""What the log keeps of an object: plain values, none of them a secret."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. A key has all of the rest, a session all but the key.

    The command line on the server's machine and the dispatcher have none.
    """

    kind: ActorKind
    user_id: int | None = None
    api_key_id: str | None = None
    address: str | None = None
    request_id: str | None = None


OPERATOR, DISPATCHER = Actor("operator"), Actor("dispatcher")


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that was done.

    action: the kind of object and the verb, such as ``destination.update``. identity: the object's id.
    before, after: None where it did not exist yet, or no longer does. team_id: its team; None is the request's.
    """

    action: str
    identity: int | str
    before: Audited | None = None
    after: Audited | None = None
    team_id: int | None = None

    @property
    def object(self) -> str:
        """Kind and id, such as ``destination:7``."""
        return f"{self.action.partition('.')[0]}:{self.identity}"


def differing(before: Audited | None, after: Audited | None) -> tuple[Audited | None, Audited | None]:
    """Both without what is the same in both: of a change only what changed is kept."""
    if before is None or after is None:
        return before, after
    same = {name for name in before if name in after and before[name] == after[name]}
    return _without(before, same), _without(after, same)


def _without(kept: Audited, names: set[str]) -> Audited:
    return {name: value for name, value in kept.items() if name not in names}
