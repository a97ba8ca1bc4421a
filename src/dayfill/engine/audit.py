"""The audit log: one row for each thing that was done, in the transaction that did it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from dayfill.domain.audit import Act, Actor, Audited, differing
from dayfill.store import audit
from dayfill.store.db import Tx

MOST_CHARACTERS = 16_384
"""What is kept of one side of a change: a transfer may have a thousand accounts, and the log is kept for long."""


async def record(tx: Tx, actor: Actor, team_id: int | None, act: Act, now: datetime) -> None:
    """Write down what has just been done; of a change only what has changed. team_id: None if it is about no team."""
    before, after = differing(act.before, act.after)
    await audit.insert(tx, team_id, actor, act.action, act.object, _text(before), _text(after), now)


def _text(kept: Audited | None) -> str | None:
    if kept is None:
        return None
    text = msgspec.json.encode(kept, order="sorted").decode()
    if len(text) > MOST_CHARACTERS:
        return msgspec.json.encode({"characters_left_out": len(text), "names": sorted(kept)}).decode()
    return text
