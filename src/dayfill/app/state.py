"""The installation of the settings, its state database open: a file in the data directory, or PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from dayfill.app.holding import made, private_files
from dayfill.app.keyring import keyring_of
from dayfill.app.patience import patiently
from dayfill.domain.installation import STATE_FILE
from dayfill.engine.teams import ensure_installation
from dayfill.errors import SetupError
from dayfill.seams import Seams, no_failpoint, system_seams
from dayfill.secrets import Keyring, refuse_shared
from dayfill.settings import Settings
from dayfill.store import teams
from dayfill.store.db import Database, Reader
from dayfill.store.migrations import migrate_sqlite
from dayfill.store.snapshot import snapshot
from dayfill.store.sqlite import SqliteDatabase


@dataclass(frozen=True, slots=True)
class State:
    """An installation whose state database is open."""

    db: Database
    seams: Seams
    keyring: Keyring
    installation_id: str
    data_dir: Path


@asynccontextmanager
async def open_state(settings: Settings, seams: Seams | None = None, *, patience: float = 0.0) -> AsyncIterator[State]:
    """The installation, made if it is new, its schema brought up to date.

    Args:
        patience: seconds in which it is tried again while the database is busy.

    Raises:
        SetupError: the directory, a file in it, or the database cannot be used.
        Busy: the database restarts, or another server holds it up.
    """
    seams = seams or system_seams(settings.faults)
    directory = made(settings.data_dir)
    db = await patiently(lambda: _database(settings, seams), patience)
    try:
        keyring, installation_id = await patiently(lambda: _begun(db, settings, seams), patience)
        yield State(db, seams, keyring, installation_id, directory)
    finally:
        await db.close()


async def _begun(db: Database, settings: Settings, seams: Seams) -> tuple[Keyring, str]:
    """Servers that start at once on a new database take turns here, so that only the first one makes a keyring."""
    async with db.write() as tx:
        await _refuse_to_begin_beside_a_file(settings, tx)
        return await keyring_of(settings, tx), await ensure_installation(tx, seams)


async def _refuse_to_begin_beside_a_file(settings: Settings, state: Reader) -> None:
    """An installation moves into PostgreSQL by a copy: a new one in its place would know none of its keys and days."""
    file = settings.data_dir / STATE_FILE
    if settings.state is not None and file.exists() and await teams.installation_id(state) is None:
        raise SetupError(
            f"The state database is empty, and {file} holds an installation: take that there with "
            "`dayfill state copy --to postgresql://...`, or move the file away to begin a new one."
        )


@asynccontextmanager
async def snapshot_of(settings: Settings) -> AsyncIterator[Reader]:
    """The state of the settings as it is now, for as long as the block lasts; nothing is changed, not even its schema.

    Raises:
        SetupError: it cannot be reached or read, or belongs to another version of dayfill.
    """
    if settings.state is not None:
        from dayfill.store.postgresql.snapshot import snapshot as postgresql_snapshot

        async with postgresql_snapshot(settings.state) as state:
            yield state
    else:
        with snapshot(settings.data_dir / STATE_FILE) as state:
            yield state


async def moved(settings: Settings, target: Settings) -> dict[str, int]:
    """Copy a state in a file into PostgreSQL; rows by table. No server may run.

    Raises:
        SetupError: the target is not empty, or cannot be used, or what has arrived there is not what was here.
    """
    from dayfill.store.postgresql.connecting import first_connection
    from dayfill.store.postgresql.migrating import migrate
    from dayfill.store.postgresql.moving import move

    assert target.state is not None
    migrate_sqlite(settings.data_dir / STATE_FILE)
    connection = await first_connection(target.state)
    try:
        await migrate(connection, no_failpoint)
        return await move(settings.data_dir / STATE_FILE, connection)
    finally:
        await connection.close(timeout=5)


async def _database(settings: Settings, seams: Seams) -> Database:
    if settings.state is not None:
        # Only here: who keeps the state in a file does not wait for the import.
        from dayfill.store.postgresql import PostgresDatabase

        return await PostgresDatabase.open(settings.state, seams)
    path = settings.data_dir / STATE_FILE
    if path.exists():
        refuse_shared(path)
    with private_files():
        migrate_sqlite(path, seams.failpoint)
        return SqliteDatabase(path)
