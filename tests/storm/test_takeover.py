"""A server that stands still is followed by another and harms nothing when it wakes up; see `takeover.py` for times."""

from __future__ import annotations

from pathlib import Path

from servers import Template
from takeover import taken_over


def test_another_reads_while_the_server_that_dispatched_stands_still(tmp_path: Path, template: Template) -> None:
    found = taken_over(tmp_path / "arena", template, kills=0, stops=1, silent=1.0)
    assert len(found.stopped) == 1 and found.stopped[0] > 0
    assert found.tally.findings.wrong == []
    assert found.tally.findings.days > 0
