"""No secret is seen anywhere, in answers, log, metrics, state, spool or jobs, whatever fails and repeats it."""

from __future__ import annotations

from pathlib import Path

import pytest
from canary import Exposure
from leaky import WAYS, installed

from dayfill.cli import logs
from dayfill.engine import destinations, load_slice
from dayfill.engine.transport import Transport

HAPPENED = ("executor_failed", "look_failed", "load_failed", "destination_test_failed", "request failed")


def exposed(folder: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Exposure:
    installed(patch)
    found = Exposure(folder)
    found.run(patch)
    written = capsys.readouterr()
    found.seen |= {"stdout": written.out.encode(), "stderr": written.err.encode()}
    return found


def test_no_secret_is_seen_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = exposed(tmp_path, monkeypatch, capsys)
    log = found.seen["stderr"].decode()
    assert found.sightings() == []
    assert [event for event in HAPPENED if f"event={event}" not in log and f'event="{event}"' not in log] == []
    assert log.count("Traceback") > 3
    assert len(found.jobs) >= 2 * len(WAYS)
    assert any(path.endswith("state.sqlite-wal") for path in map(str, (tmp_path / "running").iterdir()))
    assert sum(b"***" in content for content in found.seen.values()) > len(WAYS)


def test_leaks_are_found_where_they_are_planted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All that hides secrets is taken out."""
    monkeypatch.setattr(logs, "scrubbed", lambda text: text)
    monkeypatch.setattr(load_slice, "safe", lambda text, longest: text)
    monkeypatch.setattr(destinations, "safe", lambda text, longest: text)
    # A job that carries what it needs in the clear, and a worker that takes it so.
    monkeypatch.setattr(Transport, "_resealed", lambda self, sealed, sealed_for: self._unseal(sealed, sealed_for))
    monkeypatch.setattr(Transport, "unseal", property(lambda self: lambda sealed, sealed_for: sealed))
    sightings = exposed(tmp_path, monkeypatch, capsys).sightings()
    for place in (
        "stderr",
        "/teams/1/backfills",
        "test-connection",
        "job",
        "data/state.sqlite",
        "running/state.sqlite",
    ):
        assert any(place in sighting for sighting in sightings), place
