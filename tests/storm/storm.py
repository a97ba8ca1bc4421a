"""``make storm``: servers are killed, stopped and paused while people work; then state, ledger and data are compared.

Several arenas at once, each in a thread, in rounds: faults, fair weather until all is done, comparison. Prints what was
done and found; exit code 1 if anything was lost, doubled or stale, or an invariant did not hold. With the fence taken
out it is the other way round: exit code 1 if the storm did not find a stale day. With ``--state postgresql`` several
servers work on each installation, and PostgreSQL, which holds state and data, restarts in the middle. With ``--executor
ray`` a Ray cluster of two nodes loads for them, and its workers and nodes are killed too.
"""

from __future__ import annotations

import argparse
import math
import shutil
import statistics
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random, SystemRandom

sys.path += [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "cluster")]

import arena
from arena import DEADLINE, LONG_DEADLINE
from cluster_weather import in_cluster_weather
from servers import Template, template
from shared_arena import in_shared_weather
from shared_weather import SharedWeather
from weather import Tally, Weather

ARENAS = 5
SHARED_ARENAS = 2
FAULTS_A_ROUND = 25
ROUNDS_AN_INSTALLATION = 5
SHOWN = 20
SECONDS_BETWEEN_NEWS = 15.0
OF_CLUSTER = ("workers", "nodes", "drivers")


Place = Callable[[Path, Template, Random, Tally, bool], AbstractContextManager[Weather | SharedWeather]]


@contextmanager
def in_weather(
    folder: Path, template: Template, chance: Random, tally: Tally, is_fenced: bool
) -> Iterator[Weather | SharedWeather]:
    """One server after the other, with its state and its data in files."""
    of_both = ("STAMPED", DEADLINE), ("STAMPED_SINGLY", LONG_DEADLINE)
    place = arena.make(folder, *of_both, other_team=of_both)
    yield Weather(place, template, chance, tally, is_fenced)


