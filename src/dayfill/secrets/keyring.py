"""The keyring: its keys seal credentials, each for the one place that it belongs to; its pepper makes fingerprints."""

from __future__ import annotations

import hashlib
import json
import secrets as entropy
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dayfill.domain.secret import Secret
from dayfill.errors import Busy, SealBroken, SetupError
from dayfill.secrets import files

VERSION = 1
KEY_BYTES = 32
LAST_NUMBER = 2**32 - 1
_NONCE_BYTES = 12
_HEADER_BYTES = 1 + 4
"""Version (1 byte) and key number (4 bytes, big-endian) stand before the nonce, in the clear but authenticated."""


@dataclass(frozen=True, slots=True, repr=False)
class Document:
    """What a keyring holds. keys: AES-256, by number from 1; the greatest is the newest. pepper: 32 bytes."""

    keys: Mapping[int, bytes]
    pepper: bytes

    @classmethod
    def fresh(cls) -> Document:
        """One random key and a random pepper."""
        return cls({1: entropy.token_bytes(KEY_BYTES)}, entropy.token_bytes(KEY_BYTES))

    @classmethod
    def parse(cls, text: str, where: str) -> Document:
        """The document as `text` writes it.

        Raises:
            SetupError: it is not a keyring; the message names ``where`` and shows nothing of it.
        """
        try:
            held = json.loads(text)
            keys = {int(number): b64decode(key, validate=True) for number, key in held["keys"].items()}
            pepper = b64decode(held["pepper"], validate=True)
            sizes = {len(one) for one in (*keys.values(), pepper)}
            if not keys or sizes != {KEY_BYTES} or not 1 <= min(keys) <= max(keys) <= LAST_NUMBER:
                raise ValueError
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise SetupError(f"{where} is not a keyring: restore it from its backup.") from None
        return cls(keys, pepper)

    def text(self) -> str:
        """JSON; the one form in which keys leave the process."""
        keys = {str(number): b64encode(key).decode() for number, key in sorted(self.keys.items())}
        document = {"version": VERSION, "keys": keys, "pepper": b64encode(self.pepper).decode()}
        return json.dumps(document, indent=2) + "\n"

    @property
    def newest(self) -> int:
        return max(self.keys)

    def with_new_key(self) -> Document:
        """A further key, which is the newest from then on."""
        return replace(self, keys={**self.keys, self.newest + 1: entropy.token_bytes(KEY_BYTES)})

    def without(self, number: int) -> Document:
        return replace(self, keys={one: key for one, key in self.keys.items() if one != number})


