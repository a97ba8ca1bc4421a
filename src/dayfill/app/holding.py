"""The data directory: made, held by one server at a time, its files private."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dayfill.domain.installation import LOCK_FILE as LOCK_FILE
from dayfill.errors import SetupError


def made(directory: Path) -> Path:
    """The data directory, made if it is new.

    Raises:
        SetupError: it cannot be made.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SetupError(f"The data directory {directory} cannot be made: {error.strerror}.") from None
    return directory


@contextmanager
def only_server(directory: Path) -> Iterator[None]:
    """Hold the data directory for this server; the kernel lets go when the process dies, however it dies.

    Raises:
        SetupError: another server holds it.
    """
    with (directory / LOCK_FILE).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise SetupError(
                f"Another dayfill server (process {holder}) works on {directory}: stop it, or choose another data "
                "directory with --data-dir."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


_ONE_AT_A_TIME = threading.Lock()
"""The mask is the process's: of two threads the first to end would take it from the other."""


@contextmanager
def private_files() -> Iterator[None]:
    """Files made in here can be read by their owner alone. Not to be held across an await."""
    with _ONE_AT_A_TIME:
        before = os.umask(0o077)
        try:
            yield
        finally:
            os.umask(before)
