"""A real server that fails at any step of its work, in any way, recovers; see `failpoints.py`."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from random import SystemRandom

import pytest
from failpoints import ACTIONS, Matrix, report
from scenarios import SCENARIOS
from servers import Template

from dayfill.seams import FAILPOINTS


def test_every_failpoint_has_its_scenario() -> None:
    assert set(SCENARIOS) == FAILPOINTS


@pytest.mark.timeout(400)
def test_a_server_recovers_from_every_failpoint_and_action(
    tmp_path: Path, template: Template, rounds: Callable[[int], int]
) -> None:
    matrix, began = Matrix(tmp_path, SystemRandom().randrange(10**9), rounds(1)), time.monotonic()
    matrix.run(template)
    said = report(matrix, time.monotonic() - began)
    assert matrix.wrong == [], said
    assert len(matrix.cells) == len(FAILPOINTS) * len(ACTIONS) * rounds(1), said
