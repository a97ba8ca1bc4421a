"""The Ray executor and a driver that acts: answers, losses, cancels, and a driver that is started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from structlog.testing import capture_logs

from dayfill.errors import SetupError, Transient
from dayfill.executors import Cluster, ray
from dayfill.executors.ray import RayExecutor

SECONDS = 20
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], RayExecutor]]:
    """Connects to a driver of this behaviour, and waits until the cluster has said how much it takes."""
    monkeypatch.setattr(ray, "DRIVER", [sys.executable, str(Path(__file__).with_name("acting_driver.py"))])
    monkeypatch.setattr(ray, "AGAIN_SECONDS", 0.01)
    made: list[RayExecutor] = []

    def connected(address: str, slots: int = 4) -> RayExecutor:
        changed = Event()
        made.append(RayExecutor(address, {**os.environ}, lambda: NOON, changed.set))
        assert not slots or changed.wait(SECONDS)
        return made[-1]

    yield connected
    for one in made:
        one.close()


def test_an_answer_comes_back(connect: Callable[[str], RayExecutor]) -> None:
    executor: Cluster = connect("here")
    assert executor.submit(b"done").result(SECONDS) == b"answer"
    assert (executor.slots, executor.outage) == (4, None)


def test_a_worker_that_breaks_off_is_an_error_and_one_that_cannot_begin_is_no_fault_of_the_job(
    connect: Callable[[str], RayExecutor],
) -> None:
    executor = connect("here")
    assert "lost says the driver" in str(executor.submit(b"lost").exception(SECONDS))
    assert isinstance(executor.submit(b"cancelled").exception(SECONDS), RuntimeError), "by somebody else"
    for job, cause in ((b"unfit", "WORKER"), (b"gone", "CLUSTER"), (b"again", "CLUSTER")):
        error = executor.submit(job).exception(SECONDS)
        assert isinstance(error, Transient) and error.retry_after is not None and error.cause == cause


def test_the_log_tells_once_what_is_wrong_with_workers(connect: Callable[[str], RayExecutor]) -> None:
    executor = connect("here")
    with capture_logs() as told:
        for job in (b"unfit", b"unfit", b"again", b"gone"):
            executor.submit(job).exception(SECONDS)
    assert [(line["event"], line["why"]) for line in told] == [("worker_unfit", "unfit says the driver")]


def test_a_cancel_ends_the_job_and_only_that(connect: Callable[[str], RayExecutor]) -> None:
    executor = connect("here")
    held, other = executor.submit(b"hold"), executor.submit(b"hold")
    assert held.cancel() and held.cancelled()
    assert executor.submit(b"done").result(SECONDS) == b"answer", "the driver has answered the cancel before"
    assert not other.done()


@pytest.mark.parametrize("end", [b"quit", b"junk", b"large"])
def test_a_driver_that_ends_or_talks_nonsense_loses_its_jobs_and_is_started_again(
    connect: Callable[[str], RayExecutor], end: bytes
) -> None:
    executor = connect("here")
    cancelled, lost = executor.submit(b"hold"), executor.submit(b"hold")
    cancelled.cancel()
    back = Event()
    executor._changed = back.set
    executor.submit(end)
    error = lost.exception(SECONDS)
    assert isinstance(error, Transient) and error.cause == "CLUSTER" and error.retry_after == 0
    assert back.wait(SECONDS)
    assert executor.submit(b"done").result(SECONDS) == b"answer"


def test_a_cluster_that_is_refused_takes_nothing_and_says_why(connect: Callable[..., RayExecutor]) -> None:
    executor = connect("refused", slots=0)
    error = executor.submit(b"done").exception(SECONDS)
    assert isinstance(error, Transient) and error.cause == "CLUSTER"
    while "no token" not in str(executor.outage):
        executor._closing.wait(0.01)
    assert executor.slots == 0


def test_what_somebody_has_to_mend_is_told_to_everybody_and_where_it_is_to_the_log(
    connect: Callable[..., RayExecutor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray, "MENDED_SECONDS", 0.01)
    executor = connect("unusable", slots=0)
    while not (outage := executor.outage) or not outage.remedy:
        executor._closing.wait(0.01)
    assert (outage.remedy, outage.since) == ("no token", NOON)
    assert outage.why == "the Ray cluster at unusable cannot be used: no token"


def test_a_driver_that_says_nothing_is_ended(
    connect: Callable[..., RayExecutor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray, "START_SECONDS", 0.01)
    executor = connect("mute", slots=0)
    while "no word for 0.01 s" not in str(executor.outage):
        executor._closing.wait(0.01)


def test_a_close_ends_what_is_under_way(connect: Callable[[str], RayExecutor]) -> None:
    executor = connect("here")
    held = executor.submit(b"hold")
    executor.close()
    assert isinstance(held.exception(SECONDS), Transient)
    assert isinstance(executor.submit(b"done").exception(SECONDS), Transient)


def test_a_refusal_that_stays_the_same_is_told_once(
    connect: Callable[..., RayExecutor], monkeypatch: pytest.MonkeyPatch
) -> None:
    drives, start = list[object](), subprocess.Popen

    def counted(*words: Any, **how: Any) -> Any:
        drives.append(words)
        return start(*words, **how)

    monkeypatch.setattr(ray.subprocess, "Popen", counted)
    with capture_logs() as told:
        executor = connect("refused", slots=0)
        while len(drives) < 4:
            executor._closing.wait(0.01)
        executor.close()
    assert [one["event"] for one in told] == ["cluster_gone"]


def test_a_close_does_not_wait_for_the_next_try(
    connect: Callable[..., RayExecutor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray, "AGAIN_SECONDS", 3600)
    executor = connect("refused", slots=0)
    while "no token" not in str(executor.outage):
        executor._closing.wait(0.01)
    executor.close()
    assert not executor._keeper.is_alive() and "the server is stopping" in str(executor.outage)


def test_a_close_while_the_driver_starts_ends_it(
    connect: Callable[..., RayExecutor], monkeypatch: pytest.MonkeyPatch
) -> None:
    may_start, start = Event(), subprocess.Popen
    monkeypatch.setattr(ray.subprocess, "Popen", lambda *words, **how: may_start.wait(SECONDS) and start(*words, **how))
    executor = connect("here", slots=0)
    closing = Thread(target=executor.close)
    closing.start()
    assert executor._closing.wait(SECONDS)
    may_start.set()
    closing.join(SECONDS)
    assert executor._driver is not None and executor._driver.returncode == -signal.SIGKILL


def test_a_cancel_that_meets_an_answer_or_a_loss_asks_nothing_more(connect: Callable[[str], RayExecutor]) -> None:
    """One thread has taken the job out of those that wait, the other one cancels it."""
    executor = connect("here")
    answered, lost = executor.submit(b"hold"), Future[bytes]()
    assert executor.submit(b"done").result(SECONDS) == b"answer", "the driver has all that was sent before"
    executor._waiting.clear()
    assert answered.cancel() and executor._orders.empty()
    lost.cancel()
    executor._waiting[99] = lost
    executor._lose_all()
    assert lost.cancelled() and not executor._waiting


def test_without_ray_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "find_spec", lambda name: None)
    with pytest.raises(SetupError, match=r"pip install 'dayfill\[ray\]'"):
        RayExecutor("ray://here:1", {}, lambda: NOON)
