"""`dayfill sign-in-link` and `dayfill session`: a way in, and the way out again."""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path

from command_line import Command

from dayfill.store.db import Row


def run(command: Command, folder: Path, *words: object) -> tuple[int, str, str]:
    ran = command(*words, "--data-dir", folder)
    return ran.code, ran.out, ran.err


def rows(folder: Path, statement: str) -> list[Row]:
    with sqlite3.connect(folder / "state.sqlite") as state:
        return state.execute(statement).fetchall()


def test_a_link_is_printed_for_who_is_there(tmp_path: Path, command: Command) -> None:
    assert run(command, tmp_path, "init")[0] == 0
    code, out, _ = run(command, tmp_path, "sign-in-link", "owner@localhost", "-o", "json")
    assert code == 0
    assert json.loads(out)["url"].startswith("http://127.0.0.1:8484/sign-in?link=")
    at = ("--at", "https://dayfill.example/", "-o", "json")
    assert json.loads(run(command, tmp_path, "sign-in-link", "owner@localhost", *at)[1])["url"].startswith(
        "https://dayfill.example/sign-in?link="
    )
    assert rows(tmp_path, "SELECT count(*) FROM sign_in_links") == [(2,)]
    assert (
        rows(tmp_path, "SELECT actor, object FROM audit WHERE action = 'session.link'")
        == [("operator", "session:1")] * 2
    )
    code, _, err = run(command, tmp_path, "sign-in-link", "nobody@example.com")
    assert (code, "dayfill member list" in err) == (1, True)


def test_sessions_are_listed_and_ended(tmp_path: Path, command: Command) -> None:
    assert run(command, tmp_path, "init")[0] == 0
    now = time.time_ns() // 1_000
    rows(
        tmp_path,
        "INSERT INTO sessions (session_hash, user_id, team_id, csrf, address, created_time, seen_time)"
        f" VALUES (x'00', 1, 1, x'00', '192.0.2.7', {now}, {now})",
    )
    [listed] = json.loads(run(command, tmp_path, "session", "list", "-o", "json")[1])
    assert (listed["session_id"], listed["email"], listed["address"]) == (1, "owner@localhost", "192.0.2.7")
    assert run(command, tmp_path, "session", "end", "1")[0] == 0
    assert rows(tmp_path, "SELECT count(*) FROM sessions") == [(0,)]
    assert rows(tmp_path, "SELECT actor, team_id FROM audit WHERE action = 'session.end'") == [("operator", 1)]
    code, _, err = run(command, tmp_path, "session", "end", "1")
    assert (code, "There is no session 1: list" in err) == (1, True)
