"""After a kill -9 every day that was being read is read again, also with a history; `make restart` takes the time."""

from __future__ import annotations

from pathlib import Path

from restart import restarted

ROWS = 20_000


def test_a_killed_server_is_followed_by_one_that_reads_again_what_it_was_reading(tmp_path: Path) -> None:
    found = restarted(tmp_path, ROWS)
    assert found.rows > ROWS
    assert found.left >= 4
    assert len(found.read_again) == found.left
    assert 0 < found.serving < max(found.read_again)
