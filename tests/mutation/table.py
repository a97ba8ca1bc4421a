"""``make mutation``, last step: what became of the mutants, module by module, and which of them nobody noticed.

A mutant that no test runs counts like one that all tests pass. Exit code 1 below the bar.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

BAR = 85
"""Percent of the mutants that a test must notice, in all modules together."""
NOTICED = {"killed", "timeout", "segfault", "suspicious"}
UNNOTICED = {"survived", "no tests"}


def outcomes() -> dict[str, str]:
    """Mutant -> what became of it; those not tried are left out."""
    command = [str(Path(sys.executable).with_name("mutmut")), "results", "--all", "true"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    found = dict(line.strip().rsplit(": ", 1) for line in lines if ": " in line)
    return {mutant: outcome for mutant, outcome in found.items() if outcome in NOTICED | UNNOTICED}


def table(found: dict[str, str]) -> tuple[list[str], float]:
    """Lines, and the score of all."""
    modules: dict[str, Counter[bool]] = defaultdict(Counter)
    for mutant, outcome in found.items():
        modules[mutant.partition(".x")[0]][outcome in NOTICED] += 1
    modules["all"] = sum(modules.values(), Counter[bool]())
    lines = [
        f"{module:<40} {counts[True]:>5} noticed {counts[False]:>4} not {100 * counts[True] / counts.total():>6.1f} %"
        for module, counts in modules.items()
    ]
    total = modules["all"]
    return lines, 100 * total[True] / max(total.total(), 1)


def main() -> int:
    found = outcomes()
    if not found:
        sys.stderr.write("No mutant was tried.\n")
        return 1
    lines, score = table(found)
    unnoticed = [f"{outcome}: {mutant}" for mutant, outcome in found.items() if outcome in UNNOTICED]
    sys.stdout.write("\n".join([*unnoticed, "", *lines]) + "\n")
    sys.stdout.write(
        f"score {score:.1f} %, the bar is {BAR} %; `.venv/bin/mutmut show MUTANT` shows what was changed\n"
    )
    return int(score < BAR)


if __name__ == "__main__":
    sys.exit(main())
