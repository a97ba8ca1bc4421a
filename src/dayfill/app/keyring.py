"""Where the keyring of an installation is: in its data directory, in a file elsewhere, or in the environment."""

from __future__ import annotations

from pathlib import Path

from dayfill.domain.installation import KEYRING_FILE as KEYRING_FILE
from dayfill.errors import SetupError
from dayfill.secrets import Keyring
from dayfill.settings import Settings
from dayfill.store import teams
from dayfill.store.db import Reader

_VARIABLE = "DAYFILL_KEYRING"


def keyring_file(settings: Settings) -> Path | None:
    """The file that holds the keyring; None if the environment does."""
    if settings.keyring is not None:
        return None
    return settings.keyring_file or settings.data_dir / KEYRING_FILE


def read_keyring(settings: Settings) -> Keyring:
    """The keyring as it is; none is made.

    Raises:
        SetupError: it is not there, others can read it, or it is not a keyring.
    """
    file = keyring_file(settings)
    if file is None:
        return Keyring.from_text(settings.keyring or "", _VARIABLE)
    return Keyring.from_file(file)


async def keyring_of(settings: Settings, state: Reader) -> Keyring:
    """The keyring of this state, made at the first start: a state that needs an older one is not served without it.

    Raises:
        SetupError: see `read_keyring`; also if the file is gone while the state holds what it has sealed, or if another
            server has made the keyring of a state that several use.
    """
    file = keyring_file(settings)
    if file is None or file.exists():
        return read_keyring(settings)
    needed = await teams.needs_of_keyring(state)
    if needed.keys or needed.secrets:
        raise SetupError(
            f"The keyring {file} is not there, and the state holds {needed}, which nothing else opens: restore the "
            f"file from its backup, or name where it is with DAYFILL_KEYRING_FILE or {_VARIABLE}."
        )
    if settings.state is not None and await teams.installation_id(state) is not None:
        raise SetupError(
            f"The keyring {file} is not there, and another server has made that of this state: copy its file to that "
            f"place, or give every server the same with {_VARIABLE}."
        )
    return Keyring.of_new_file(file)
