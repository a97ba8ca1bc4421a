"""A start that waits: what meets a state database that is busy, or restarts, is asked for again for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from dayfill.errors import Busy

START_SECONDS = 60.0
"""A server that stands still in the middle of a write may hold up the others for ten seconds; they wait in a row."""

Answer = TypeVar("Answer")
log = structlog.get_logger(__name__)


async def patiently(work: Callable[[], Awaitable[Answer]], seconds: float = START_SECONDS) -> Answer:
    """What the work returns, which is begun again while the state is busy.

    Raises:
        Busy: it was so for all these seconds.
    """
    clock = asyncio.get_running_loop().time
    end = clock() + seconds
    while True:
        try:
            return await work()
        except Busy as busy:
            wait = busy.retry_after or 1.0
            if clock() + wait > end:
                raise
            log.warning("start_waits", why=busy.description)
        await asyncio.sleep(wait)
