"""The wiring of a worker, in this process: what opens a job's credentials, and where large days wait."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest
from fleet import ago
from kinds import DESTINATION, ROWS, SOURCE

from dayfill.cluster import worker
from dayfill.domain.secret import Secret
from dayfill.domain.slices import DayOrder, DestinationJob, Outcome, Slice, SourceJob
from dayfill.domain.transfer import Table
from dayfill.engine.away import VERSION, pack, results
from dayfill.engine.transport import Transport
from dayfill.errors import SetupError
from dayfill.secrets import Keyring

TOKEN, SEALED_FOR = "t" * 64, "1:connections:2:sealed"


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kinds: None) -> Iterator[Path]:
    """The temporary folder of a node that has the cluster's token, before a worker's first slice."""
    held = ExitStack()
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(worker, "_OPEN", held)
    worker._load.cache_clear()
    yield tmp_path
    held.close()
    worker._load.cache_clear()


def packed(folder: Path, run_id: int, token: str) -> tuple[Slice, bytes]:
    """A job of one day, whose credentials are sealed with the key of this cluster."""
    state = Keyring({1: b"a" * 32}, b"p" * 32)
    sealed = state.seal_secrets({"password": Secret("open sesame")}, SEALED_FOR)
    settings = {"trace": str(folder / "trace"), "password": "open sesame"}
    source = SourceJob(SOURCE, settings, sealed=sealed, sealed_for=SEALED_FOR)
    shelf = DestinationJob(DESTINATION, {"path": str(folder / "shelf.sqlite")})
    job = Slice("here", 1, 7, source, (Table("visits"),), shelf, (DayOrder(ago(run_id), run_id, run_id),), 60)
    return job, pack(Transport(state.open, token).packed(job))


def test_slices_are_loaded_with_the_credentials_that_the_clusters_token_opens(node: Path) -> None:
    for run_id in (1, 2):
        job, sent = packed(node, run_id, TOKEN)
        (done,) = results(worker.load(sent), job)
        assert (done.outcome, done.rows, done.data_date) == (Outcome.LOADED, ROWS, ago(run_id))
    told = [msgspec.json.decode(line) for line in (node / "trace").read_text().splitlines()]
    assert [one["knows"] for one in told] == [{"password": True}] * 2
    job, sent = packed(node, 3, "u" * 64)
    (failed,) = results(worker.load(sent), job)
    assert failed.failure is not None and failed.failure.cause == "AUTH"


def test_a_worker_has_one_private_folder_for_large_days_until_it_ends(node: Path) -> None:
    for run_id in (1, 2):
        worker.load(packed(node, run_id, TOKEN)[1])
    spool = node / f"dayfill-{os.getuid()}"
    (own,) = spool.iterdir()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (spool, own)] == [0o700, 0o700]
    worker._OPEN.close()
    assert list(spool.iterdir()) == []


def test_a_folder_that_others_may_read_or_own_is_not_used(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent, spool = packed(node, 1, TOKEN)[1], node / f"dayfill-{os.getuid()}"
    spool.mkdir(mode=0o750)
    with pytest.raises(SetupError, match="others may read it"):
        worker.load(sent)
    other = os.getuid() + 1
    theirs = node / f"dayfill-{other}"
    theirs.mkdir(mode=0o700)
    monkeypatch.setattr(os, "getuid", lambda: other)
    with pytest.raises(SetupError, match=f"dayfill-{other} belongs to somebody else"):
        worker.load(sent)
    assert list(theirs.iterdir()) == [] and not (node / "trace").exists()


def test_a_node_without_the_token_says_what_to_do(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_AUTH_TOKEN")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(node / "nothing"))
    with pytest.raises(SetupError, match="give it to every node"):
        worker.load(packed(node, 1, TOKEN)[1])


def test_a_node_is_prepared_for_a_server_of_its_own_version_on_a_cluster_that_asks_for_a_token(
    node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.prepare(VERSION)
    assert len(list((node / f"dayfill-{os.getuid()}").iterdir())) == 1, "where large days wait"
    with pytest.raises(SetupError, match=r"the server 0\.0\.9/1: install the same"):
        worker.prepare("0.0.9/1")
    monkeypatch.delenv("RAY_AUTH_MODE")
    with pytest.raises(SetupError, match="RAY_AUTH_MODE=token"):
        worker.prepare(VERSION)
