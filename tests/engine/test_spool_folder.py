"""The folder of the spool: swept of what the dead left there, never of what the living need or what is not ours."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dayfill.engine.spool_folder import left, own_folder, swept
from dayfill.errors import SetupError

BESIDE = """
import sys
from pathlib import Path
from dayfill.engine.spool_folder import own_folder

with own_folder(Path(sys.argv[1])) as own:
    (own / "2024-06-14-0.arrow").write_bytes(b"a large day")
    print(own, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def beside(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process with a folder of its own and a file in it."""
    command = [sys.executable, "-c", BESIDE, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_the_folder_is_private_and_empty_after_a_sweep(folder: Path) -> None:
    assert swept(folder) == folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (folder / "team1-run2-token3-0.arrow").touch()
    assert list(swept(folder).iterdir()) == []


def test_what_is_not_ours_stays_and_stops_no_start(folder: Path) -> None:
    folder.mkdir()
    for name in ("a backup", "somebody's.duckdb", "beside-us"):
        (folder / name).mkdir()
    (folder / "beside-us" / "notes").touch()
    (folder / "beside-what").touch()
    before = set(folder.rglob("*"))
    assert left(folder) == []
    assert set(swept(folder).rglob("*")) == before


def test_a_folder_of_its_own_is_private_and_ends_with_its_block(folder: Path) -> None:
    with own_folder(folder) as own:
        assert own.parent == folder
        assert (stat.S_IMODE(folder.stat().st_mode), stat.S_IMODE(own.stat().st_mode)) == (0o700, 0o700)
        (own / "2024-06-14-0.arrow").touch()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("by", ["a start", "a command"])
def test_a_killed_command_leaves_its_files_to_the_next_sweep(
    folder: Path, beside: subprocess.Popen[str], by: str
) -> None:
    def sweep() -> None:
        if by == "a start":
            swept(folder)
        else:
            with own_folder(folder):
                pass

    assert beside.stdout is not None
    (file,) = Path(beside.stdout.readline().strip()).iterdir()
    sweep()
    assert (left(folder), file.exists()) == ([], True), "it is at work"
    beside.kill()
    beside.wait()
    assert left(folder) == [file]
    sweep()
    assert list(folder.iterdir()) == []


def test_a_new_folder_that_somebody_swept_before_it_was_held_is_made_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, gone = fcntl.flock, []

    def flock(number: int, operation: int) -> None:
        if not gone:
            gone.extend(folder.iterdir())
            os.rmdir(gone[0])
        real(number, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    with own_folder(folder) as own:
        assert own.is_dir() and [own] != gone


def test_a_new_folder_that_is_gone_before_it_is_opened_is_made_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, gone = os.open, []

    def opened(path: str, *flags: int, **more: int) -> int:
        if not gone and "beside-" in str(path):
            gone.append(path)
            os.rmdir(path)
        return real(path, *flags, **more)

    monkeypatch.setattr(os, "open", opened)
    with own_folder(folder) as own:
        assert own.is_dir() and [str(own)] != gone


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "spool").touch()
    for use in (swept, lambda folder: own_folder(folder).__enter__()):
        with pytest.raises(SetupError, match="spool cannot be made or emptied: File exists"):
            use(tmp_path / "spool")
