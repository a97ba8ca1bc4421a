"""The worker: the wiring of a process that loads slices for a server elsewhere, and knows nothing but their jobs.

It has no state, no keyring and no settings of the installation; what opens the credentials of a job is made from the
cluster's token, which every node has anyway.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path

from dayfill.domain.slices import DayResult, Slice
from dayfill.engine.away import answered, refuse_other
from dayfill.engine.brakes import Brakes
from dayfill.engine.load_slice import load_slice
from dayfill.engine.spool_folder import own_folder
from dayfill.errors import SetupError
from dayfill.seams import system_seams
from dayfill.secrets import Keyring
from dayfill.settings import read_worker_settings

_OPEN = ExitStack()
"""What this process holds until it ends."""


def load(packed: bytes) -> bytes:
    """Load a packed slice; called once for each, one at a time.

    Raises:
        SetupError: this machine is not set up for it, or for another dayfill.
    """
    return answered(packed, _load())


def prepare(version: str) -> None:
    """Get ready for slices of a server with this version.

    Raises:
        SetupError: as `load`, or the cluster does not ask for its token.
    """
    refuse_other(version)
    settings = read_worker_settings()
    if not settings.is_guarded:
        raise SetupError(
            "A node does not ask for a token. Start every node with RAY_AUTH_MODE=token and the server's token."
        )
    _load()


@cache
def _load() -> Callable[[Slice], list[DayResult]]:
    settings = read_worker_settings()
    return partial(
        load_slice,
        seams=system_seams(settings.faults),
        unseal=Keyring.for_transport(settings.cluster_token).open,
        spool=_OPEN.enter_context(own_folder(_spool())),
        brakes=Brakes(),
    )


def _spool() -> Path:
    """The folder of all workers of this user on this machine."""
    folder = Path(tempfile.gettempdir()) / f"dayfill-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise SetupError(f"{folder} belongs to somebody else, or others may read it: remove it, or set TMPDIR.")
    return folder