@dataclass
class Storm:
    """faults: how many in all. place: makes an installation and its weather. kept: folders where something is wrong.

    seconds: after which no further round begins.
    """

    folder: Path
    seed: int
    faults: int
    is_fenced: bool = True
    seconds: float = math.inf
    place: Place = in_weather
    tallies: list[Tally] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def rage(self, arenas: int = ARENAS) -> Tally:
        """Do it all; returns the sum."""
        with template() as made:
            threads = [threading.Thread(target=self._arena, args=(made, number, arenas)) for number in range(arenas)]
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():
                    thread.join(SECONDS_BETWEEN_NEWS)
                    self._progress()
        return self.sum()

    def sum(self) -> Tally:
        total = Tally()
        for tally in list(self.tallies):
            total.add(tally)
        return total

    def is_over(self) -> bool:
        return time.monotonic() >= self.began + self.seconds

    def _arena(self, made: Template, number: int, arenas: int) -> None:
        chance, share = Random(f"{self.seed} {number}"), -(-self.faults // arenas)
        done = 0
        while done < share and not self.kept and not self.is_over():
            done += self._installation(made, chance, self.folder / f"{number}-{done}", share - done)

    def _installation(self, made: Template, chance: Random, folder: Path, left: int) -> int:
        """A few rounds on one installation; returns the number of faults."""
        tally = Tally()
        self.tallies.append(tally)
        try:
            with self.place(folder, made, chance, tally, self.is_fenced) as weather:
                for _ in range(ROUNDS_AN_INSTALLATION):
                    if tally.faults < left and not tally.findings.wrong and not self.is_over():
                        weather.round(min(FAULTS_A_ROUND, left - tally.faults))
        except Exception:
            tally.findings.wrong.append(("broken off", traceback.format_exc()))
        if tally.findings.wrong:
            self.kept.append(folder)
            sys.stderr.write(f"{folder}: {tally.findings.wrong[:SHOWN]}\n")
        else:
            shutil.rmtree(folder)
        return max(tally.faults, 1)

    def _progress(self) -> None:
        total = self.sum()
        seconds = time.monotonic() - self.began
        line = f"{seconds:6.0f} s: {total.faults} of {self.faults} faults, {len(total.findings.wrong)} findings\n"
        sys.stderr.write(line)


def report(total: Tally, seed: int, seconds: float) -> str:
    """The figures as lines."""
    counts, found = total.counts, total.findings
    lines = [
        f"seed {seed}, {seconds:.0f} s, {total.faults / seconds:.1f} faults/s",
        f"kills {counts['kills']} (with runs under way {counts['kills under way']}), processes stopped past their"
        f" deadlines {counts['stops']}, workers paused for longer {counts['pauses']}, workers overtaken"
        f" {counts['overtaken']}",
        f"PostgreSQL restarted {counts['restarts']}, servers that began to dispatch {counts['leaders']}",
        f"stale writes refused {counts['refused']}, readings {counts['readings']}, creates acknowledged"
        f" {counts['creates']}, creates repeated {counts['repeated']}, weights changed {counts['weighed']}",
        f"days compared {found.days}, rows {found.rows}, invariants checked {found.invariants}, ledger ahead of the"
        f" state {found.ahead}",
        f"lost {found.count('lost')}, doubled {found.count('doubled')}, stale {found.count('stale')}, state and ledger"
        f" disagree {found.count('disagrees')}, invariant violations {found.count('invariant')}, other"
        f" {found.count('answer') + found.count('broken off')}",
        f"start to serving: {_times(total.to_serving)}",
        f"start to a day of the dead server being read again: {_times(total.to_reading)}",
        f"death of the server that dispatched to another in its place: {_times(total.to_leading)}",
    ]
    lost = ", ".join(f"{kind} {counts[kind]}" for kind in OF_CLUSTER)
    late = counts["not loaded again in time"]
    lines += [f"killed of the cluster: {lost}; days not loaded again in time: {late}"] * any(
        counts[kind] for kind in OF_CLUSTER
    )
    lines += [
        f"a day lost with one of the {kind} loaded again: {_times(total.to_loaded[kind])}" for kind in total.to_loaded
    ]
    return "\n".join([*lines, *(f"{kind}: {what}" for kind, what in found.wrong[:SHOWN])]) + "\n"


def _times(seconds: list[float]) -> str:
    if not seconds:
        return "none measured"
    return f"median {statistics.median(seconds):.3f} s, max {max(seconds):.3f} s, of {len(seconds)}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=300)
    parser.add_argument("--minutes", type=float, default=math.inf, help="no round begins after these")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--fence", choices=("on", "off"), default="on")
    parser.add_argument("--state", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--executor", choices=("threads", "ray"), default="threads")
    parser.add_argument("--arenas", type=int, default=None)
    given = parser.parse_args()
    is_shared = given.state == "postgresql" or given.executor == "ray"
    seed = SystemRandom().randrange(10**9) if given.seed is None else given.seed
    folder, seconds = Path(tempfile.mkdtemp(prefix="dayfill-storm-")), 60 * given.minutes
    storm = Storm(folder, seed, given.faults, given.fence == "on", seconds)
    if is_shared:
        storm.place = in_cluster_weather if given.executor == "ray" else in_shared_weather
    usual = 1 if given.executor == "ray" else SHARED_ARENAS if is_shared else ARENAS
    total = storm.rage(given.arenas or usual)
    sys.stdout.write(report(total, seed, time.monotonic() - storm.began))
    if storm.is_fenced and storm.kept:
        sys.stdout.write(f"kept: {', '.join(map(str, storm.kept))}\n")
        return 1
    shutil.rmtree(storm.folder)
    if storm.is_fenced:
        return 0
    found = total.findings.count("stale")
    sys.stdout.write(f"without the fence the storm {'finds' if found else 'FINDS NO'} stale days\n")
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
