"""Failpoints: asked for by the environment of a test alone, each strikes once."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Literal

import pytest

from dayfill.errors import SetupError
from dayfill.seams import Fault, failing, no_failpoint, system_seams
from dayfill.settings import read_settings


def faults(text: str, tmp_path: Path, test: str = "1") -> tuple[Fault, ...]:
    return read_settings(data_dir=tmp_path, environ={"DAYFILL_FAILPOINT": text, "DAYFILL_TEST": test}).faults


def test_a_failpoint_outside_a_test_is_refused(tmp_path: Path) -> None:
    for switch in ("", "0", "yes"):
        with pytest.raises(SetupError, match="DAYFILL_TEST=1"):
            faults("claim:kill", tmp_path, switch)
    assert faults("", tmp_path, "") == ()


def test_each_fault_is_read_with_its_passage_and_its_length(tmp_path: Path) -> None:
    assert faults("claim:kill, before_commit:sleep=2.5@3,record:error@12,fire:stop,extract:sleep", tmp_path) == (
        Fault("claim", "kill"),
        Fault("before_commit", "sleep", passage=3, seconds=2.5),
        Fault("record", "error", passage=12),
        Fault("fire", "stop"),
        Fault("extract", "sleep", seconds=1.0),
    )


@pytest.mark.parametrize(
    "text",
    [
        "claim",
        "claim:",
        "claim:explode",
        "nowhere:kill",
        "claim:kill@0",
        "claim:kill=2",
        "claim:sleep=x",
        "claim:kill,",
    ],
)
def test_a_wrong_one_is_answered_with_what_there_is(text: str, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"DAYFILL_FAILPOINT: expected NAME:ACTION.+ one of after_load, answer"):
        faults(text, tmp_path)


def test_an_error_strikes_at_its_passage_and_never_again() -> None:
    failpoint = failing([Fault("claim", "error", passage=2), Fault("claim", "sleep", passage=3, seconds=0)])
    failpoint("claim")
    failpoint("record")
    with pytest.raises(RuntimeError, match="failpoint claim"):
        failpoint("claim")
    failpoint("claim")


def test_without_faults_there_is_nothing_to_pass() -> None:
    assert system_seams().failpoint is no_failpoint


@pytest.mark.parametrize(("action", "number"), [("kill", signal.SIGKILL), ("stop", signal.SIGSTOP)])
def test_kill_and_stop_are_signals_to_the_process_itself(
    action: Literal["kill", "stop"], number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *of: sent.append(of))
    failing([Fault("claim", action)])("claim")
    assert sent == [(os.getpid(), number)]
