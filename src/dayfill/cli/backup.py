"""``dayfill backup``: a copy of an installation that can be served."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from dayfill.app import STATE_FILE
from dayfill.app.keyring import KEYRING_FILE, keyring_file, read_keyring
from dayfill.cli.exits import CommandError, Exit
from dayfill.cli.installation import existing
from dayfill.cli.options import LOCAL_DEFAULTS, LocalOptions
from dayfill.domain.installation import SETTINGS_FILE
from dayfill.errors import SealBroken, SetupError
from dayfill.secrets import Keyring
from dayfill.store import invariants, teams
from dayfill.store.snapshot import copy, snapshot


async def backup(
    path: Path,
    /,
    *,
    keyring: Annotated[bool, Parameter(show_default=False)] = True,
    options: LocalOptions = LOCAL_DEFAULTS,
) -> int:
    """Copy state, keyring and settings into a new directory, while the server runs or not, and check the copy.

    The copy is the state of one moment and a data directory that can be served. It opens every stored credential: keep
    it as private as the original, or leave the keyring out and keep that apart. Warehouses are not part of it.

    To restore it: stop the server, move its data directory away, copy the backup to that place, start the server. Days
    that were loaded after the backup are not known to it and are loaded again; none is locked out.

    Exit code: 0 the copy is whole, 1 it is whole but its state breaks a rule (see `dayfill doctor`), 2 there is none.

    For example:

        dayfill backup /backups/dayfill-monday --data-dir /srv/dayfill
        dayfill backup /backups/dayfill-monday --no-keyring

    Args:
        path: The directory to make; it must not exist.
        keyring: Copy the keyring too; one that lies outside the data directory is never copied.
    """
    settings, target = options.settings(), _new(path)
    if settings.state is not None:
        raise CommandError(
            "The state is in PostgreSQL, whose own tools copy it while servers run.",
            Exit.SETUP,
            hint="pg_dump --format=custom --file=dayfill.dump DATABASE, and keep a copy of the keyring beside it.",
        )
    directory = existing(settings)
    if keyring_file(settings) != directory / KEYRING_FILE:
        keyring = False
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        draft.mkdir(mode=0o700)
        # The keyring last: a key that was added meanwhile is in it, and what the state needs of it is checked.
        copy(directory / STATE_FILE, draft / STATE_FILE)
        _copy_files(directory, draft, [SETTINGS_FILE, KEYRING_FILE] if keyring else [SETTINGS_FILE])
        opener = Keyring.from_file(draft / KEYRING_FILE) if keyring else read_keyring(settings)
        violations = await _checked(draft, opener)
        draft.rename(target)
        os.sync()  # only what is on the disk is a backup
    except OSError as error:
        raise SetupError(f"The backup {target} cannot be written: {error.strerror}.") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    printer = options.printer()
    printer.one({"path": str(target), "bytes": (target / STATE_FILE).stat().st_size, "violations": violations})
    printer.note(f"To restore it, stop the server: mv {directory} {directory}.old && cp -a {target} {directory}")
    if not keyring:
        printer.note("The keyring is not in it, and nothing else opens it: keep a copy of that in another place.")
    if violations:
        printer.always("The copy is whole, but its state breaks rules: run dayfill doctor on the original.")
    return Exit.ERROR if violations else Exit.OK


def _new(path: Path) -> Path:
    target = path.expanduser().absolute()
    if target.exists():
        raise CommandError(f"{target} exists already; a backup is never overwritten.", Exit.SETUP)
    if not target.parent.is_dir():
        raise CommandError(f"The folder {target.parent} does not exist.", Exit.SETUP)
    return target


def _copy_files(directory: Path, draft: Path, names: Sequence[str]) -> None:
    for name in names:
        if (directory / name).exists():
            descriptor = os.open(draft / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write((directory / name).read_bytes())


async def _checked(draft: Path, keyring: Keyring) -> list[str]:
    """Rules that the copied state breaks.

    Raises:
        SetupError: the keyring does not open what the copied state holds.
    """
    with snapshot(draft / STATE_FILE) as state:
        try:
            for one in await teams.sealed_secrets(state):
                keyring.open(one.sealed, one.sealed_for)
        except SealBroken as error:
            raise SetupError(f"No backup was made, for it would not open: {error}") from None
        return await invariants.check(state)
