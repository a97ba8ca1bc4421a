"""`dayfill init`, `team`, `key` and `doctor` on a data directory."""

from __future__ import annotations

import asyncio
import io
import json
import re
import sqlite3
from pathlib import Path

import pytest
from command_line import Command, Ran

from dayfill.app import STATE_FILE
from dayfill.app.keyring import read_keyring
from dayfill.engine.keys import compose, recognise
from dayfill.settings import read_settings
from dayfill.store.snapshot import snapshot

KEY = re.compile(r"api_[A-Za-z0-9_]{59}")


@pytest.fixture
def directory(tmp_path: Path, command: Command) -> Path:
    """An installation."""
    found = tmp_path / "installation"
    assert command("init", "--data-dir", found).code == 0
    return found


def test_init_makes_a_private_directory_and_shows_the_key_once(tmp_path: Path, command: Command) -> None:
    place = tmp_path / "new"
    first = command("init", "--data-dir", place)
    assert (first.code, first.out) == (0, "")
    (key,) = set(KEY.findall(first.err))
    assert place.stat().st_mode & 0o777 == 0o700
    assert not any(key.encode() in path.read_bytes() for path in place.iterdir())
    again = command("init", "--data-dir", place)
    assert (again.code, KEY.findall(again.err)) == (0, [])
    assert "set up already" in again.err


def test_even_a_quiet_init_shows_the_key(tmp_path: Path, command: Command) -> None:
    assert KEY.search(command("init", "--data-dir", tmp_path / "new", "-q").err)


@pytest.mark.parametrize("words", [["team", "list"], ["key", "list"], ["team", "create", "T"], ["doctor"]])
def test_a_mistyped_directory_does_not_become_an_installation(
    words: list[str], tmp_path: Path, command: Command
) -> None:
    ran = command(*words, "--data-dir", tmp_path / "typo")
    assert (ran.code, ran.out) == (2, "")
    assert "dayfill init" in ran.err
    assert not (tmp_path / "typo").exists()


def test_a_team_and_a_key_for_its_first_user(directory: Path, command: Command) -> None:
    team = json.loads(command("team", "create", "Marketing", "--data-dir", directory).out)
    assert (team["team_id"], team["name"]) == (2, "Marketing")
    who = ["--team", 2, "--user", "Ann@example.com", "--data-dir", directory]
    refused = command("key", "create", *who)
    assert refused.code == 64
    assert "--role" in refused.err
    limited = ["--role", "VIEWER", "--scopes", "dwh_transfers_read", "--expires", "90d", "--description", "CI"]
    limited += ["--allow-ips", "192.0.2.7, 10.0.0.0/8"]
    made = json.loads(command("key", "create", *who, *limited).out)
    assert KEY.fullmatch(made["api_key"])
    assert made["scope_names"] == ["dwh_transfers_read"]
    assert made["allow_ips"] == ["192.0.2.7", "10.0.0.0/8"]
    assert made["expires_time"] > made["created_time"]
    again = json.loads(command("key", "create", *who).out)  # a member by now: no role needed
    assert again["user_id"] == made["user_id"]
    names = {team["name"] for team in json.loads(command("team", "list", "--data-dir", directory).out)}
    assert names == {"Default", "Marketing"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--scopes", "all_of_it", "--role", "OWNER"], "all_of_it"),
        (["--expires", "soon", "--role", "OWNER"], "90d"),
        (["--allow-ips", "everywhere", "--role", "OWNER"], "everywhere"),
        (["--team", "99", "--role", "OWNER"], "Team 99"),
        (["--role", "KING"], "KING"),
    ],
)
def test_a_key_that_cannot_be_is_refused_and_leaves_nothing(
    words: list[str], said: str, directory: Path, command: Command
) -> None:
    before = command("key", "list", "--data-dir", directory).out
    ran = command("key", "create", "--user", "a@example.com", "--data-dir", directory, *words)
    assert ran.code in (1, 64)
    assert said in ran.err
    assert command("key", "list", "--data-dir", directory).out == before


