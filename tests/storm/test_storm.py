"""A minute of storm: real servers killed, stopped and paused while people work, and nothing lost, doubled or stale."""

from __future__ import annotations

import time
from pathlib import Path
from random import SystemRandom

import pytest

from storm import Storm, report

FAULTS = 300
DONE = ("kills", "kills under way", "stops", "pauses", "overtaken", "refused", "creates", "repeated", "weighed")
"""What must have happened, or the storm was none."""


@pytest.mark.timeout(400)
def test_a_storm_loses_doubles_and_outdates_nothing(tmp_path: Path) -> None:
    seed = SystemRandom().randrange(10**9)
    storm = Storm(tmp_path, seed, FAULTS)
    total = storm.rage()
    said = report(total, seed, time.monotonic() - storm.began)
    assert total.findings.wrong == [], said
    assert total.faults >= FAULTS, said
    assert [what for what in DONE if not total.counts[what]] == [], said
