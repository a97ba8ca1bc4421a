"""An installation moves from its file into PostgreSQL: nothing is lost, and what is there is left alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import Command

from dayfill.app import STATE_FILE
from dayfill.app.holding import only_server
from postgres_server import sql


@pytest.fixture
def embedded(command: Command, tmp_path: Path) -> Path:
    """A data directory with an installation, and with a day that runs."""
    directory = tmp_path / "data"
    assert command("init", "--data-dir", directory).code == 0
    assert command("team", "create", "Second \u00e9", "--data-dir", directory).code == 0
    return directory


def keys(command: Command, *words: object) -> object:
    ran = command("key", "list", "--team", 1, "-o", "json", *words)
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def test_all_is_there_and_the_same_keyring_opens_it(command: Command, embedded: Path, postgres_database: str) -> None:
    before = keys(command, "--data-dir", embedded)
    ran = command("state", "copy", "--to", postgres_database, "--data-dir", embedded, "-o", "json")
    assert ran.code == 0, ran.err
    rows = {one["table"]: one["rows"] for one in json.loads(ran.out)}
    assert (rows["teams"], rows["users"], rows["api_keys"], rows["installation"]) == (2, 1, 1, 1)
    there = ("--state", postgres_database, "--data-dir", embedded)
    assert keys(command, *there) == before
    made = command("team", "create", "Third", "-o", "json", *there)
    assert json.loads(made.out)["team_id"] == 3, "ids go on where they were"
    looked = command("doctor", *there)
    assert looked.code == 0 and "WRONG" not in looked.out, looked.out
    assert (embedded / STATE_FILE).exists()


def test_a_target_that_holds_a_state_is_left_alone(command: Command, embedded: Path, postgres_database: str) -> None:
    assert command("state", "copy", "--to", postgres_database, "--data-dir", embedded).code == 0
    again = command("state", "copy", "--to", postgres_database, "--data-dir", embedded)
    assert again.code == 2 and "holds a state already" in again.err
    assert sql(postgres_database, "SELECT count(*) FROM teams") == "2"


def test_a_state_that_is_served_is_not_copied(command: Command, embedded: Path, postgres_database: str) -> None:
    with only_server(embedded):
        ran = command("state", "copy", "--to", postgres_database, "--data-dir", embedded)
    assert ran.code == 2 and "Another dayfill server" in ran.err
    assert sql(postgres_database, "SELECT to_regclass('teams') IS NULL") == "t"


def test_a_state_in_postgresql_is_copied_by_its_own_tools(
    command: Command, embedded: Path, postgres_database: str, tmp_path: Path
) -> None:
    there = ("--state", postgres_database, "--data-dir", embedded)
    copied = command("state", "copy", "--to", postgres_database, *there)
    assert copied.code == 2 and "in PostgreSQL already" in copied.err
    ran = command("backup", tmp_path / "copy", *there)
    assert ran.code == 2 and "pg_dump" in ran.err


def test_a_state_that_is_not_there_is_not_made_by_a_look(
    command: Command, embedded: Path, postgres_database: str
) -> None:
    looked = command("doctor", "--state", postgres_database, "--data-dir", embedded)
    assert looked.code == 1 and "has schema 0" in looked.out
    assert sql(postgres_database, "SELECT to_regclass('teams') IS NULL") == "t"


def test_no_new_installation_is_begun_where_the_copy_was_forgotten(
    command: Command, embedded: Path, postgres_database: str
) -> None:
    """It knew none of the keys and days of the one in the file, and then the copy was refused."""
    there = ("--state", postgres_database, "--data-dir", embedded)
    begun = command("init", *there)
    assert begun.code == 2 and "dayfill state copy --to postgresql://..." in begun.err
    assert command("state", "copy", "--to", postgres_database, "--data-dir", embedded).code == 0
    assert command("init", *there).code == 0
