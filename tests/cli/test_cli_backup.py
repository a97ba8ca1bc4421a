"""A backup is a whole, private installation that can be served, and what was loaded after it locks nothing out."""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
from pathlib import Path

import pytest
from command_line import Command

from dayfill.engine.record import TOKEN_GAP
from loaded import Loaded, day


@pytest.fixture
def made(tmp_path: Path, clean: None) -> Loaded:
    return Loaded.make(tmp_path)


def test_a_backup_is_private_and_holds_all_that_an_installation_needs(made: Loaded, command: Command) -> None:
    (made.directory / "dayfill.toml").write_text("slots = 3\n")
    target = made.folder / "backup"
    ran = command("backup", target, "--data-dir", made.directory)
    assert (ran.code, json.loads(ran.out)["violations"]) == (0, [])
    assert f"cp -a {target}" in ran.err
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in target.iterdir()} == {
        "keyring": 0o600,
        "state.sqlite": 0o600,
        "dayfill.toml": 0o600,
    }
    assert stat.S_IMODE(target.stat().st_mode) == 0o700
    assert command("doctor", "--data-dir", target).code == 0
    assert json.loads(command("key", "list", "--data-dir", target).out)


def test_a_backup_is_one_moment_of_a_state_that_others_write(made: Loaded, command: Command) -> None:
    writer = sqlite3.connect(made.directory / "state.sqlite")
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE backfills SET completed = 0")
    assert command("backup", made.folder / "backup", "--data-dir", made.directory).code == 0
    writer.rollback()
    writer.close()
    copied = sqlite3.connect(made.folder / "backup" / "state.sqlite")
    assert copied.execute("SELECT completed FROM backfills").fetchall() == [(5,)]
    copied.close()


def test_a_backup_is_never_overwritten_and_a_failed_one_leaves_nothing(made: Loaded, command: Command) -> None:
    target = made.folder / "backup"
    target.mkdir()
    ran = command("backup", target, "--data-dir", made.directory)
    assert (ran.code, ran.out) == (2, "")
    assert "never overwritten" in ran.err
    assert list(target.iterdir()) == []
    missing = command("backup", made.folder / "no" / "such", "--data-dir", made.directory)
    assert (missing.code, "does not exist" in missing.err) == (2, True)
    long = command("backup", made.folder / ("x" * 254), "--data-dir", made.directory)
    assert (long.code, "cannot be written: File name too long" in long.err) == (2, True)
    before = set(made.folder.iterdir())
    (made.directory / "state.sqlite").write_bytes(b"no database at all" * 100)
    for path in made.directory.glob("state.sqlite-*"):
        path.unlink()
    broken = command("backup", made.folder / "other", "--data-dir", made.directory)
    assert (broken.code, "cannot be read as a state database" in broken.err) == (2, True)
    assert set(made.folder.iterdir()) == before


def test_a_copy_whose_state_breaks_a_rule_is_made_and_says_so(made: Loaded, command: Command) -> None:
    made.in_state("UPDATE backfills SET completed = completed - 1")
    ran = command("backup", made.folder / "backup", "--data-dir", made.directory)
    assert ran.code == 1
    assert json.loads(ran.out)["violations"][0].startswith("I2: ")
    assert "dayfill doctor" in ran.err


def test_a_backup_that_its_keyring_does_not_open_is_none(made: Loaded, command: Command) -> None:
    made.in_state("UPDATE destinations SET sealed = ?", b"sealed by another keyring")
    ran = command("backup", made.folder / "backup", "--data-dir", made.directory)
    assert (ran.code, "would not open" in ran.err) == (2, True)
    assert not (made.folder / "backup").exists()


def test_a_backup_without_the_keyring_is_not_served_before_it_is_back(made: Loaded, command: Command) -> None:
    target, keyring = made.folder / "backup", made.directory / "keyring"
    ran = command("backup", target, "--no-keyring", "--data-dir", made.directory)
    assert (ran.code, [path.name for path in target.iterdir()]) == (0, ["state.sqlite"])
    assert "keep a copy of that in another place" in ran.err
    refused = command("key", "create", "--user", "owner@localhost", "--data-dir", target)
    assert (refused.code, "restore the file from its backup" in refused.err) == (2, True)
    shutil.copy(keyring, target)
    assert command("key", "create", "--user", "owner@localhost", "--data-dir", target).code == 0


def test_a_keyring_outside_the_data_directory_is_not_copied(
    made: Loaded, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.move(made.directory / "keyring", made.folder / "elsewhere")
    monkeypatch.setenv("DAYFILL_KEYRING_FILE", str(made.folder / "elsewhere"))
    assert command("backup", made.folder / "backup", "--data-dir", made.directory).code == 0
    assert [path.name for path in (made.folder / "backup").iterdir()] == ["state.sqlite"]
    made.in_state("UPDATE destinations SET sealed = ?", b"sealed by another keyring")
    assert command("backup", made.folder / "other", "--data-dir", made.directory).code == 2


def test_a_state_of_another_version_is_not_copied(made: Loaded, command: Command) -> None:
    for schema, said in ((1, "older version"), (99, "newer version")):
        made.in_state(f"PRAGMA user_version = {schema}")
        ran = command("backup", made.folder / "backup", "--data-dir", made.directory)
        assert (ran.code, said in ran.err) == (2, True)


def test_an_older_copy_is_served_again_and_the_greatest_token_wins(made: Loaded, command: Command) -> None:
    assert command("backup", made.folder / "backup", "--data-dir", made.directory).code == 0
    made.write_source(changed=[day(4)])
    made.backfill(3, 4)
    (lost,) = made.in_warehouse("SELECT max(token) FROM _dayfill_days")[0]
    shutil.move(made.directory, made.folder / "data.old")
    shutil.copytree(made.folder / "backup", made.directory)
    assert made.in_state("SELECT last_token FROM installation") == [(5,)]
    made.backfill(0, 0)
    assert made.states() == "lllss", "what was loaded after the backup is in the warehouse, but no run tells of it"
    tokens = dict(made.in_warehouse("SELECT data_date, token FROM _dayfill_days"))
    assert tokens[day(4)] == lost or tokens[day(3)] == lost
    assert tokens[day(0)] == lost + TOKEN_GAP + 1
    made.backfill(0, 4, only=["stale"])
    assert made.states() == "lllll"
    assert made.in_warehouse("SELECT n FROM visits WHERE day = ? ORDER BY n", day(4)) == [(11,), (104,)]
    assert command("doctor", "--data-dir", made.directory).code == 0