def test_a_key_of_another_installation_works_here_once_it_is_imported(
    directory: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def imported(text: str) -> Ran:
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        return command("key", "import", "--user", "a@example.com", "--role", "VIEWER", "--data-dir", directory)

    text = compose("Elsewher", "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG")
    ran = imported(text + "\n")
    made = json.loads(ran.out)
    assert (made["api_key_id"], made["key_start"]) == ("apk_Elsewher", "api_Elsewh") and text not in ran.out + ran.err
    settings = read_settings(data_dir=directory, environ={})
    with snapshot(directory / STATE_FILE) as state:
        assert asyncio.run(recognise(state, read_keyring(settings), text)).caller.user_id == made["user_id"]
    assert json.loads(command("audit", "--data-dir", directory, "--limit", 1).out)[0]["action"] == "key.import"
    listed = command("key", "list", "--data-dir", directory).out
    for wrong, said in ((text, "already"), (text[:-1] + "x", "not an API key"), ("", "not an API key")):
        assert (refused := imported(wrong)).code == 1 and said in refused.err
    assert "could guess it" in imported(compose("Elsewhe2", "hunter2" * 6 + "h")).err
    assert command("key", "list", "--data-dir", directory).out == listed


def test_a_disabled_key_is_listed_as_disabled(directory: Path, command: Command) -> None:
    (key,) = json.loads(command("key", "list", "--data-dir", directory).out)
    assert key["is_enabled"] is True
    assert "api_key" not in key
    assert command("key", "disable", key["api_key_id"], "--data-dir", directory).code == 0
    (after,) = json.loads(command("key", "list", "--data-dir", directory).out)
    assert after["is_enabled"] is False
    assert command("key", "disable", "apk_nothing0", "--data-dir", directory).code == 1


def test_a_rotated_key_has_a_second_one_beside_it_for_a_while(directory: Path, command: Command) -> None:
    (old,) = json.loads(command("key", "list", "--data-dir", directory).out)
    ran = command("key", "rotate", old["api_key_id"], "--overlap", "2h", "--data-dir", directory)
    new = json.loads(ran.out)
    assert KEY.fullmatch(new["api_key"]) and new["scope_names"] == old["scope_names"]
    listed = {key["api_key_id"]: key for key in json.loads(command("key", "list", "--data-dir", directory).out)}
    assert listed[new["api_key_id"]]["expires_time"] is None
    assert f"{old['api_key_id']} ends at {listed[old['api_key_id']]['expires_time']}" in ran.err
    assert json.loads(command("audit", "--data-dir", directory, "--limit", 1).out)[0]["action"] == "key.rotate"
    assert command("key", "rotate", "apk_nothing0", "--data-dir", directory).code == 1
    for span in ("soon", "31d", "721h"):
        assert command("key", "rotate", new["api_key_id"], "--overlap", span, "--data-dir", directory).code == 64


def test_a_disabled_user_has_no_key_that_works_until_enabled_again(directory: Path, command: Command) -> None:
    here = ("--data-dir", directory)
    key = json.loads(command("key", "create", "--user", "ann@example.com", "--role", "OWNER", *here).out)

    def dead() -> list[int]:
        with sqlite3.connect(directory / "state.sqlite") as state:
            return [row[0] for row in state.execute("SELECT user_id FROM users WHERE is_enabled = 0")]

    assert json.loads(command("member", "disable", "ann@example.com", *here).out)["is_enabled"] is False
    assert dead() == [key["user_id"]]
    refused = command("member", "disable", "owner@localhost", *here)
    assert (refused.code, "last owner of team 1" in refused.err) == (1, True), "a disabled owner does not count"
    assert json.loads(command("member", "enable", key["user_id"], *here).out)["is_enabled"] is True
    assert dead() == []
    command("team", "create", "Two", *here)
    command("member", "add", "owner@localhost", "--role", "OWNER", "--team", 2, *here)
    assert "last owner of team 2" in command("member", "disable", "owner@localhost", *here).err, "it holds everywhere"
    told = json.loads(command("audit", *here, "--object", f"member:{key['user_id']}").out)
    assert [(one["action"], one["after"]) for one in told[:2]] == [
        ("member.enable", {"is_enabled": True}),
        ("member.disable", {"is_enabled": False}),
    ]


def test_who_joins_with_keys_is_told(directory: Path, command: Command) -> None:
    here = ("--data-dir", directory)
    command("team", "create", "Two", *here)
    joined = command("member", "add", "owner@localhost", "--role", "OWNER", "--team", 2, *here)
    assert "1 API keys already" in joined.err and "reach team 2" in joined.err
    assert command("member", "add", "ann@example.com", "--role", "VIEWER", *here).err == ""


def test_members_are_added_changed_and_removed(directory: Path, command: Command) -> None:
    def member(*words: object) -> int:
        return command("member", *words, "--data-dir", directory).code

    assert member("add", "Ann@example.com", "--role", "EDITOR") == 0
    assert member("add", "ann@example.com", "--role", "ADMIN") == 1
    assert member("role", "ann@example.com", "ADMIN") == 0
    listed = json.loads(command("member", "list", "--data-dir", directory).out)
    assert [(one["email"], one["role"]) for one in listed] == [
        ("owner@localhost", "OWNER"),
        ("ann@example.com", "ADMIN"),
    ]
    assert member("role", listed[0]["user_id"], "VIEWER") == 1, "the last owner stays"
    assert member("remove", "owner@localhost") == 1
    assert command("key", "create", "--user", "owner@localhost", "--role", "VIEWER", "--data-dir", directory).code == 1
    assert member("remove", "nobody@example.com") == member("remove", 99) == 1
    assert member("remove", listed[1]["user_id"]) == 0
    assert len(json.loads(command("member", "list", "--data-dir", directory).out)) == 1
    told = json.loads(command("audit", "--data-dir", directory, "--object", "member:2").out)
    assert [one["action"] for one in told] == ["member.remove", "member.role", "member.add"]


def test_the_doctor_finds_a_sound_installation_sound(directory: Path, command: Command) -> None:
    ran = command("doctor", "--data-dir", directory, "-o", "table")
    assert ran.code == 0
    assert "WRONG" not in ran.out
    assert "rules of state and ledgers hold" in ran.out


def test_the_doctor_finds_a_keyring_that_others_can_read(directory: Path, command: Command) -> None:
    (directory / "keyring").chmod(0o644)
    ran = command("doctor", "--data-dir", directory, "-o", "table")
    assert ran.code == 1
    assert f"WRONG  only its owner can read {directory}/keyring: its mode is 644. Do: chmod go=" in ran.out


def test_the_doctor_finds_a_wrong_counter_and_a_lost_warehouse(directory: Path, command: Command) -> None:
    state = sqlite3.connect(directory / "state.sqlite")
    with state:
        state.execute("PRAGMA foreign_keys = OFF")
        state.execute(
            "INSERT INTO destinations (team_id, destination_type, display_name, auth_method, fields, location,"
            " created_time) VALUES (1, 'DWH_DUCKDB', 'Lost', '', '{\"path\": \"/no/such/folder/w.duckdb\"}', 'x', 0)"
        )
        state.execute(
            "INSERT INTO backfills (team_id, transfer_id, range_start, range_end, status, priority, created_time,"
            " created_user_id, total, created, completed) VALUES (1, 1, '2024-01-01', '2024-01-02', 'RUNNING', 3, 0, 1,"
            " 2, 2, 2)"
        )
    state.close()
    ran = command("doctor", "--data-dir", directory)
    wrong = {finding["check"]: finding["problem"] for finding in json.loads(ran.out) if not finding["ok"]}
    assert ran.code == 1
    assert "/no/such/folder" in wrong["destination 1 'Lost' of team 1 can be written"]
    assert "backfill 1" in wrong["rules of state and ledgers"]


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_demo_on_a_port_that_is_none_is_a_usage_error(port: int, tmp_path: Path, command: Command) -> None:
    ran = command("demo", f"--port={port}", "--dir", tmp_path / "demo")
    assert (ran.code, ran.out) == (64, "")
    assert f"--port {port} is not a port." in ran.err
    assert not (tmp_path / "demo").exists()


def test_the_limits_of_a_team_are_set_one_by_one_and_listed(directory: Path, command: Command) -> None:
    where = ["--data-dir", directory]
    assert command("team", "limits", 1, *where).code == 64
    set_first = json.loads(command("team", "limits", 1, "--rows-per-month", 5_000, "--history-days", 30, *where).out)
    assert set_first == {
        "team_id": 1,
        "rows_this_month": 0,
        "rows_per_month": 5_000,
        "history_days": 30,
        "weight": 1,
    }
    then = json.loads(command("team", "limits", 1, "--rows-per-month", "none", *where).out)
    assert (then["rows_per_month"], then["history_days"]) == (None, 30)
    told = json.loads(command("audit", "--limit", 1, *where).out)[0]
    assert (told["action"], told["before"]) == ("team.limits", {"rows_per_month": 5_000})
    weighed = json.loads(command("team", "limits", 1, "--weight", 3, *where).out)
    assert (weighed["history_days"], weighed["weight"]) == (30, 3)
    told = json.loads(command("audit", "--limit", 1, *where).out)[0]
    assert (told["before"], told["after"]) == ({"weight": 1}, {"weight": 3})
    (listed,) = json.loads(command("team", "list", *where).out)
    assert {"rows_this_month": 0, "rows_per_month": None, "history_days": 30, "weight": 3}.items() <= listed.items()
    for words, code in (
        (["99", "--history-days", 1], 1),
        (["1", "--history-days", 0], 1),
        (["1", "--history-days", "x"], 64),
        (["1", "--weight", 101], 1),
        (["1", "--weight", "none"], 64),
    ):
        assert command("team", "limits", *words, *where).code == code
