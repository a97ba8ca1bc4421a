"""The wiring: opens the state, starts dispatcher and HTTP, owns clock, signals and shutdown."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields

import structlog

from dayfill.api.addresses import address_of
from dayfill.api.asgi import Api
from dayfill.api.limits import Limits
from dayfill.api.server import Server
from dayfill.api.traffic import Trace
from dayfill.api.wire import new_request_id
from dayfill.app.doors import Doors
from dayfill.app.holding import made, only_server
from dayfill.app.http import HttpServer, http_server, in_url, listener
from dayfill.app.patience import START_SECONDS, patiently
from dayfill.app.state import State as State
from dayfill.app.state import open_state as open_state
from dayfill.domain.installation import SPOOL as SPOOL
from dayfill.domain.installation import STATE_FILE as STATE_FILE
from dayfill.engine.away import Away
from dayfill.engine.dispatch import Dispatcher
from dayfill.engine.housekeeping import Housekeeper
from dayfill.engine.keyring import broken_seals
from dayfill.engine.live import Hub
from dayfill.engine.premises import Premises
from dayfill.engine.queries import Queries
from dayfill.engine.spool_folder import swept
from dayfill.engine.trials import Trials
from dayfill.engine.vitals import Watch
from dayfill.engine.waits import Waits
from dayfill.executors.ray import RayExecutor
from dayfill.executors.threads import ThreadsExecutor
from dayfill.seams import Seams
from dayfill.settings import Settings
from dayfill.ui.asgi import Ui
from dayfill.ui.site import Site

DRAIN_SECONDS = 20.0
"""How long a stopping server waits for slices under way; what is not done by then is done again after the start."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Running:
    """A server whose socket answers."""

    url: str
    host: str
    port: int
    state: State


async def serve(
    settings: Settings,
    *,
    on_ready: Callable[[Running], Awaitable[None]] | None = None,
    stop: asyncio.Event | None = None,
    seams: Seams | None = None,
) -> bool:
    """Run a server until ``stop`` is set, or SIGINT or SIGTERM arrives and what is under way has ended.

    ``on_ready`` is awaited beside the server once its socket answers; its exception stops the server and is raised.
    Returns False if a load or a query was still under way at the end: the interpreter would wait for its thread,
    however long.

    Raises:
        SetupError: the address is taken, or another server works on the same data directory.
        Busy: the state's database was held up all through the first minute.
    """
    stop = stop or asyncio.Event()
    with only_server(made(settings.data_dir)), listener(settings) as socket_, _signals(stop):
        async with open_state(settings, seams, patience=START_SECONDS) as state:
            host, port = socket_.getsockname()[:2]
            running = Running(f"http://{in_url(host)}:{port}", host, port, state)
            await patiently(lambda: _tell_lost_secrets(state))
            return await _serve(settings, state, socket_, running, on_ready, stop)


async def _tell_lost_secrets(state: State) -> None:
    for lost in await broken_seals(state.db, state.keyring):
        log.error("secret_lost", what=lost)


async def _serve(
    settings: Settings,
    state: State,
    listening: socket.socket,
    running: Running,
    on_ready: Callable[[Running], Awaitable[None]] | None,
    stop: asyncio.Event,
) -> bool:
    dispatcher = _dispatcher(settings, state)
    watch, hub = Watch(state.db, state.seams), Hub(state.db, state.seams, Waits(dispatcher.cluster))
    server = _server(settings, state, dispatcher, watch, hub, stop)
    doors = Doors(Api(server), Ui(site_of(server, settings.behind_proxy)))
    http = http_server(doors, state.seams, server.traffic)
    beside = watch, hub, Housekeeper(state.db, state.seams, server.used_keys, settings.audit_days)
    dispatching = asyncio.create_task(dispatcher.run())
    answering = asyncio.create_task(http.serve(sockets=[listening]))
    greeting = asyncio.create_task(_greet(http, on_ready, running))
    tasks = (dispatching, answering, greeting, *(asyncio.create_task(one.run()) for one in beside))
    for task in tasks:
        task.add_done_callback(lambda done: stop.set() if _has_failed(done) else None)
    try:
        await stop.wait()
        log.info("stopping")
        state.seams.failpoint("shutdown")
        greeting.cancel()
        dispatcher.stop()
        server.queries.stop()
        _, left = await asyncio.wait([dispatching], timeout=DRAIN_SECONDS)
        hub.close()
        http.should_exit = True
        await asyncio.wait([answering])
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        dispatcher.close()
    _raise_failure(tasks)
    return server.queries.close() and not left


