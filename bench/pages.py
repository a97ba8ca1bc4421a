"""Days that do nothing, through the whole dispatcher, while pages show them live, against the same unseen."""

from __future__ import annotations

import asyncio
import socket
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path

import httpx
import uvicorn

from bench.noop import NoOp
from bench.table import Figure
from bench.world import MAX_DAYS, World, dispatching, world
from dayfill.domain.days import DayRange
from dayfill.engine.dispatch import Dispatcher
from dayfill.engine.live import Hub
from dayfill.engine.trials import Trials
from dayfill.ui.asgi import Ui
from dayfill.ui.site import Site

PAGES, ROUNDS, BACKFILLS = 5, 3, 4
SPAN = DayRange(date(2020, 1, 1) - timedelta(days=MAX_DAYS - 1), date(2020, 1, 1))


async def measure(folder: Path) -> Figure:
    async with world(folder, {"path": str(folder / "none.csv"), "date_column": "day"}) as here:
        hub = Hub(here.state.db, here.state.seams)
        telling = asyncio.create_task(hub.run())
        async with dispatching(here.state, NoOp()) as dispatcher, _served(here, hub) as url:
            cookie = await _signed_in(url, here.key)
            await _filled(here, dispatcher)  # every day is known before the first is compared
            unseen, seen = [], []
            for _ in range(ROUNDS):
                unseen.append(await _filled(here, dispatcher))
                async with _viewers(url, cookie, here.transfer_id):
                    seen.append(await _filled(here, dispatcher))
        telling.cancel()
    ours, anchor = statistics.median(seen), statistics.median(unseen)
    return Figure(f"no-op days with {PAGES} live pages", ours, anchor, "days/s", "days/s, unseen", 0.9, True)


async def _filled(here: World, dispatcher: Dispatcher) -> float:
    """Days a second over some backfills, one after the other."""
    began = time.perf_counter()
    for _ in range(BACKFILLS):
        backfill = await here.backfill(SPAN)
        dispatcher.wake()
        ended = await here.ended(backfill.backfill_id)
        assert ended.completed == len(SPAN)
    return BACKFILLS * len(SPAN) / (time.perf_counter() - began)


@asynccontextmanager
async def _served(here: World, hub: Hub) -> AsyncIterator[str]:
    """The pages on a port of their own, in this process as in a real server."""
    state = here.state
    trials = Trials(state.seams.monotonic)
    site = Site(
        db=state.db,
        seams=state.seams,
        keyring=state.keyring,
        hub=hub,
        changed=lambda: None,
        max_days=MAX_DAYS,
        trials=trials,
        new_request_id=lambda: "bench",
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(Ui(site), http="httptools", lifespan="off", log_config=None, access_log=False)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        hub.close()
        server.should_exit = True
        await serving


async def _signed_in(url: str, key: str) -> str:
    async with httpx.AsyncClient(base_url=url, headers={"Sec-Fetch-Site": "same-origin"}) as client:
        answer = await client.post("/sign-in", data={"api_key": key})
        assert answer.status_code == 303, answer.text
        return "; ".join(f"{name}={value}" for name, value in answer.cookies.items())


@asynccontextmanager
async def _viewers(url: str, cookie: str, transfer_id: int) -> AsyncIterator[None]:
    command = [sys.executable, "-m", "bench.viewers", url, cookie, str(transfer_id), str(PAGES)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        assert await process.stdout.readline() == b"live\n"
        yield
    finally:
        process.terminate()
        await process.wait()
