"""A short storm over servers on one PostgreSQL, which restarts in the middle; nothing is lost, doubled or stale."""

from __future__ import annotations

import time
from pathlib import Path
from random import SystemRandom

import pytest
from shared_arena import in_shared_weather

from storm import Storm, report

FAULTS = 10
DONE = ("kills", "stops", "restarts", "creates")
"""What must have happened, or the storm was none."""


@pytest.mark.timeout(400)
def test_a_storm_over_several_servers_loses_doubles_and_outdates_nothing(tmp_path: Path) -> None:
    seed = SystemRandom().randrange(10**9)
    storm = Storm(tmp_path, seed, FAULTS, place=in_shared_weather)
    total = storm.rage(arenas=1)
    said = report(total, seed, time.monotonic() - storm.began)
    assert total.findings.wrong == [], said
    assert total.faults >= FAULTS and total.counts["leaders"] > 1, said
    assert [what for what in DONE if not total.counts[what]] == [], said
