"""`dayfill keyring`: keys are made, listed, added and dropped, and what cannot be done says why."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

import pytest
from command_line import Command

from dayfill.secrets import Keyring
from loaded import Loaded

SEALED_FOR = "1:destinations:1:sealed"


@pytest.fixture
def directory(tmp_path: Path, command: Command) -> Path:
    """An installation whose one destination has a stored secret."""
    made = Loaded(tmp_path)
    made.write_source()
    command("init", "--data-dir", made.directory)
    sealed = Keyring.from_file(made.directory / "keyring").seal(b'{"password":"p"}', SEALED_FOR)
    made.in_state(
        "INSERT INTO destinations (team_id, destination_type, display_name, auth_method, fields, location, sealed,"
        " created_time) VALUES (1, 'DWH_DUCKDB', 'D', '', '{\"path\": \"/tmp/d.duckdb\"}', 'x', ?, 0)",
        sealed,
    )
    return made.directory


def listed(command: Command, directory: Path) -> list[tuple[int, bool, bool, int]]:
    rows = json.loads(command("keyring", "list", "--data-dir", directory).out)
    return [(row["key"], row["is_held"], row["seals"], row["secrets"]) for row in rows]


def test_a_key_is_added_seals_everything_and_the_old_one_goes(directory: Path, command: Command) -> None:
    assert listed(command, directory) == [(1, True, True, 1)]
    ran = command("keyring", "rotate", "--data-dir", directory)
    assert (ran.code, json.loads(ran.out)) == (0, {"newest": 2, "resealed": 1, "broken": []})
    assert "Keep a copy of the keyring" in ran.err
    assert listed(command, directory) == [(1, True, False, 0), (2, True, True, 1)]
    refused = command("keyring", "drop", 2, "--data-dir", directory)
    assert (refused.code, "Key 2 is the newest" in refused.err) == (1, True)
    assert command("keyring", "drop", 1, "--data-dir", directory).code == 0
    assert listed(command, directory) == [(2, True, True, 1)]
    assert json.loads(command("key", "list", "--data-dir", directory).out), "API keys stay"
    told = [one["action"] for one in json.loads(command("audit", "--data-dir", directory).out)]
    assert told[:3] == ["keyring.drop", "keyring.reseal", "keyring.add"]


def test_a_rotation_that_was_broken_off_goes_on_without_a_further_key(directory: Path, command: Command) -> None:
    file = directory / "keyring"
    held = json.loads(file.read_text())
    held["keys"]["2"] = held["keys"]["1"]
    file.write_text(json.dumps(held))
    assert json.loads(command("keyring", "rotate", "--data-dir", directory).out)["newest"] == 2
    assert listed(command, directory) == [(1, True, False, 0), (2, True, True, 1)]


def test_a_lost_key_is_listed_and_named_and_stops_nothing(directory: Path, command: Command) -> None:
    (directory / "keyring").unlink()
    assert command("keyring", "list", "--data-dir", directory).code == 2, "a state that needs its keyring"
    assert command("keyring", "create", directory / "keyring").code == 0
    command("keyring", "rotate", "--data-dir", directory)
    (directory / "keyring").write_text((directory / "keyring").read_text().replace('"1"', '"3"'))
    assert listed(command, directory) == [(1, False, False, 1), (2, True, False, 0), (3, True, True, 0)]
    ran = command("keyring", "rotate", "--data-dir", directory)
    assert (ran.code, json.loads(ran.out)["newest"]) == (1, 4)
    assert "destination 1 of team 1" in json.loads(ran.out)["broken"][0]
    found = {one["check"]: one for one in json.loads(command("doctor", "--data-dir", directory).out)}
    assert "destination 1 of team 1" in found["stored secrets open"]["problem"]


def test_the_doctor_says_that_secrets_open(directory: Path, command: Command) -> None:
    ran = command("doctor", "--data-dir", directory, "-o", "table")
    assert "ok     the keyring opens 1 stored secrets" in ran.out


def test_a_keyring_in_the_environment_is_changed_by_its_owner(
    directory: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = directory / "keyring"
    monkeypatch.setenv("DAYFILL_KEYRING", file.read_text())
    for words in (["rotate"], ["drop", 1]):
        ran = command("keyring", *words, "--data-dir", directory)
        assert (ran.code, "DAYFILL_KEYRING_FILE" in ran.err) == (2, True)
    held = json.loads(file.read_text())
    held["keys"]["2"] = held["keys"]["1"]
    monkeypatch.setenv("DAYFILL_KEYRING", json.dumps(held))
    with (directory / "serve.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ran = command("keyring", "rotate", "--data-dir", directory)
        assert (ran.code, "stop it first" in ran.err) == (2, True)
    ran = command("keyring", "rotate", "--data-dir", directory)
    assert (ran.code, json.loads(ran.out)["resealed"]) == (0, 1)


def test_a_keyring_is_never_overwritten(directory: Path, command: Command) -> None:
    before = (directory / "keyring").read_text()
    ran = command("keyring", "create", directory / "keyring")
    assert (ran.code, "never overwritten" in ran.err) == (2, True)
    assert (directory / "keyring").read_text() == before


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path, command: Command) -> None:
    (tmp_path / "file").touch()
    ran = command("keyring", "create", tmp_path / "file" / "keyring")
    assert (ran.code, "cannot be used" in ran.err) == (2, True)
