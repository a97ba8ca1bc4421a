"""`make bench-peers`: the same work by dayfill and by others, side by side; prints how fast each was."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import structlog
import uvloop

from bench.peers import loads, orchestrated
from bench.table import RESULTS, Figure, keep, show

PEERS = {"dlt": loads.measure, "dagster": orchestrated.measure}


async def main(peers: list[str], scratch: Path) -> tuple[list[Figure], dict[str, str]]:
    figures: list[Figure] = []
    versions: dict[str, str] = {}
    for peer in peers:
        (folder := scratch / peer).mkdir()
        found, used = await PEERS[peer](folder)
        figures += found
        versions |= used
    return figures, versions


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peers", nargs="*", metavar="PEER", help=f"of {', '.join(PEERS)}; dlt if none is named")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for peers.json")
    arguments = parser.parse_args()
    if unknown := [one for one in arguments.peers if one not in PEERS]:
        parser.error(f"no peer is called {unknown[0]}; there are {', '.join(PEERS)}")
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with tempfile.TemporaryDirectory(prefix="dayfill-peers-") as scratch:
        figures, versions = uvloop.run(main(arguments.peers or ["dlt"], Path(scratch)))
    show(figures)
    print("with " + ", ".join(f"{name} {version}" for name, version in versions.items()))
    print(f"written to {keep(figures, arguments.results, 'peers', peers=versions)}; ratios compare within this run")
