"""``dayfill keyring``: the keys by which an installation on this machine seals its secrets."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from dayfill.app.keyring import keyring_file
from dayfill.cli.exits import CommandError, Exit
from dayfill.cli.installation import existing_state, is_served
from dayfill.cli.options import LOCAL_DEFAULTS, LocalOptions
from dayfill.domain.audit import OPERATOR, Act
from dayfill.engine import audit
from dayfill.engine import keyring as verbs
from dayfill.secrets import make_keyring
from dayfill.settings import Settings

app = App(name="keyring", help="Keys by which this installation seals its secrets.")


@app.command
def create(path: Path, /, *, options: LocalOptions = LOCAL_DEFAULTS) -> int:
    """A new keyring in a new file, for DAYFILL_KEYRING_FILE or, by its text, for DAYFILL_KEYRING.

    A first start makes one by itself. If the keyring of an installation is lost for good, this takes its place: then
    every API key must be made anew, and every stored credential entered again.

    For example:

        dayfill keyring create /etc/dayfill/keyring

    Args:
        path: The file to make; it must not exist.
    """
    target = path.expanduser().absolute()
    if target.exists():
        raise CommandError(f"{target} exists already; a keyring is never overwritten.", Exit.SETUP)
    make_keyring(target)
    options.printer().one({"path": str(target)})
    return Exit.OK


@app.command(name="list")
async def list_(*, options: LocalOptions = LOCAL_DEFAULTS) -> int:
    """The keys by their numbers, and how many stored secrets each has sealed. A key that is lost is listed too.

    For example:

        dayfill keyring list
    """
    async with existing_state(options.settings()) as state:
        held, newest = state.keyring.numbers(), state.keyring.newest()
        used = await verbs.used_keys(state.db)
    numbers = sorted(held | {number for number in used if number is not None})
    columns = {"KEY": "key", "HELD": "is_held", "SEALS": "seals", "SECRETS": "secrets"}
    options.printer().many(
        [{"key": n, "is_held": n in held, "seals": n == newest, "secrets": used[n]} for n in numbers], columns
    )
    return Exit.OK


@app.command
async def rotate(*, options: LocalOptions = LOCAL_DEFAULTS) -> int:
    """Add a key, which seals from then on, and seal all stored secrets anew with it; a server may run meanwhile.

    Broken off, it goes on when it is called again, without a further key. Nothing is dropped: see `keyring drop`. API
    keys stay as they are.

    Exit code: 0 all is sealed anew, 1 some secrets do not open; they are named, and the others are sealed anew.

    For example:

        dayfill keyring rotate --data-dir /srv/dayfill
    """
    settings, printer = options.settings(), options.printer()
    file = keyring_file(settings)
    if file is None and is_served(settings.data_dir):
        raise CommandError(
            "A server runs with the keyring that its DAYFILL_KEYRING held when it started: stop it first.", Exit.SETUP
        )
    async with existing_state(settings) as state:
        now = state.seams.now()
        done = await verbs.reseal(state.db, state.keyring, now)  # what a rotation left that was broken off
        if done.count == 0:
            async with state.db.write() as tx:
                number = verbs.add_key(tx, _changeable(settings))
                await audit.record(tx, OPERATOR, None, Act("keyring.add", number), now)
            done = await verbs.reseal(state.db, state.keyring, now)
        newest = state.keyring.newest()
    printer.one({"newest": newest, "resealed": done.count, "broken": done.broken})
    printer.note("Keep a copy of the keyring as it is now, apart from the backups of the state.")
    return Exit.ERROR if done.broken else Exit.OK


@app.command
async def drop(number: int, /, *, options: LocalOptions = LOCAL_DEFAULTS) -> int:
    """Take a key out of the keyring that has sealed nothing any more. Backups of the state may still need it.

    For example:

        dayfill keyring drop 1

    Args:
        number: The key's number, as `dayfill keyring list` shows it.
    """
    settings = options.settings()
    file = _changeable(settings)
    async with existing_state(settings) as state, state.db.write() as tx:
        await verbs.drop_key(tx, file, number)
        await audit.record(tx, OPERATOR, None, Act("keyring.drop", number), state.seams.now())
    options.printer().note(f"Key {number} is dropped.")
    return Exit.OK


def _changeable(settings: Settings) -> Path:
    file = keyring_file(settings)
    if file is None:
        raise CommandError(
            "The keyring comes from DAYFILL_KEYRING, which this command cannot change.",
            Exit.SETUP,
            hint="Put the text into a private file, name that with DAYFILL_KEYRING_FILE instead, do it there, and put "
            "the new text into the variable.",
        )
    return file
