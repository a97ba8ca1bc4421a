"""``make failpoints``: a server that fails at every step of its work, in every way; then all is as it should be.

Each cell is an installation of its own: what the step needs is prepared, a server with that failpoint is started,
somebody does what reaches it, and what is broken off is taken up by the same server or by the next one. In the end
everything acknowledged is there and all work is done. Prints a table; exit code 1 unless every cell has recovered.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import statistics
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random, SystemRandom

import arena
from arena import DEADLINE, LONG_DEADLINE
from oracle import check, check_creates
from sabotage import Sabotage
from scenarios import DAYS, SCENARIOS, Case, Scenario
from servers import PATIENCE, Server, Template, template
from weather import GRACE

from dayfill.seams import FAILPOINTS

ACTIONS = {"kill": "kill", "error": "error", "sleep": "sleep=1.5", "stop": "stop", "stop, kill": "stop"}
"""stop: goes on when every deadline has passed; stop, kill: never goes on."""
MISSES_ITS_DEADLINE = {"sleep", "stop"}
"""Actions that need a short deadline; with any other it would be a busy machine that misses it."""
AT_ONCE = 5
ENDS_IT = {"migrate", "shutdown"}
"""An error at one of these ends the server; after any other it goes on."""


@dataclass
class Cell:
    """What came of one case. starts: most readings of one day of one table. seconds: from the fault to all done."""

    failpoint: str
    action: str
    wrong: list[str] = field(default_factory=list)
    starts: int = 0
    seconds: float = 0.0


@dataclass
class Trial:
    """One case while it is tried."""

    case: Case
    scenario: Scenario
    failpoint: str
    action: str
    passage: int
    struck_at: float = 0.0

    def run(self) -> Cell:
        self.scenario.prepare(self.case)
        before = len(self.case.arena.events())
        case, arena = self.case, self.case.arena
        words = f"{self.failpoint}:{ACTIONS[self.action]}@{self.passage}"
        sabotage = Sabotage(case.habits(delay=self.scenario.delay), grace=GRACE)
        case.server = case.template.serve(arena.data_dir, sabotage, words)
        with ThreadPoolExecutor(1) as person:
            done = person.submit(self.scenario.act, case)
            self._until_struck(case.server)
            self._follow(case.server)
            server = self._serving()
            arena.be_patient()
            done.result(PATIENCE)
        case.caller.finish(PATIENCE)
        cell = Cell(self.failpoint, self.action, seconds=time.monotonic() - self.struck_at)
        if (code := server.end(signal.SIGTERM)) != 0:
            cell.wrong.append(f"after SIGTERM the server ended with {code}\n{server.said()}")
        self._compare(cell, before)
        return cell

    def _until_struck(self, server: Server) -> None:
        """Wait until the failpoint was passed as often as it takes; the server may be used as soon as it serves."""
        end = time.monotonic() + PATIENCE
        while not self.struck_at:
            if not self.case.arena.port and server.ready(patience=0.0):
                self.case.arena.port = server.port
            passed = [one for one in self.case.arena.events() if one["what"] == "passed" and one["pid"] == server.pid]
            if len(passed) >= self.passage:
                self.struck_at = time.monotonic()
            assert time.monotonic() < end, f"{self.failpoint} was not reached\n{server.said()}"
            time.sleep(0.005)

    def _follow(self, server: Server) -> None:
        """See that the fault takes effect, and let a stopped server go on when it is too late."""
        if self.action == "kill":
            assert server.end() == -signal.SIGKILL, server.said()
        elif self.action.startswith("stop"):
            server.until_stopped()
            if self.action == "stop, kill":
                assert server.end(signal.SIGKILL) == -signal.SIGKILL
            else:
                time.sleep(DEADLINE + GRACE + 0.2)
                server.send(signal.SIGCONT)
        if (
            server.code is None
            and self.failpoint in ENDS_IT
            and (self.action == "error" or self.failpoint == "shutdown")
        ):
            assert (server.end() != 0) == (self.action == "error"), server.said()

    def _serving(self) -> Server:
        """The server that failed if it is still there, else its successor."""
        server = self.case.server
        if server.code is not None:
            self.case.arena.port = 0
            server = self.case.template.serve(self.case.arena.data_dir, Sabotage(self.case.habits()))
        assert server.ready(), server.said()
        self.case.arena.port = server.port
        return server

    def _compare(self, cell: Cell, before: int) -> None:
        arena, caller = self.case.arena, self.case.caller
        found = check(arena)
        found.add(check_creates(arena, caller.acknowledged))
        cell.wrong += [f"{kind}: {what}" for kind, what in [*caller.wrong, *found.wrong]]
        cell.wrong += self.scenario.check(self.case)
        starts: Counter[tuple[str, str]] = Counter()
        for event in arena.events()[before:]:
            if event["what"] == "read":
                starts.update((event["table"], day) for day in event["days"])
        cell.starts = max(starts.values())
        attempts = {
            (name, day): count
            for transfer_id, names in arena.tables.items()
            for day, count in arena.rows(
                "SELECT data_date, sum(attempts) FROM runs WHERE transfer_id = ? GROUP BY 1", transfer_id
            )
            for name in names
        }
        uncounted = {key: count for key, count in starts.items() if count > attempts.get(key, 0)}
        if uncounted:
            cell.wrong.append(f"started more often than attempts were counted: {uncounted}")


@dataclass
class Matrix:
    """Every failpoint and every action, so many times."""

    folder: Path
    seed: int
    rounds: int
    cells: list[Cell] = field(default_factory=list)

    def run(self, made: Template, failpoints: Sequence[str] = tuple(sorted(FAILPOINTS))) -> None:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for turn in range(self.rounds):
                for failpoint in failpoints:
                    for action in ACTIONS:
                        pool.submit(self._cell, made, failpoint, action, turn)

    def _cell(self, made: Template, failpoint: str, action: str, turn: int) -> None:
        chance = Random(f"{self.seed} {failpoint} {action} {turn}")
        folder, scenario = self.folder / f"{failpoint} {action} {turn}", SCENARIOS[failpoint]
        passage = 1 + turn % 2 if scenario.many else 1
        try:
            deadline = DEADLINE if action in MISSES_ITS_DEADLINE else LONG_DEADLINE
            place = arena.make(folder, *[("STAMPED_SINGLY", deadline)] * 2, days=DAYS)
            cell = Trial(Case(place, made, chance), scenario, failpoint, action, passage).run()
        except Exception:
            cell = Cell(failpoint, action, [traceback.format_exc()])
        self.cells.append(cell)
        if not cell.wrong:
            shutil.rmtree(folder)

    @property
    def wrong(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.wrong]


def report(matrix: Matrix, seconds: float) -> str:
    """The table as lines, and what is wrong."""
    by: dict[tuple[str, str], list[Cell]] = defaultdict(list)
    for cell in matrix.cells:
        by[cell.failpoint, cell.action].append(cell)
    lines = [f"{'':16}" + "".join(f"{action:>12}" for action in ACTIONS)]
    for failpoint in sorted({failpoint for failpoint, _ in by}):
        cells = [by[failpoint, action] for action in ACTIONS]
        marks = [f"{sum(not cell.wrong for cell in one)}/{len(one)}" for one in cells]
        lines.append(f"{failpoint:16}" + "".join(f"{mark:>12}" for mark in marks))
    good = [cell for cell in matrix.cells if not cell.wrong]
    times = [cell.seconds for cell in good] or [0.0]
    lines += [
        f"seed {matrix.seed}, {seconds:.0f} s: {len(good)} of {len(matrix.cells)} recovered",
        f"from the fault to all work done: median {statistics.median(times):.2f} s, max {max(times):.2f} s; most starts"
        f" of one day: {max((cell.starts for cell in good), default=0)}",
    ]
    wrong = [f"{cell.failpoint}, {cell.action}: {what}" for cell in matrix.wrong for what in cell.wrong]
    return "\n".join([*lines, *wrong[:20]]) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--only", nargs="*", choices=sorted(FAILPOINTS), default=sorted(FAILPOINTS))
    given = parser.parse_args()
    seed = SystemRandom().randrange(10**9) if given.seed is None else given.seed
    matrix, began = Matrix(Path(tempfile.mkdtemp(prefix="dayfill-failpoints-")), seed, given.rounds), time.monotonic()
    with template() as made:
        matrix.run(made, given.only)
    sys.stdout.write(report(matrix, time.monotonic() - began))
    if matrix.wrong:
        sys.stdout.write(f"kept: {matrix.folder}\n")
        return 1
    shutil.rmtree(matrix.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