class Keyring:
    """The keys of one installation: the newest seals, every one opens.

    Args:
        keys: as in `Document`. pepper: as in `Document`.
        again: reads the keys anew, where they may change while this process runs; what it once knew it still opens.
    """

    def __init__(
        self, keys: Mapping[int, bytes], pepper: bytes, again: Callable[[], Mapping[int, bytes]] | None = None
    ) -> None:
        self._ciphers = {number: AESGCM(key) for number, key in keys.items()}
        self._newest = max(keys)
        self._pepper = pepper
        self._again = again

    @classmethod
    def from_text(cls, text: str, where: str) -> Keyring:
        """A keyring that came as a text.

        Raises:
            SetupError: it is not a keyring.
        """
        document = Document.parse(text, where)
        return cls(document.keys, document.pepper)

    @classmethod
    def from_file(cls, path: Path) -> Keyring:
        """A keyring in a file, which another process may change at any time.

        Raises:
            SetupError: it is not there, others may read it, or it is not a keyring.
        """
        document = read_document(path)
        return cls(document.keys, document.pepper, lambda: read_document(path).keys)

    @classmethod
    def of_new_file(cls, path: Path) -> Keyring:
        """As `from_file`; at a first start the file is made, with one key."""
        if not path.exists():
            make_keyring(path)
        return cls.from_file(path)

    @classmethod
    def for_transport(cls, token: str | None = None) -> Keyring:
        """One key whose number no stored key has: that of a cluster's token, else one that lives as this process."""
        if token is None:
            return cls({0: entropy.token_bytes(KEY_BYTES)}, b"")
        # One hash is enough, because the token is random and long; the purpose keeps its other uses apart.
        key = hashlib.blake2b(token.encode(), digest_size=KEY_BYTES, person=b"dayfill jobs").digest()
        return cls({0: key}, b"")

    def newest(self) -> int:
        """The number of the key that seals.

        Raises:
            SetupError: the keys may have changed and cannot be read.
        """
        self._reread()
        return self._newest

    def numbers(self) -> set[int]:
        """The numbers of all keys."""
        return set(self._ciphers)

    def seal(self, plain: bytes, purpose: str) -> bytes:
        """Encrypt for one place only; ``purpose`` is that place, ``team:table:id:column``.

        Raises:
            Busy: the keys may have changed and cannot be read, so what is sealed now might never open again.
        """
        try:
            self._reread()
        except SetupError:
            text = "The server's keyring cannot be read, so no secret can be stored: its operator must restore it."
            raise Busy(text, retry_after=60) from None
        header = bytes([VERSION]) + self._newest.to_bytes(4, "big")
        nonce = entropy.token_bytes(_NONCE_BYTES)
        return header + nonce + self._ciphers[self._newest].encrypt(nonce, plain, header + purpose.encode())

    def seal_secrets(self, secrets: Mapping[str, Secret], purpose: str) -> bytes | None:
        """Secrets by name as one sealed text, None if there are none; see `seal`."""
        plain = {name: secret.reveal() for name, secret in secrets.items()}
        return self.seal(msgspec.json.encode(plain), purpose) if plain else None

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """The inverse of `seal`.

        Raises:
            SealBroken: changed, cut, moved to another place, or sealed with a key that this keyring lacks.
        """
        header, nonce = sealed[:_HEADER_BYTES], sealed[_HEADER_BYTES : _HEADER_BYTES + _NONCE_BYTES]
        cipher = self._cipher(header)
        if cipher is None:
            raise SealBroken(f"The stored secret of {purpose} was sealed with a key that this keyring does not hold.")
        try:
            return cipher.decrypt(nonce, sealed[_HEADER_BYTES + _NONCE_BYTES :], header + purpose.encode())
        except (InvalidTag, ValueError):
            raise SealBroken(f"The stored secret of {purpose} does not open: it was changed or moved.") from None

    def fingerprint(self, secret: str | bytes) -> bytes:
        """What the state keeps of an API key's secret: 32 bytes that do not lead back to it.

        A keyed hash (BLAKE2b, RFC 7693) is enough, because the secret is 256 random bits and cannot be guessed; a
        slow password hash would cost every request its time.
        """
        plain = secret.encode() if isinstance(secret, str) else secret
        return hashlib.blake2b(plain, key=self._pepper, digest_size=32).digest()

    def _cipher(self, header: bytes) -> AESGCM | None:
        number = key_number(header)
        if number is not None and number not in self._ciphers:
            try:
                self._reread()
            except SetupError:
                return None
        return None if number is None else self._ciphers.get(number)

    def _reread(self) -> None:
        """Take up keys that were added since; one that was dropped opens what was read before."""
        if self._again is None:
            return
        keys = self._again()
        self._ciphers = self._ciphers | {n: AESGCM(key) for n, key in keys.items() if n not in self._ciphers}
        self._newest = max(keys)


def read_document(path: Path) -> Document:
    """The keyring in a file.

    Raises:
        SetupError: it is not there, others may read it, or it is not a keyring.
    """
    return Document.parse(files.read(path), str(path))


def write_document(path: Path, document: Document) -> None:
    """Change the keyring in a file; a crash leaves the old one or the new one.

    Raises:
        SetupError: it cannot be written.
    """
    files.replace(path, document.text())


def make_keyring(path: Path) -> None:
    """A new keyring in a new file; a file that is there stays.

    Raises:
        SetupError: it cannot be written.
    """
    files.make(path, Document.fresh().text())


def key_number(sealed: bytes) -> int | None:
    """The number of the key that sealed this; None if it is nothing that a keyring has sealed."""
    header = sealed[:_HEADER_BYTES]
    return int.from_bytes(header[1:], "big") if len(header) == _HEADER_BYTES and header[0] == VERSION else None


def secrets_in(plain: bytes) -> dict[str, Secret]:
    """Secrets by name, from what a keyring has opened; the inverse of `Keyring.seal_secrets`."""
    return {name: Secret(text) for name, text in msgspec.json.decode(plain, type=dict[str, str]).items()}
