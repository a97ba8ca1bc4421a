"""What must not stand in the repository: machine paths, registry hosts, unfinished marks, generated files."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from house_tree import ROOT, files, texts

# Written in two parts, so that this file does not find itself.
FORBIDDEN = {
    "a path of somebody's machine": r"(?<![\w.-])/(wo" r"rk|ro" r"ot|ho" r"me/\w+|Us" r"ers/\w+|o" r"pt/wheels)/",
    "a package registry": r"py" r"pi\.org|pythonhos" r"ted\.org|npmj" r"s\.(com|org)|(index|find)" r"-(url|links)",
    "an unfinished place": r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b",
    "a blanket ignore": r"# (no" r"qa|type: ig" r"nore)\s*($|#)|ruff: no" r"qa",
    "a skipped test": r"pytest\.(mark\.)?(sk" r"ip|xf" r"ail|importorsk" r"ip)",
    "a document that is not ours": r"(?<!/)\b(design|contract|reliability|data-plane|style|ux|peers|stack)" r"\.md\b",
}

GENERATED = re.compile(
    r"(^|/)(__pycache__|\.venv|\.mypy_cache|\.ruff_cache|\.pytest_cache|\.hypothesis|[^/]+\.egg-info|dist|build)/"
    r"|\.(pyc|pyo|duckdb|sqlite|db|wal|log|whl|orig|rej)$"
    r"|(^|/)\.DS_Store$"
)


@pytest.mark.parametrize("what", FORBIDDEN)
def test_nothing_forbidden_is_written(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what], re.MULTILINE)
    found = [
        f"{path}:{text.count(chr(10), 0, hit.start()) + 1}: {hit[0]}"
        for path, text in texts()
        for hit in pattern.finditer(text)
    ]
    assert found == []


def test_no_generated_file_is_kept() -> None:
    assert [str(path) for path in files() if GENERATED.search(str(path))] == []


def test_no_file_is_both_kept_and_ignored() -> None:
    if shutil.which("git") and (ROOT / ".git").exists():
        command = ["git", "-c", "safe.directory=*", "ls-files", "-ci", "--exclude-standard"]
        assert subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout == ""


def test_large_files_stay_out() -> None:
    assert [str(path) for path in files() if (ROOT / path).stat().st_size > 500_000] == []


# -- the front door


def targets() -> dict[str, str]:
    """Targets of the Makefile with what they say about themselves."""
    return dict(re.findall(r"^([a-z-]+):.*## (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_the_makefile_is_short_and_describes_itself() -> None:
    phony = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(" ".join(phony).split()) == set(targets())
    assert len(targets()) <= 15, "eight for every day, the others are long runs"


def test_the_build_server_runs_what_the_readme_says() -> None:
    commands = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if line.startswith("make")]
    assert commands == ["make check", "make test"]
    readme = (ROOT / "README.md").read_text()
    assert all(command in readme for command in commands)


def test_every_link_between_our_documents_leads_somewhere() -> None:
    dead = []
    for path, text in texts():
        if path.suffix == ".md":
            for target in re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", text):
                if not (ROOT / path.parent / target).exists():
                    dead.append(f"{path}: {target}")
    assert dead == []


@pytest.mark.parametrize("path", [Path(".ci/run"), Path(".ci/venv"), Path(".ci/browser")], ids=str)
def test_a_script_stops_at_the_first_failure_and_can_be_run(path: Path) -> None:
    assert "set -euo pipefail" in (ROOT / path).read_text()
    assert (ROOT / path).stat().st_mode & 0o111
