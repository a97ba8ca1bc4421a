"""``make mutation``, second step: a plugin of pytest that notes which test calls which function, and how long it takes.

A test that fails without a mutant could notice none, so it is left out.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path

import pytest
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state

CALLS = Path("calls.json")
"""In the folder ``mutants``: {calls: {function: [test]}, seconds: {test: seconds}}."""


def pytest_configure(config: pytest.Config) -> None:
    os.environ["MUTMUT_DEPENDENCY_DEPTH"] = "-1"  # however deep below the test
    set_mutant_under_test("stats")
    config.pluginmanager.register(Notes())


class Notes:
    def __init__(self) -> None:
        self.calls: defaultdict[str, list[str]] = defaultdict(list)
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.failed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration
        if report.failed:
            self.failed.add(report.nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        for function in state()._stats:
            self.calls[function].append(item.nodeid)
        state()._stats.clear()

    def pytest_sessionfinish(self) -> None:
        sound = {function: sorted({*tests} - self.failed) for function, tests in self.calls.items()}
        CALLS.write_text(json.dumps({"calls": sound, "seconds": self.seconds}), "utf-8")
