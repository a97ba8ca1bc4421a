"""The threads executor keeps the contract of futures: results, errors, so many at once, a close that never waits."""

from __future__ import annotations

from concurrent.futures import wait
from threading import Event, Semaphore, current_thread

import pytest

from dayfill.executors import Executor
from dayfill.executors.threads import ThreadsExecutor

SECONDS = 10


def test_a_result_comes_from_another_thread() -> None:
    executor: Executor = ThreadsExecutor(2)
    name = executor.submit(lambda job: (job, current_thread().name), 7).result(SECONDS)
    assert name[0] == 7 and name[1].startswith("load")
    executor.close()


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(1)], ids=repr)
def test_whatever_a_job_raises_ends_in_its_future_and_the_thread_goes_on(error: BaseException) -> None:
    executor = ThreadsExecutor(1)

    def broken(job: int) -> None:
        raise error

    assert executor.submit(broken, 1).exception(SECONDS) is error
    assert executor.submit(str, 1).result(SECONDS) == "1"
    executor.close()


def test_as_many_at_once_as_it_has_slots_although_as_many_hang_and_no_more() -> None:
    executor = ThreadsExecutor(3)
    started, go = Semaphore(0), Event()

    def work(job: int) -> int:
        started.release()
        go.wait(SECONDS)
        return job

    futures = [executor.submit(work, n) for n in range(8)]
    assert all(started.acquire(timeout=SECONDS) for _ in range(2 * executor.slots))
    assert not started.acquire(blocking=False)
    go.set()
    assert [future.result(SECONDS) for future in futures] == list(range(8))
    executor.close()


def test_a_close_does_not_wait_for_what_hangs_and_drops_what_waits() -> None:
    executor = ThreadsExecutor(1)
    started, go = Semaphore(0), Event()

    def hang(job: int) -> int:
        started.release()
        go.wait(SECONDS)
        return job

    hung, other, waiting = executor.submit(hang, 1), executor.submit(hang, 2), executor.submit(hang, 3)
    assert all(started.acquire(timeout=SECONDS) for _ in range(2))
    executor.close()
    assert waiting.cancelled() and not hung.done()
    with pytest.raises(RuntimeError):
        executor.submit(hang, 4)
    go.set()
    assert hung.result(SECONDS) == 1
    wait([hung, other])
