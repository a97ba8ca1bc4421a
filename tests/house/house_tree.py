"""What the house rules look at: the files of the repository and their syntax."""

from __future__ import annotations

import ast
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src" / "dayfill"
TEXT = {".py", ".md", ".sql", ".toml", ".yaml", ".yml", ".json", ".txt", ".cfg", ".html", ".css", ".js", ""}
OWN_PARTS = ("src", "tests", "bench", "docs", "examples", ".ci")


@cache
def files() -> tuple[Path, ...]:
    """Every file that is committed or staged, relative to the root; what lies about untracked is nobody's concern."""
    if shutil.which("git") and (ROOT / ".git").exists():
        command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
        listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
        return tuple(sorted(Path(name) for name in listed if name and (ROOT / name).is_file()))
    # An unpacked archive has no history: everything in our own folders counts.
    found = [path for part in OWN_PARTS for path in (ROOT / part).rglob("*")] + list(ROOT.iterdir())
    return tuple(sorted(path.relative_to(ROOT) for path in found if path.is_file() and "__pycache__" not in path.parts))


def texts() -> Iterator[tuple[Path, str]]:
    """Every text file with its content."""
    for path in files():
        if path.suffix in TEXT:
            yield path, (ROOT / path).read_text("utf-8")


@cache
def tree(path: Path) -> ast.Module:
    """Syntax tree of a file, its path relative to the root."""
    return ast.parse((ROOT / path).read_text("utf-8"), str(path))


def modules(*folders: str) -> list[Path]:
    """Python files below these folders or with exactly these names, relative to the root."""
    return [path for path in files() if path.suffix == ".py" and any(path.is_relative_to(one) for one in folders)]


def calls(node: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    """Every call below the node with the last part of the called name."""
    for one in ast.walk(node):
        if isinstance(one, ast.Call):
            name = getattr(one.func, "attr", None) or getattr(one.func, "id", None)
            if name is not None:
                yield one, name