def _dispatcher(settings: Settings, state: State) -> Dispatcher:
    where = state.installation_id, swept(settings.data_dir / SPOOL), settings.reaches
    executor, loop = ThreadsExecutor(settings.slots), asyncio.get_running_loop()

    def changed() -> None:
        loop.call_soon_threadsafe(lambda: dispatcher.wake())

    away = _away(settings, state.seams, changed)
    dispatcher = Dispatcher(state.db.leading(), state.seams, executor, state.keyring.open, *where, away)
    state.db.on_others(dispatcher.wake)
    return dispatcher


def _away(settings: Settings, seams: Seams, changed: Callable[[], None]) -> Away | None:
    """The cluster that the settings name. changed: called on another thread when it takes more or less."""
    if (cluster := settings.cluster) is None:
        return None
    return Away(RayExecutor(cluster.address, cluster.environment, seams.now, changed), cluster.token)


def _raise_failure(tasks: Iterable[asyncio.Task[None]]) -> None:
    for task in tasks:
        if _has_failed(task):
            task.result()


def _has_failed(task: asyncio.Task[None]) -> bool:
    return not task.cancelled() and task.exception() is not None


async def _greet(http: HttpServer, on_ready: Callable[[Running], Awaitable[None]] | None, running: Running) -> None:
    await http.answers.wait()
    log.info("serving", url=running.url)
    if on_ready is not None:
        await on_ready(running)


def _server(
    settings: Settings, state: State, dispatcher: Dispatcher, watch: Watch, hub: Hub, stop: asyncio.Event
) -> Server:
    """What requests may use."""
    loop = asyncio.get_running_loop()

    def wake() -> None:
        # After the answer has been sent: the dispatcher's turn may take milliseconds.
        loop.call_soon(dispatcher.wake)

    return Server(
        db=state.db,
        seams=state.seams,
        keyring=state.keyring,
        installation_id=state.installation_id,
        changed=wake,
        is_ready=lambda: "the server is stopping" if stop.is_set() else dispatcher.fault,
        max_days=settings.max_backfill_days,
        hub=hub,
        queries=Queries(state.db, state.seams, state.keyring, settings.reaches),
        trials=Trials(state.seams.monotonic),
        vitals=lambda: watch.vitals(dispatcher.fault, dispatcher.work, dispatcher.cluster),
        trusted_proxies=settings.trusted_proxies,
        limits=Limits(state.seams.monotonic, settings.trusted_proxies, **asdict(settings.requests)),
        reaches=settings.reaches,
    )


def site_of(server: Server, is_https: bool) -> Site:
    """What the pages may use: what the API uses too, and its limits."""
    shared = {one.name: getattr(server, one.name) for one in fields(Premises)}
    return Site(
        **shared,
        new_request_id=lambda: new_request_id(server.seams),
        is_https=is_https,
        address_of=lambda scope: address_of(scope, server.trusted_proxies),
        arrive=server.limits.arrive,
        refuse=server.limits.refuse,
        answered=lambda whose, *what: server.traffic.answered(Trace(*whose), *what),
    )


@contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    """The first SIGINT or SIGTERM drains; the second ends the process at once, which the state survives."""
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if stop.is_set():
            os._exit(130)
        stop.set()

    signals = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
    for number in signals:
        loop.add_signal_handler(number, on_signal)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
