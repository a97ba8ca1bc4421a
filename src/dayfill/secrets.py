"""Sealing of credentials and fingerprints of API keys, with keys from one file in the data directory."""

from __future__ import annotations

import hashlib
import json
import os
import secrets as entropy
import stat
from base64 import b64decode, b64encode
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dayfill.errors import SealBroken, SetupError

VERSION = 1
KEY_BYTES = 32
_NONCE_BYTES = 12
_HEADER_BYTES = 1 + 4
"""Version (1 byte) and key id (4 bytes, big-endian) stand before the nonce, in the clear but authenticated."""

_KEYRING = "keyring"
_PRIVATE = frozenset(
    (_KEYRING, "serve.lock", "state.sqlite", *(f"state.sqlite-{end}" for end in ("wal", "shm", "journal")))
)


def is_private(path: Path) -> bool:
    """True for the files by which an installation lives, whatever link leads there: no connector may open them.

    The keyring is secret. And the kernel drops a process's locks on a file when the process closes any descriptor of
    it: after one look at the state database the next program that opens it would take the server's commits away.
    """
    place = Path(os.path.realpath(path))
    return place.name.lower() in _PRIVATE and place.with_name(_KEYRING).exists()


class Keyring:
    """The keys of one installation: the newest seals, every one opens; the pepper makes fingerprints.

    Args:
        keys: AES-256 keys by their number, the greatest number is the newest.
        pepper: 32 random bytes.
    """

    def __init__(self, keys: Mapping[int, bytes], pepper: bytes) -> None:
        self._ciphers = {number: AESGCM(key) for number, key in keys.items()}
        self._newest = max(keys)
        self._pepper = pepper

    @classmethod
    def from_file(cls, path: Path) -> Keyring:
        """Read the keyring, or create it with one key at first start (mode 0600).

        Raises:
            SetupError: others may read the file, or it is not a keyring.
        """
        if not path.exists():
            _create(path)
        _refuse_shared(path)
        try:
            held = json.loads(path.read_text("ascii"))
            keys = {int(number): b64decode(key, validate=True) for number, key in held["keys"].items()}
            return cls(keys, b64decode(held["pepper"], validate=True))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise SetupError(f"{path} is not a keyring: restore it from the backup of this data directory.") from None

    def seal(self, plain: bytes, purpose: str) -> bytes:
        """Encrypt for one place only; ``purpose`` is that place, ``team:table:id:column``."""
        header = bytes([VERSION]) + self._newest.to_bytes(4, "big")
        nonce = entropy.token_bytes(_NONCE_BYTES)
        return header + nonce + self._ciphers[self._newest].encrypt(nonce, plain, header + purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """The inverse of `seal`.

        Raises:
            SealBroken: changed, cut, moved to another place, or sealed with a key that this keyring lacks.
        """
        header, nonce = sealed[:_HEADER_BYTES], sealed[_HEADER_BYTES : _HEADER_BYTES + _NONCE_BYTES]
        cipher = self._ciphers.get(int.from_bytes(header[1:], "big"))
        if cipher is None or header[:1] != bytes([VERSION]):
            raise SealBroken(f"The stored secret of {purpose} was sealed with a key that this keyring does not hold.")
        try:
            return cipher.decrypt(nonce, sealed[_HEADER_BYTES + _NONCE_BYTES :], header + purpose.encode())
        except (InvalidTag, ValueError):
            raise SealBroken(f"The stored secret of {purpose} does not open: it was changed or moved.") from None

    def fingerprint(self, secret: str) -> bytes:
        """What the state keeps of an API key's secret: 32 bytes that do not lead back to it.

        A keyed hash (BLAKE2b, RFC 7693) is enough, because the secret is 256 random bits and cannot be guessed; a
        slow password hash would cost every request its time.
        """
        return hashlib.blake2b(secret.encode(), key=self._pepper, digest_size=32).digest()


def _create(path: Path) -> None:
    text = json.dumps({"version": VERSION, "keys": {"1": _random_text()}, "pepper": _random_text()}, indent=2)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{entropy.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # never replaces a keyring that another process has just made
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    _make_durable(path.parent)


def _make_durable(folder: Path) -> None:
    """The keyring's directory entry must survive a power cut: without it nothing sealed opens again."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_shared(path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise SetupError(f"{path} may be read by others (mode {mode:04o}): run chmod 600 {path} and start again.")


def _random_text() -> str:
    return b64encode(entropy.token_bytes(KEY_BYTES)).decode()
