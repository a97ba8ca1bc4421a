"""What both doors of the server lead to: made once, in app."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from dayfill.domain.reach import Reaches
from dayfill.engine.live import Hub
from dayfill.engine.trials import Trials
from dayfill.seams import Seams
from dayfill.secrets import Keyring
from dayfill.store.db import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Premises:
    """What a request may use, whether it comes from a program or from a page.

    changed: wakes the dispatcher after a commit. max_days: limit of a range. hub: tells watchers what moves, and why
    nothing starts. trials: of destinations, under way. reaches: what connectors may open for each team. used_keys: ids
    of the keys that were shown, for the housekeeping to write down.
    """

    db: Database
    seams: Seams
    keyring: Keyring
    installation_id: str = ""
    changed: Callable[[], None]
    max_days: int
    hub: Hub
    trials: Trials
    reaches: Reaches = field(default_factory=Reaches)
    used_keys: set[str] = field(default_factory=set)
