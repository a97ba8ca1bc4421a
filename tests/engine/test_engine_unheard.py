"""A commit whose answer is lost may have been made or not: the state is asked, and no attempt is spent on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from dayfill.errors import Busy
from dayfill.store.db import Tx
from rig import Rig, ago, last


class Unheard:
    """The first transaction after ``since`` in which a step is made loses its answer, before or after its commit."""

    def __init__(self, rig: Rig, step: str, since: str, *, after_commit: bool) -> None:
        self._real, self._step, self._since, self._after_commit = rig.db.write, step, since, after_commit
        self._seen: list[str] = []
        self.broken = 0
        rig.failpoint = self._seen.append

    def _break(self, *, is_committed: bool) -> None:
        is_made = self._seen[-1:] == [self._step] and self._since in self._seen
        if is_made and is_committed == self._after_commit and not self.broken:
            self.broken += 1
            raise Busy("The connection broke off.")

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        async with self._real() as tx:
            yield tx
            self._break(is_committed=False)
        self._break(is_committed=True)


@pytest.mark.parametrize("after_commit", [False, True])
@pytest.mark.parametrize(
    ("step", "since"), [("materialise", "materialise"), ("claim", "claim"), ("record", "claim"), ("rescue", "rescue")]
)
async def test_no_attempt_is_spent_on_an_answer_that_is_lost(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, step: str, since: str, after_commit: bool
) -> None:
    rig.single_days()
    transfer = rig.transfer(parallelism=2)
    unheard = Unheard(rig, step, since, after_commit=after_commit)
    monkeypatch.setattr(rig.db, "write", unheard.write)
    backfill = await rig.backfill(transfer, last(4))
    await rig.settle()
    assert unheard.broken == 1
    assert (await rig.get(backfill)).status == "COMPLETED"
    assert rig.runs(backfill) == {ago(n): ("COMPLETED", 1) for n in range(4)}
    assert rig.agrees(transfer) == sorted(last(4))
