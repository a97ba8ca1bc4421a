"""The file that holds a keyring: its owner's alone, never half written, never lost to a power cut."""

from __future__ import annotations

import os
import secrets as entropy
import stat
from pathlib import Path

from dayfill.errors import SetupError
from dayfill.secrets.private import guard

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read(path: Path) -> str:
    """The file's text; from now on no connector may open it.

    Raises:
        SetupError: it is not there, or others may read it.
    """
    guard(path)
    refuse_shared(path)
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        return ""  # no keyring, which is for its reader to say
    except OSError as error:
        raise _unusable(path, error) from None


def refuse_shared(path: Path) -> None:
    """Raises:
    SetupError: the file is not there, or others than its owner can reach it.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        raise _unusable(path, error) from None
    if mode & _OTHERS:
        raise SetupError(f"{path} may be read by others (mode {mode:04o}): run chmod 600 {path} and start again.")


def make(path: Path, text: str) -> None:
    """Write a new file, never in place of another: if somebody else has just made it, theirs stays.

    Raises:
        SetupError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = _draft(path, text)
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        _make_durable(path.parent)
    except OSError as error:
        raise _unusable(path, error) from None


def replace(path: Path, text: str) -> None:
    """Write the file anew; at every moment, power cut or not, it holds the old text or the new one.

    Raises:
        SetupError: it cannot be written.
    """
    try:
        place = Path(os.path.realpath(path))  # a link to it stays a link
        owner, draft = place.stat(), _draft(place, text)
        os.chown(draft, owner.st_uid, owner.st_gid)  # the operator may be another user than the server
        draft.replace(place)
        _make_durable(place.parent)
    except OSError as error:
        raise _unusable(path, error) from None


def _draft(path: Path, text: str) -> Path:
    draft = path.with_name(f"{path.name}.{entropy.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        draft.unlink()
        raise
    return draft


def _make_durable(folder: Path) -> None:
    """The keyring's directory entry must survive a power cut: without it nothing sealed opens again."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unusable(path: Path, error: OSError) -> SetupError:
    return SetupError(f"The keyring {path} cannot be used: {error.strerror}.")
