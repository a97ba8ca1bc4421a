"""Rotates the keyring of fresh installations, each killed two lines later; a JSON line tells what was found then.

Run as a program, without threads of its own, since each try is a fork of it.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from vault import Vault

from dayfill.app import open_state
from dayfill.engine import keyring as verbs
from dayfill.secrets import files

WATCHED = {verbs.__file__, files.__file__}
"""Where something is written, or waits to be."""


async def rotate(vault: Vault) -> None:
    """What `dayfill keyring rotate` does, a second time too."""
    async with open_state(vault.settings) as state:
        if (await verbs.reseal(state.db, state.keyring, state.seams.now())).count == 0:
            async with state.db.write() as tx:
                verbs.add_key(tx, vault.keyring_file)
            await verbs.reseal(state.db, state.keyring, state.seams.now())


def killed_at(line: int, vault: Vault) -> bool:
    """Rotate in a fork that dies before this line, counted over all that run; False if it came to its end."""
    child = os.fork()
    if child == 0:
        passed = 0

        def trace(frame: FrameType, event: str, _arg: Any) -> Any:
            nonlocal passed
            if frame.f_code.co_filename not in WATCHED:
                return None
            if event == "line":
                passed += 1
                if passed == line:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)
        asyncio.run(rotate(vault))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def told(vault: Vault, killed: bool) -> dict[str, object]:
    """What stands after the kill, and what is wrong then or after the rotation was called again."""
    wanted = [f"password-{number}" for number in range(1, vault.count + 1)]
    found = {"killed": killed, "keys": vault.keys(), "used": dict(vault.used())}
    wrong = [] if vault.passwords() == wanted else ["a secret does not open after the kill"]
    asyncio.run(rotate(vault))
    newest = max(vault.keys())
    wrong += [] if vault.passwords() == wanted else ["a secret does not open after the second try"]
    wrong += [] if dict(vault.used()) == {newest: vault.count + 1} else ["not all is sealed with the newest key"]
    wrong += [] if newest <= (2 if killed and found["used"] != {2: vault.count + 1} else 3) else ["a key too many"]
    return found | {"wrong": wrong}


def main(folder: Path) -> None:
    verbs.BATCH = 2
    # Odd lines or even ones, as the process number has it: all of them in two runs, each in half the time.
    template, line, killed = Vault.make(folder / "template"), os.getpid() % 2, True
    while killed:
        line += 2
        vault = Vault(folder / "try")
        shutil.copytree(template.directory, vault.directory)
        killed = killed_at(line, vault)
        sys.stdout.write(json.dumps(told(vault, killed)) + "\n")
        shutil.rmtree(vault.directory)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
