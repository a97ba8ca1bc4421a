"""What an attempt shows about its two ends, and which of them a slice would try out."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from dayfill.domain.run import Failure, Side
from dayfill.engine.parking import shown_to_work, trials
from dayfill.store import transfers
from installation import NOON
from rig import Rig

HOUR = timedelta(hours=1)
SOURCE, DESTINATION = (Side.SOURCE, 1), (Side.DESTINATION, 1)


@pytest.mark.parametrize(
    ("failure", "sides"),
    [
        (None, set(Side)),
        (Failure("DATA", "Wrong.", transient=False), set(Side)),
        (Failure("NETWORK", "Lost.", transient=True), set(Side)),
        (Failure("QUOTA", "No more.", transient=True, parks=Side.SOURCE), {Side.DESTINATION}),
        (Failure("DESTINATION", "Away.", transient=True, parks=Side.DESTINATION), set()),
    ],
)
def test_whoever_took_part_without_refusing_works(failure: Failure | None, sides: set[Side]) -> None:
    assert set(shown_to_work(failure)) == sides


@pytest.mark.parametrize(
    ("source", "destination", "tried"),
    [
        (None, None, []),
        (NOON, None, [SOURCE]),
        (None, NOON - HOUR, [DESTINATION]),
        (NOON, NOON, [SOURCE, DESTINATION]),
        (NOON + HOUR, None, None),
        (NOON, NOON + HOUR, None),
    ],
)
async def test_an_end_whose_rest_is_over_is_tried_out(
    rig: Rig, source: datetime | None, destination: datetime | None, tried: list[object] | None
) -> None:
    transfer = rig.transfer()
    for table, until in (("connections", source), ("destinations", destination)):
        if until:
            rig.installation.execute(f"UPDATE {table} SET parked_until = :until", until=int(until.timestamp() * 1e6))
    job = await transfers.job(rig.db, transfer)
    assert trials(job, NOON) == tried
    assert job.destination.check_first == (destination is not None)
