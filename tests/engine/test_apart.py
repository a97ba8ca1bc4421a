"""A look that answers when nobody waits for it any more does no harm."""

from __future__ import annotations

import asyncio
import threading

from dayfill.engine import reconcile


async def test_an_answer_that_nobody_waits_for_any_more_is_dropped() -> None:
    go, gone = threading.Event(), threading.Event()

    def work() -> None:
        go.wait()
        gone.set()

    answer = reconcile._apart(work)
    answer.cancel()
    go.set()
    await asyncio.to_thread(gone.wait)
    for _ in range(10):
        await asyncio.sleep(0.001)
    assert answer.cancelled()


def test_an_answer_that_comes_after_the_end_is_dropped() -> None:
    go = threading.Event()

    async def ask() -> None:
        reconcile._apart(go.wait)

    asyncio.run(ask())
    threads = [thread for thread in threading.enumerate() if thread.name == "look"]
    go.set()
    for thread in threads:
        thread.join()
