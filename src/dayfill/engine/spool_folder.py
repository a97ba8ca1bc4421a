"""The folder of the spool: the server's files, and in a folder of its own those of each command beside the server.

What a process left there that was killed is told from what another one needs by a lock, which the kernel drops.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from dayfill.errors import SetupError

_OWN = "beside-"
"""How the names of folders of such commands begin."""


def swept(folder: Path) -> Path:
    """The folder, private and without spool files: those belong to processes that are gone.

    Raises:
        SetupError: it cannot be made or emptied.
    """
    with _usable(folder):
        folder.mkdir(mode=0o700, exist_ok=True)
        for path in folder.glob("*.arrow"):  # nothing else is ours: a backup or a warehouse may have been put here
            path.unlink()
        _sweep_own_folders(folder)
    return folder


def left(folder: Path) -> list[Path]:
    """The spool files that nobody needs, while no server is at work: of a server or a command that was killed."""
    files = list(folder.glob("*.arrow"))
    for own in _own_folders(folder):
        with _held(own) as is_ours:
            files += own.glob("*.arrow") if is_ours else ()
    return files


@contextmanager
def own_folder(folder: Path) -> Iterator[Path]:
    """A private folder in the spool, of a command that works beside the server; it is gone when the block ends.

    What such commands left when they were killed is swept first.

    Raises:
        SetupError: it cannot be made, or what was left cannot be deleted.
    """
    with ExitStack() as stack:
        with _usable(folder):
            folder.mkdir(mode=0o700, exist_ok=True)
            _sweep_own_folders(folder)
            own = None
            while own is None:  # somebody who swept was faster
                own = stack.enter_context(_new_folder(folder))
        yield own


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path | None]:
    with TemporaryDirectory(prefix=_OWN, dir=folder, ignore_cleanup_errors=True) as made, _held(made) as is_ours:
        yield Path(made) if is_ours and os.path.exists(made) else None


@contextmanager
def _usable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SetupError(f"The folder {folder} cannot be made or emptied: {error.strerror}.") from None


def _sweep_own_folders(folder: Path) -> None:
    for own in _own_folders(folder):
        with _held(own) as is_ours:
            if is_ours:
                for path in own.glob("*.arrow"):
                    path.unlink()
                with suppress(OSError):  # what is not ours is in it
                    own.rmdir()


def _own_folders(folder: Path) -> list[Path]:
    return [path for path in folder.glob(f"{_OWN}*") if path.is_dir()]


@contextmanager
def _held(folder: Path | str) -> Iterator[bool]:
    """Hold a folder for as long as the block lasts or this process lives; False if another one holds it."""
    try:
        number = os.open(folder, os.O_RDONLY)
    except OSError:  # gone, or of somebody else
        yield False
        return
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_ours = True
        except BlockingIOError:
            is_ours = False
        yield is_ours
    finally:
        os.close(number)
