"""A whole server whose clock says what a test wants: ``python noon_server.py FOLDER PORT NOON BEGAN``.

It serves the installation in FOLDER and prints its address and a sign-in link as one line of JSON. NOON is what its
clock said at second BEGAN of the real one; without BEGAN it stands still.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import uvloop

from dayfill.app import Running, serve
from dayfill.cli.logs import log_to_stderr
from dayfill.cli.session import first_link
from dayfill.seams import Seams, system_seams
from dayfill.settings import read_settings


def seams_at(noon: datetime, began: float | None) -> Seams:
    """A clock that was at noon at second ``began``, or one that stays there."""
    if began is None:
        return replace(system_seams(), now=lambda: noon, monotonic=lambda: 0.0)
    return replace(system_seams(), now=lambda: noon + timedelta(seconds=time.time() - began))


async def main(folder: str, port: str, noon: str, began: Sequence[str]) -> None:
    async def say(running: Running) -> None:
        sys.stdout.write(json.dumps({"url": running.url, "link": await first_link(running.state)}) + "\n")
        sys.stdout.flush()

    # The environment and dayfill.toml say the rest, as for any server.
    settings = read_settings(data_dir=Path(folder) / "data", bind=f"127.0.0.1:{port}")
    seams = seams_at(datetime.fromisoformat(noon), float(began[0]) if began else None)
    await serve(settings, on_ready=say, seams=seams)


if __name__ == "__main__":
    log_to_stderr("warning")
    uvloop.run(main(*sys.argv[1:4], sys.argv[4:]))
