"""How soon another server reads when the one that dispatches is killed, or stands still; run it by hand.

Three servers on one PostgreSQL with the product's own deadlines: one that is dead lets go of its lock, one that stands
still has its place taken after 30 s without a word. Then all days are loaded and everything is compared. Exit code 1 if
it takes longer than it may, or if anything is wrong.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

sys.path.append(str(Path(__file__).parents[1]))

from arena import Arena
from sabotage import Sabotage
from servers import Server, Template, template
from shared_arena import of_several_servers
from shared_weather import SharedWeather
from stamped import Habits
from weather import Tally

from dayfill.store.postgresql.leading import SILENT_SECONDS
from postgres_server import PostgresServer

KILLED_WITHIN, STOPPED_WITHIN = 5.0, 35.0
PATIENCE = 120.0


@dataclass
class Handovers(SharedWeather):
    """Servers that nothing happens to but what is measured. silent: seconds, as of `Sabotage`."""

    silent: float = SILENT_SECONDS

    def calmness(self) -> Sabotage:
        return Sabotage(Habits(trace=str(self.arena.trace), delay=0.5), silent=self.silent)

    def after(self, *, is_killed: bool) -> float:
        """Seconds from the end, or the halt, of the server that dispatches, while it reads, to a reading by another."""
        self.fill(is_calm=True)
        leader = self.who_leads()
        self.let_load(leader)
        at = time.time()
        if is_killed:
            self.kill(leader)
        with nullcontext() if is_killed else self.stopped(leader):
            return self.read_by_another(leader, at) - at

    def read_by_another(self, before: Server, since: float) -> float:
        end = time.monotonic() + PATIENCE
        while True:
            reads = [event for event in self.arena.events() if event["what"] == "read" and event["at"] > since]
            if others := [float(event["at"]) for event in reads if event["pid"] != before.pid]:
                return min(others)
            assert time.monotonic() < end, [one.said() for one in self.fleet.values()]
            time.sleep(0.01)


@dataclass
class Measured:
    """Seconds of each handover, and what the comparison found."""

    killed: list[float] = field(default_factory=list)
    stopped: list[float] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)


def taken_over(folder: Path, made: Template, kills: int, stops: int, silent: float = SILENT_SECONDS) -> Measured:
    found = Measured()

    def make(arena: Arena, postgres: PostgresServer) -> Handovers:
        return Handovers(arena, made, postgres, Random(1), found.tally, silent=silent)

    with of_several_servers(folder, make) as weather:
        assert isinstance(weather, Handovers)
        found.killed = [weather.after(is_killed=True) for _ in range(kills)]
        found.stopped = [weather.after(is_killed=False) for _ in range(stops)]
        weather.calm()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--stops", type=int, default=2)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="dayfill-takeover-"))
    try:
        with template() as made:
            found = taken_over(folder / "arena", made, given.kills, given.stops)
    finally:
        shutil.rmtree(folder)
    for what, seconds, most in ("killed", found.killed, KILLED_WITHIN), ("stopped", found.stopped, STOPPED_WITHIN):
        told = ", ".join(f"{one:.1f}" for one in seconds)
        sys.stdout.write(f"{what} {len(seconds)} times: another read after {told} s (at most {most:g})\n")
    compared = found.tally.findings
    sys.stdout.write(f"days compared {compared.days}, rows {compared.rows}, findings {len(compared.wrong)}\n")
    sys.stdout.writelines(f"{kind}: {what}\n" for kind, what in compared.wrong)
    in_time = max(found.killed, default=0) <= KILLED_WITHIN and max(found.stopped, default=0) <= STOPPED_WITHIN
    return 0 if in_time and not compared.wrong else 1


if __name__ == "__main__":
    sys.exit(main())
