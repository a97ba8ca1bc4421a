"""A turn of the dispatcher makes few trips to the state, each of which costs more in PostgreSQL than what it asks."""

from __future__ import annotations

import pytest

from dayfill.domain.run import Priority
from dayfill.engine.lanes import Lanes
from dayfill.store import parking
from dayfill.store.lanes import Lane
from rig import Rig, last


def test_behind_what_lets_some_go_as_many_are_tried_at_once_as_went_last() -> None:
    lanes = Lanes()
    lanes.compare([Lane(1, 1, transfer_id, 1, 1, 1, 1, 1, 1) for transfer_id in range(20)], Priority.BACKFILL)

    def tried(goes: int) -> int:
        """How many lanes a claim finds in line, in which so many go and the others are held up."""
        lanes.retry()
        found = len(lanes.upcoming(20))
        for others in reversed(range(goes)):
            lane = lanes.next()
            assert lane is not None
            lanes.serve(lane, others)
        for lane in lanes.upcoming(20):
            lanes.set_aside(lane, ("destination", 1))
        return found

    assert [tried(goes) for goes in (0, 4, 4, 0, 4)] == [20, 1, 4, 4, 1]


async def test_a_recording_wakes_nothing_where_nothing_rests(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[object] = []

    async def unpark(*given: object) -> None:
        woken.append(given)

    monkeypatch.setattr(parking, "unpark", unpark)
    backfill = await rig.backfill(rig.transfer(), last(9))
    await rig.settle()
    assert ((await rig.get(backfill)).status, woken) == ("COMPLETED", [])
