"""The files by which an installation lives: no connector may open them."""

from __future__ import annotations

import os
from pathlib import Path

from dayfill.domain.installation import KEYRING_FILE, LOCK_FILE, SETTINGS_FILE, SPOOL, STATE_FILE

_BESIDE_STATE = (f"{STATE_FILE}-{end}" for end in ("wal", "shm", "journal"))
_NAMES = frozenset((STATE_FILE, *_BESIDE_STATE, KEYRING_FILE, SETTINGS_FILE, LOCK_FILE))
_guarded: set[str] = set()


def guard(path: Path) -> None:
    """This file is private too, whatever its name: a keyring may lie anywhere."""
    _guarded.add(os.path.realpath(path))


def is_private(path: Path) -> bool:
    """True for the files by which an installation lives, whatever link leads there.

    The keyring is secret. And the kernel drops a process's locks on a file when the process closes any descriptor of
    it: after one look at the state database the next program that opens it would take the server's commits away.
    """
    place = Path(os.path.realpath(path))
    if str(place) in _guarded:
        return True
    if place.parent.name.lower() == SPOOL:
        home = place.parent.parent
    elif place.name.lower() in _NAMES:
        home = place.parent
    else:
        return False
    # Such a name elsewhere is nobody's business: a data directory holds the keyring as well, or a server's lock.
    return any((home / name).is_file() for name in (KEYRING_FILE, LOCK_FILE))
