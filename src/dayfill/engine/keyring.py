"""Verbs on the keyring: add a key, seal everything with it, drop a key that nothing needs, find what does not open.

A change of the keyring's file is made inside a write transaction of the state. So two of them never meet, and whoever
seals, which is done in such a transaction too, seals with a key that is in the file.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from dayfill.domain.audit import OPERATOR, Act
from dayfill.engine import audit
from dayfill.errors import Refused, SealBroken
from dayfill.secrets import Keyring, key_number, read_document, write_document
from dayfill.store import teams
from dayfill.store.db import Database, Reader, Tx
from dayfill.store.teams import SealedSecret

BATCH = 100
"""Secrets that are sealed anew in one transaction: a server beside it waits no longer than for any other change."""


@dataclass(slots=True)
class Resealed:
    """What became of the secrets that an older key had sealed. broken: why those that do not open were left alone."""

    count: int = 0
    broken: list[str] = field(default_factory=list)


def add_key(_tx: Tx, file: Path) -> int:
    """A further key in the file, which seals from now on; returns its number."""
    document = read_document(file).with_new_key()
    write_document(file, document)
    return document.newest


async def reseal(db: Database, keyring: Keyring, now: datetime) -> Resealed:
    """Seal with the newest key what older ones have sealed; broken off at any moment, it goes on when it is repeated.

    A server may be at work: what it has sealed anew meanwhile is left as it is.
    """
    done, newest = Resealed(), keyring.newest()
    older = [one for one in await teams.sealed_secrets(db) if key_number(one.sealed) != newest]
    for start in range(0, len(older), BATCH):
        async with db.write() as tx:
            before = done.count
            for one in older[start : start + BATCH]:
                try:
                    plain = keyring.open(one.sealed, one.sealed_for)
                except SealBroken as error:
                    done.broken.append(_sentence(one, error))
                else:
                    done.count += await teams.reseal(tx, one, keyring.seal(plain, one.sealed_for))
            act = Act("keyring.reseal", newest, after={"secrets": done.count - before})
            await audit.record(tx, OPERATOR, None, act, now)
    return done


async def drop_key(tx: Tx, file: Path, number: int) -> None:
    """Take a key out of the file.

    Raises:
        Refused: there is no such key, it is the newest, or something is sealed with it.
    """
    document = read_document(file)
    if number not in document.keys:
        raise Refused(f"The keyring holds no key {number}; choose from {', '.join(map(str, sorted(document.keys)))}.")
    if number == document.newest:
        raise Refused(f"Key {number} is the newest, which seals: rotate first.")
    if count := (await used_keys(tx))[number]:
        raise Refused(f"Key {number} has sealed {count} stored secrets: rotate first, which seals them anew.")
    write_document(file, document.without(number))


async def used_keys(db: Reader) -> Counter[int | None]:
    """How many stored secrets each key has sealed; None are those that no keyring has sealed."""
    return Counter(key_number(one.sealed) for one in await teams.sealed_secrets(db))


async def broken_seals(db: Reader, keyring: Keyring) -> list[str]:
    """A sentence for each stored secret that does not open."""
    found = []
    for one in await teams.sealed_secrets(db):
        try:
            keyring.open(one.sealed, one.sealed_for)
        except SealBroken as error:
            found.append(_sentence(one, error))
    return found


def _sentence(one: SealedSecret, error: SealBroken) -> str:
    return f"{one.name}: {error} Enter its credentials again, or restore the keyring that sealed them."
