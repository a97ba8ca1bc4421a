"""The command tree as a whole: help, examples, the reference, and that a client command loads no server."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Command
from cyclopts import App

from dayfill import __version__
from dayfill.cli import build_app

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"
SERVER_PARTS = (
    "dayfill.app",
    "dayfill.api",
    "dayfill.ui",
    "dayfill.engine",
    "dayfill.store",
    "apsw",
    "duckdb",
    "pyarrow",
    "starlette",
    "jinja2",
)


def leaves(app: App, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name in app:
        if not name.startswith("-"):
            below = list(leaves(app[name], (*path, name)))
            yield from below or [(*path, name)]


COMMANDS = list(leaves(build_app()))


def examples(text: str) -> list[str]:
    """The command lines under "For example:", put together where they go on in the next line."""
    found: list[str] = []
    for line in text.partition("For example:\n")[2].splitlines():
        if line.startswith("    dayfill "):
            found.append(line.strip())
        elif line.startswith("     "):
            found[-1] = found[-1].removesuffix(" \\") + " " + line.strip()
        elif line.strip():
            break
    return found


def docstring(path: tuple[str, ...]) -> str:
    app = build_app()
    for name in path:
        app = app[name]
    return "\n".join(line.removeprefix("    ") for line in (app.default_command.__doc__ or "").splitlines())


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_says_what_it_does_with_an_example_of_itself(path: tuple[str, ...], command: Command) -> None:
    ran = command(*path, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert "For example:" in ran.out
    lines = examples(docstring(path))
    assert lines
    assert all(line.startswith(" ".join(("dayfill", *path))) for line in lines)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_the_reference_shows_the_examples_of_every_command(path: tuple[str, ...]) -> None:
    heading = f"## dayfill {' '.join(path)}\n"
    section = REFERENCE.read_text(encoding="utf-8").partition(heading)[2].partition("\n## ")[0]
    shown = re.sub(r" \\\n +", " ", section)
    assert [line for line in examples(docstring(path)) if line not in shown] == []


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_no_example_is_broken_at_the_edge_of_a_terminal(path: tuple[str, ...]) -> None:
    lines = docstring(path).partition("For example:\n")[2].partition("\n\nArgs:")[0].splitlines()
    assert [line for line in lines if len(line) > 80] == []


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_option_is_explained(path: tuple[str, ...]) -> None:
    app = build_app()
    for name in path:
        app = app[name]
    arguments = app.assemble_argument_collection(parse_docstring=True)
    assert [one.name for one in arguments if one.parse and one.name != "*" and not one.parameter.help] == []


def test_the_list_of_commands_and_the_version(command: Command) -> None:
    listed = command("--help").out
    assert all(re.search(rf"│ {path[0]} +\w", listed) for path in COMMANDS)
    assert command("--version").out.strip() == __version__


def test_a_client_command_loads_no_server(clean: None) -> None:
    code = (
        "import sys; from dayfill.cli import run; run(['backfill', 'get', '1', '--url', 'http://127.0.0.1:9']);"
        f"print([name for name in {SERVER_PARTS!r} if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
    assert "No API key" in ran.stderr


def test_the_module_runs_as_the_script_does() -> None:
    ran = subprocess.run([sys.executable, "-m", "dayfill", "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == __version__
