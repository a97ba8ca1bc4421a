"""What goes wrong between a command and its server: words, exit codes, nothing secret, nothing on stdout."""

from __future__ import annotations

import socket

import pytest
from answering import Answering
from command_line import Command

GET = ("backfill", "get", "12")
PATH = "/teams/7/backfills/12"


@pytest.mark.parametrize(
    ("status", "exit_code"),
    [(400, 1), (401, 65), (403, 65), (404, 1), (409, 1), (422, 1), (429, 69), (500, 69), (503, 69)],
)
def test_each_status_has_its_exit_code(status: int, exit_code: int, command: Command, server: Answering) -> None:
    server.refuse("GET", PATH, status, "SOME_CODE", "What happened and what to do.")
    ran = command(*GET)
    assert (ran.code, ran.out) == (exit_code, "")
    assert ran.err == "dayfill: What happened and what to do. (SOME_CODE)\n"


def test_when_to_try_again_is_said(command: Command, server: Answering) -> None:
    server.refuse("GET", PATH, 429, "TOO_MANY_REQUESTS", "Slow down.", Retry_After="17")
    assert "Try again in 17 s." in command(*GET).err


def test_no_server_is_said_with_its_address(
    command: Command, server: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        ran = command(*GET, "--url", url)
    assert (ran.code, ran.out) == (69, "")
    assert f"No answer from {url}" in ran.err
    assert "dayfill serve" in ran.err


@pytest.mark.parametrize("body", [b"<html>", b"", b'{"error": 3}', b"[]", b'"x"'])
def test_a_stranger_on_the_port_is_not_believed(body: bytes, command: Command, server: Answering) -> None:
    server.bare("GET", PATH, body, 500)
    ran = command(*GET)
    assert (ran.code, ran.err) == (69, "dayfill: The server answered 500.\n")
    if body in (b"<html>", b""):
        server.bare("GET", PATH, body)
        assert "its answer is not JSON" in command(*GET).err


def test_a_server_cannot_write_to_the_terminal(command: Command, server: Answering) -> None:
    server.refuse("GET", PATH, 422, "CODE", "red \x1b[31m bell \x07")
    assert "\x1b" not in command(*GET).err
    server.on("GET", "/teams/7/destinations", [{"id": 1, "display_name": "a\x1b[2Jb\nc", "type": "T"}])
    assert "\x1b" not in command("destination", "list", "-o", "table").out


@pytest.mark.parametrize(
    ("missing", "said"), [("DAYFILL_API_KEY", "DAYFILL_API_KEY"), ("DAYFILL_TEAM_ID", "DAYFILL_TEAM_ID")]
)
def test_a_missing_setting_is_a_usage_error(
    missing: str, said: str, command: Command, server: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(missing)
    ran = command(*GET)
    assert (ran.code, ran.out, server.asked) == (64, "", [])
    assert said in ran.err


@pytest.mark.parametrize(
    "words",
    [
        ["nothing"],
        ["backfill", "nothing"],
        ["backfill", "get"],
        ["backfill", "get", "twelve"],
        ["backfill", "get", "12", "--colour"],
        ["backfill", "get", "12", "-o", "xml"],
        ["backfill", "create", "3", "whenever"],
        ["backfill", "create", "3", "2024", "--only", "odd"],
        ["backfill", "watch", "12", "--timeout", "soon"],
        ["backfill", "create", "3", "2024", "--wait", "--timeout", "soon"],
        ["backfill", "retry", "12", "--timeout", "-1"],
        ["transfer", "create", "T", "--source", "FILES", "--destination", "1"],
        ["transfer", "create", "T", "--source", "FILES", "--destination", "1", "--table", "t", "--set", "path"],
        ["transfer", "create", "T", "--source", "FILES", "--destination", "1", "--table", "t", "--set", "n:={"],
    ],
)
def test_usage_errors_end_with_64_and_ask_the_server_nothing(
    words: list[str], command: Command, server: Answering
) -> None:
    ran = command(*words)
    assert (ran.code, ran.out, server.asked) == (64, "", [])
    assert ran.err.startswith("dayfill: ")
    assert "Traceback" not in ran.err


def test_a_setting_that_is_wrong_ends_with_2(
    command: Command, server: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAYFILL_OUTPUT", "xml")
    ran = command(*GET)
    assert (ran.code, ran.out) == (2, "")
    assert "DAYFILL_OUTPUT" in ran.err


def test_verbose_shows_requests_but_no_key(command: Command, server: Answering) -> None:
    server.on("GET", PATH, {"status": "RUNNING"})
    ran = command(*GET, "-v")
    assert ran.err.startswith(f"GET {PATH} 200 ")
    assert "api_test" not in ran.err


def test_quiet_keeps_notes_away_but_not_errors(command: Command, server: Answering) -> None:
    server.on("POST", "/x/v1/teams/7/backfills/12/retry", {"status": "RUNNING"})
    server.on("DELETE", "/teams/7/transfers/3", None)
    assert command("transfer", "delete", "3", "-y", "-q").err == ""
    assert command("transfer", "delete", "3", "-y").err != ""
    assert command("transfer", "get", "9", "-q").err != ""
