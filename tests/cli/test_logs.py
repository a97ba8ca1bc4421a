"""The log goes to stderr, and what cannot be written there stops nobody."""

from __future__ import annotations

import errno
import io
import logging
import sys
import threading

import pytest
import structlog

from dayfill.api.traffic import current
from dayfill.cli.logs import log_to_stderr
from dayfill.domain.secret import Secret

CANARY = "canary-e41b"


class FullDisk(io.StringIO):
    """A file on a disk without room."""

    tried = 0

    def write(self, text: str, /) -> int:
        self.tried += 1
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_log_on_a_full_disk_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = FullDisk()
    monkeypatch.setattr(sys, "stderr", disk)
    log_to_stderr("info")
    structlog.get_logger().error("told to nobody")
    assert disk.tried


def test_a_log_says_what_from_its_level_on(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr("warning")
    structlog.get_logger().info("too small")
    structlog.get_logger().warning("told", number=1)
    said = capsys.readouterr().err
    assert "level=warning event=told number=1" in said
    assert "too small" not in said


def test_what_is_logged_while_a_request_is_answered_says_which(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr("info")
    token = current.set("0190-REQUEST")
    structlog.get_logger().info("in")
    structlog.get_logger().info("named", request_id="OTHER")
    current.reset(token)
    structlog.get_logger().info("out")
    inside, named, outside = capsys.readouterr().err.splitlines()
    assert "event=in request_id=0190-REQUEST" in inside
    assert "event=named request_id=OTHER" in named
    assert "request_id" not in outside


def test_no_secret_gets_into_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr("info")
    secret = Secret(CANARY)
    log = structlog.get_logger()
    try:
        raise KeyError(f"postgresql://me:{CANARY}@db")
    except KeyError:
        log.exception("load_failed", why=RuntimeError(CANARY), config={"password": CANARY}, path=f"/x?key={CANARY}")
    logging.getLogger("driver").warning("cannot log in with %s", CANARY, extra={"x": CANARY})
    sys.excepthook(ValueError, ValueError(CANARY), None)
    thread = threading.Thread(target=lambda: {}[CANARY], name="reader")
    thread.start()
    thread.join()
    log.info("done", count=7, ratio=0.5, sealed=secret)
    said = capsys.readouterr().err
    assert CANARY not in said
    assert "event=load_failed" in said
    assert "Traceback" in said, "what happened where is told all the same"
    assert said.count("event=crashed") == 2
    assert "event=done" in said
    assert "count=7 ratio=0.5 sealed=***" in said


def test_a_hostile_text_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr("info")
    structlog.get_logger().info("told", why="x" * 10**6)
    assert len(capsys.readouterr().err) < 25_000


def test_a_secret_is_found_wherever_in_the_event_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr("info")
    secret = Secret(CANARY)
    for values in ({"a": CANARY, "b": "plain", "c": "end"}, {"a": "plain", "b": 7, "c": f"password={CANARY}"}):
        structlog.get_logger().info("told", **values)
    said = capsys.readouterr().err
    assert CANARY not in said
    assert "a=*** b=plain c=end" in said
    assert 'a=plain b=7 c="password=***"' in said
    del secret
