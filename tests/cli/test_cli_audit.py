"""`dayfill audit`, and that every change by the command line on the server's machine is in it."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from command_line import Command

from dayfill.cli import installation

ROOM = Path(installation.__file__).parent


@pytest.fixture
def directory(tmp_path: Path, command: Command) -> Path:
    found = tmp_path / "installation"
    assert command("init", "--data-dir", found).code == 0
    return found


def told(command: Command, directory: Path, *words: object) -> list[dict[str, object]]:
    return list(json.loads(command("audit", "--data-dir", directory, *words).out))


def test_what_the_operator_does_is_told_newest_first(directory: Path, command: Command) -> None:
    made = json.loads(command("key", "create", "--user", "a@b.c", "--role", "VIEWER", "--data-dir", directory).out)
    key_id = made["api_key_id"]
    command("key", "create", "--user", "a@b.c", "--role", "EDITOR", "--scopes", "team_read", "--data-dir", directory)
    command("key", "disable", key_id, "--data-dir", directory)
    command("team", "create", "Marketing", "--data-dir", directory)
    command("doctor", "--repair", "--data-dir", directory)
    found = told(command, directory)
    assert [entry["action"] for entry in found] == [
        *("installation.repair", "team.create", "key.disable"),
        *("key.create", "member.role", "key.create", "member.add", "key.create", "team.create"),
    ]
    assert {entry["actor"] for entry in found} == {"operator"}
    assert [entry["team_id"] for entry in found[:3]] == [None, 2, 1]
    assert (found[4]["before"], found[4]["after"]) == ({"role": "VIEWER"}, {"role": "EDITOR"})
    assert made["api_key"][13:56] not in json.dumps(found)


def test_what_is_asked_for_is_told_alone(directory: Path, command: Command) -> None:
    command("team", "create", "Marketing", "--data-dir", directory)
    assert [one["object"] for one in told(command, directory, "--team", 2)] == ["team:2"]
    assert [one["action"] for one in told(command, directory, "--object", "team:1")] == ["team.create"]
    assert len(told(command, directory, "--limit", 1)) == 1
    assert len(told(command, directory, "--since", "-1d")) == 3
    assert told(command, directory, "--since", "2999-01-01") == told(command, directory, "--user", 9) == []
    assert "team.create" in command("audit", "--data-dir", directory, "-o", "table").out
    assert command("audit", "--data-dir", directory, "--limit", 0).code == 64


def test_no_command_changes_the_state_without_a_row() -> None:
    """A function that opens a transaction, or is handed one, records what it did in it."""
    writing = set()
    for path in ROOM.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.AsyncFunctionDef):
                text = ast.unparse(node)
                if (".write()" in text or "changing(" in text) and ".record(" not in text:
                    writing.add(f"{path.stem}.{node.name}")
    elsewhere = {"installation.another_key", "installation.changing"}
    assert writing == elsewhere, "their rows are written by _owners_key, and by who makes the change"
