"""``make mutation``, third step: a plugin of pytest that tries the mutants, each in a fork of itself.

It stands in for running the tests: they are collected once, and a mutant costs a fork and those tests that call the
changed function, until one fails: first those that noticed others of the function or of the module, then those of
a file that is named after it, then the quick ones.

A sample is drawn from every module alike, ``--sample`` percent of its mutants, by the generator that ``--draw`` seeds:
the same numbers draw the same mutants as long as the module is the same, and a larger sample holds the smaller one.
"""

from __future__ import annotations

import fnmatch
import gc
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from calls import CALLS
from mutmut.mutation.trampoline import set_mutant_under_test

SURVIVED, KILLED, NO_TESTS, TOO_LONG = 0, 1, 33, 36
"""The exit codes that mutmut keeps. A fork that dies of a signal has its negative number."""
BUSY_SECONDS, IDLE_SECONDS = 10, 60
"""Of computing and of waiting, beyond a multiple of what its tests take as a rule: then a mutant is broken off."""
KILLER = "killer"
"""The file in which a fork leaves the name of the test that noticed."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--mutants", default="dayfill.*", help="names of the mutants to try, with * and ?, by spaces")
    parser.addoption("--sample", type=float, default=100.0, help="percent of each module's mutants")
    parser.addoption("--draw", type=int, default=1, help="seed of the sample")
    parser.addoption("--forks", type=int, default=os.cpu_count(), help="how many mutants at once")
    parser.addoption("--most", type=float, default=60.0, help="seconds of tests: what they do not notice has survived")


@dataclass(frozen=True)
class Trial:
    """A mutant in the fork ``pid``, whose temporary files lie in ``folder``; broken off at a monotonic second."""

    mutant: str
    pid: int
    folder: Path
    ends: float


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    assert len(os.listdir("/proc/self/task")) == 1, "a fork of several threads is not as good as new"
    gc.freeze()
    trials, running = Trials(session), list[Trial]()
    for mutant in trials.chosen():
        while len(running) >= session.config.option.forks:
            trials.reap(running)
        running += trials.started(mutant)
    while running:
        trials.reap(running)
    return True


class Trials:
    """All that is known of mutants and tests; works in the folder ``mutants``.

    kills: how many mutants a test has noticed, by function and test and by module and test.
    """

    def __init__(self, session: pytest.Session) -> None:
        self.option = session.config.option
        self.items = {item.nodeid: item for item in session.items}
        known = json.loads(CALLS.read_text("utf-8"))
        self.calls: dict[str, list[str]] = known["calls"]
        self.seconds: dict[str, float] = known["seconds"]
        self.kills: Counter[tuple[str, str]] = Counter()
        files = {path: json.loads(path.read_text("utf-8")) for path in Path("src").rglob("*.meta")}
        self.metas = {_module(path): (path, meta) for path, meta in files.items()}

    def chosen(self) -> Iterator[str]:
        """Those to try, of all modules in turn; what was noticed before is not tried again."""
        ranked = []
        for module, (_, meta) in sorted(self.metas.items()):
            mutants = sorted(meta["exit_code_by_key"])
            Random(f"{self.option.draw} {module}").shuffle(mutants)
            ranked += [(100 * rank / len(mutants), mutant) for rank, mutant in enumerate(mutants)]
        wanted = self.option.mutants.split()
        for percent, mutant in sorted(ranked):
            is_wanted = percent < self.option.sample and any(fnmatch.fnmatch(mutant, name) for name in wanted)
            if is_wanted and self._meta(mutant)[1]["exit_code_by_key"][mutant] != KILLED:
                yield mutant

    def started(self, mutant: str) -> list[Trial]:
        """The trial of this mutant; none if no test calls its function."""
        tests = list(self._tests(mutant))
        if not tests:
            self._keep(mutant, NO_TESTS)
            return []
        seconds = sum(self.seconds[item.nodeid] for item in tests)
        folder = Path(tempfile.mkdtemp(prefix="mutant-"))
        pid = os.fork()
        if pid == 0:
            limit = int(BUSY_SECONDS + 5 * seconds)
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
            try_out(mutant, tests, folder)
        return [Trial(mutant, pid, folder, time.monotonic() + IDLE_SECONDS + 10 * seconds)]

    def _tests(self, mutant: str) -> Iterator[pytest.Item]:
        """Those that call the changed function, the most promising first."""
        function, module = _function(mutant), _module_of(mutant)
        names = [name for name in self.calls.get(function, []) if name in self.items]
        noun = module.rpartition(".")[2]

        def promise(name: str) -> tuple[object, ...]:
            is_of_module = noun in name.partition("::")[0]
            return -self.kills[function, name], -self.kills[module, name], not is_of_module, self.seconds[name]

        names.sort(key=promise)
        left = self.option.most
        for name in names:
            yield self.items[name]
            left -= self.seconds[name]
            if left <= 0:
                return

    def reap(self, running: list[Trial]) -> None:
        """Keep what came of the trials that have ended, at least after a moment."""
        time.sleep(0.005)
        for trial in list(running):
            pid, status = os.waitpid(trial.pid, os.WNOHANG)
            is_over = not pid and time.monotonic() > trial.ends
            if pid or is_over:
                with suppress(ProcessLookupError):
                    os.killpg(trial.pid, signal.SIGKILL)  # and what its tests have started
                if is_over:
                    os.waitpid(trial.pid, 0)
                running.remove(trial)
                self._learn(trial)
                self._keep(trial.mutant, TOO_LONG if is_over else os.waitstatus_to_exitcode(status))
                shutil.rmtree(trial.folder, ignore_errors=True)

    def _learn(self, trial: Trial) -> None:
        killer = trial.folder / KILLER
        if killer.exists():
            for scope in (_function(trial.mutant), _module_of(trial.mutant)):
                self.kills[scope, killer.read_text("utf-8")] += 1

    def _keep(self, mutant: str, code: int) -> None:
        path, meta = self._meta(mutant)
        meta["exit_code_by_key"][mutant] = code
        path.write_text(json.dumps(meta, indent=4), "utf-8")
        sys.stderr.write(f"{code:>4} {mutant}\n")

    def _meta(self, mutant: str) -> tuple[Path, dict[str, dict[str, int | None]]]:
        return self.metas[_module_of(mutant)]


def _module(meta: Path) -> str:
    return ".".join(meta.relative_to("src").with_suffix("").with_suffix("").parts)


def _module_of(mutant: str) -> str:
    return mutant.partition(".x")[0]


def _function(mutant: str) -> str:
    return mutant.rpartition("__mutmut_")[0]


def try_out(mutant: str, tests: list[pytest.Item], folder: Path) -> None:
    """Run these tests in this fork until one fails, and end it."""
    os.setpgid(0, 0)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    os.environ["PYTEST_DEBUG_TEMPROOT"] = str(folder)
    set_mutant_under_test(mutant)

    class Look:
        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.failed:
                (folder / KILLER).write_text(report.nodeid, "utf-8")
                os._exit(KILLED)

    tests[0].config.pluginmanager.register(Look())
    code = KILLED  # also what ends the run of tests itself is noticed
    try:
        for item, following in zip(tests, [*tests[1:], None], strict=True):
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        code = SURVIVED
    finally:
        os._exit(code)
