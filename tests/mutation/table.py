"""``make mutation``, last step: what became of the mutants, module by module, and which of them nobody noticed.

A mutant that no test runs counts like one that all tests pass. One that was broken off, because it took too long or
crashed, is told apart and is not counted as noticed: on a busy machine that proves nothing. Exit code 1 below the bar.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

BAR = 85
"""Percent of the mutants that a test must notice, in all modules together."""
KINDS = {
    "killed": "killed",
    "survived": "survived",
    "no tests": "survived",
    "timeout": "broken off",
    "segfault": "broken off",
    "suspicious": "broken off",
}


def outcomes() -> dict[str, str]:
    """Mutant -> what became of it; those not tried are left out."""
    command = [str(Path(sys.executable).with_name("mutmut")), "results", "--all", "true"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    found = dict(line.strip().rsplit(": ", 1) for line in lines if ": " in line)
    return {mutant: outcome for mutant, outcome in found.items() if outcome in KINDS}


def table(found: dict[str, str]) -> tuple[list[str], float]:
    """Lines, and the score of all: percent that were killed."""
    modules: dict[str, Counter[str]] = defaultdict(Counter)
    for mutant, outcome in found.items():
        modules[mutant.partition(".x")[0]][KINDS[outcome]] += 1
    modules["all"] = sum(modules.values(), Counter[str]())
    lines = [f"{'module':<32} {'tried':>6} {'killed':>7} {'broken off':>11} {'survived':>9} {'score':>8}"]
    for module, counts in modules.items():
        killed, broken_off, survived = (counts[kind] for kind in ("killed", "broken off", "survived"))
        score = 100 * killed / counts.total()
        lines.append(f"{module:<32} {counts.total():>6} {killed:>7} {broken_off:>11} {survived:>9} {score:>6.1f} %")
    return lines, 100 * modules["all"]["killed"] / modules["all"].total()


def main() -> int:
    found = outcomes()
    if not found:
        sys.stderr.write("No mutant was tried.\n")
        return 1
    lines, score = table(found)
    unnoticed = [f"{outcome}: {mutant}" for mutant, outcome in found.items() if outcome != "killed"]
    sys.stdout.write("\n".join([*unnoticed, "", *lines]) + "\n")
    sys.stdout.write(
        f"score {score:.1f} %, the bar is {BAR} %; `.venv/bin/mutmut show MUTANT` shows what was changed\n"
    )
    return int(score < BAR)


if __name__ == "__main__":
    sys.exit(main())
