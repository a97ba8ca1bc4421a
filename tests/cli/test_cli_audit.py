"""`dayfill audit`, and that every command that changes the state leaves its rows there."""

from __future__ import annotations

import io
import json
import sqlite3
from pathlib import Path

import pytest
from command_line import Command
from test_cli_tree import COMMANDS

from dayfill.cli import build_app
from dayfill.engine.keys import compose
from dayfill.secrets import Keyring


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


# -- every command on the server's machine

KEY, USER = "apk_00000001", "ann@example.com"
NEW_KEY = compose("Elsewher", "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG")
CHANGES: dict[str, tuple[tuple[str, ...], list[str]]] = {
    "team create": (("Marketing",), ["team.create"]),
    "team limits": (("1", "--rows-per-month", "5"), ["team.limits"]),
    "member add": (("bob@example.com", "--role", "VIEWER"), ["member.add"]),
    "member role": ((USER, "VIEWER"), ["member.role"]),
    "member remove": ((USER,), ["member.remove"]),
    "member disable": ((USER,), ["member.disable"]),
    "member enable": ((USER,), ["member.enable"]),
    "key create": (("--user", USER), ["key.create"]),
    "key import": (("--user", USER), ["key.import"]),
    "key rotate": ((KEY,), ["key.rotate"]),
    "key disable": ((KEY,), ["key.disable"]),
    "sign-in-link": ((USER,), ["session.link"]),
    "session end": (("7",), ["session.end"]),
    "keyring rotate": ((), ["keyring.add", "keyring.reseal"]),
    "keyring drop": (("1",), ["keyring.drop"]),
    "doctor": (("--repair",), ["installation.repair"]),
}
"""Words of the command, and what the log tells of it: of a rotation the key, and each hundred of secrets."""
LOOKS = {"team list", "member list", "key list", "session list", "keyring list", "audit", "backup", "verify"}
NO_STATE_YET = {"init", "serve", "keyring create", "state copy"}
"""They make an installation, or a file; what a first start makes is told as the commands tell it."""


def test_every_command_on_the_servers_machine_is_known_to_change_something_or_to_look() -> None:
    def is_local(path: tuple[str, ...]) -> bool:
        app = build_app()
        for name in path:
            app = app[name]
        return "LocalOptions" in str(app.default_command.__annotations__.get("options"))

    assert {" ".join(path) for path in COMMANDS if is_local(path)} == {*CHANGES, *LOOKS, *NO_STATE_YET}


@pytest.mark.parametrize("name", [*CHANGES, *sorted(LOOKS)])
def test_a_change_leaves_its_rows_and_a_look_none(
    name: str, directory: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("key", "create", "--user", USER, "--role", "EDITOR", "--data-dir", directory)
    if name == "keyring drop":
        command("keyring", "rotate", "--data-dir", directory)
    _furnish(directory)
    monkeypatch.setattr("sys.stdin", io.StringIO(NEW_KEY))
    before = told(command, directory)
    words = {"backup": (directory.with_name("copy"),), "verify": ("Flights",)}.get(name) or CHANGES.get(name, ((),))[0]
    ran = command(*name.split(), *words, "--data-dir", directory)
    assert ran.code == 0 or name == "verify", ran.err
    found = told(command, directory)
    new = [entry["action"] for entry in reversed(found[: len(found) - len(before)])]
    assert new == (CHANGES[name][1] if name in CHANGES else [])


def _furnish(directory: Path) -> None:
    """A key, a session and a stored secret that the commands can name."""
    sealed = Keyring.from_file(directory / "keyring").seal(b"{}", "1:destinations:1:sealed")
    state = sqlite3.connect(directory / "state.sqlite", isolation_level=None)
    user = f"(SELECT user_id FROM users WHERE email = '{USER}')"
    state.execute(f"UPDATE api_keys SET api_key_id = '{KEY}' WHERE user_id = {user}")
    state.execute(f"INSERT INTO sessions VALUES (7, x'07', {user}, 1, x'00', '', 0, 0)")
    state.execute(
        "INSERT INTO destinations (team_id, destination_type, display_name, auth_method, fields, location, sealed,"
        " created_time) VALUES (1, 'DWH_DUCKDB', 'D', '', '{}', 'x', ?, 0)",
        (sealed,),
    )
    state.close()
