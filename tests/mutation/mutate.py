"""``make mutation``: mutmut makes mutants, `calls.py` finds out who tests what, `forks.py` tries, `table.py` counts.

``ARGS="'dayfill.engine.claim*'"`` tries one module, ``ARGS="--sample 5 --draw 1"`` five percent of every module; see
`forks.py` for more. What a test has noticed counts until its function changes or ``mutants/`` is removed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import calls
from mutmut import __main__ as mutmut

import table

MUTANTS = Path("mutants")
ALONE = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
"""No thread of a library's own in a process that forks."""


def main(words: list[str]) -> int:
    make()
    known, changed = MUTANTS / calls.CALLS, max(path.stat().st_mtime for path in _files())
    if not known.exists() or known.stat().st_mtime < changed:
        run_pytest("calls", "-q")
    names = [word for word in words if word.startswith("dayfill.")]
    options = [word for word in words if word not in names]
    if run_pytest("forks", "--capture", "sys", *(["--mutants", " ".join(names)] if names else []), *options):
        return 1
    return table.main()


def make() -> None:
    """All mutants of all modules, as ``mutmut run`` makes them before it tries them, which we do ourselves."""
    MUTANTS.mkdir(exist_ok=True)
    mutmut.set_mutant_under_test("mutant_generation")
    mutmut.copy_src_dir()
    mutmut.copy_also_copy_files()
    mutmut.setup_source_paths()
    for path in Path("src").rglob("*"):
        if path.is_file() and path.suffix not in (".py", ".pyc"):  # mutmut leaves a copy of before as it is
            shutil.copy2(path, MUTANTS / path)
    made = mutmut.create_mutants(os.cpu_count() or 1)
    sys.stderr.write(f"mutants of {made.mutated} files made anew, {made.unmodified} as before\n")


def run_pytest(plugin: str, *options: str) -> int:
    """Run pytest with this plugin on the tests that may notice a mutant; returns its exit code."""
    tests = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["tool"]["mutmut"][
        "pytest_add_cli_args_test_selection"
    ]
    some = ["-k", "not postgresql"]  # each fork would start a server of its own
    command = [sys.executable, "-m", "pytest", "-p", plugin, "-p", "no:cacheprovider", *some, *options, *tests]
    here = MUTANTS.absolute()
    path = os.pathsep.join(str(here / folder) for folder in ("src", "tests/mutation"))
    return subprocess.run(command, cwd=here, env=os.environ | ALONE | {"PYTHONPATH": path}).returncode


def _files() -> list[Path]:
    return [path for folder in ("src", "tests") for path in Path(folder).rglob("*.py")]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
