"""Runs slices on a Ray cluster, through a driver process that is started again whenever it or the cluster is lost."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime
from importlib.util import find_spec
from queue import SimpleQueue

import structlog

from dayfill.errors import SetupError, Transient
from dayfill.executors import Outage
from dayfill.executors.frames import Order, Silence, Told, Writer, frames, taken
from dayfill.secrets import safe

SILENT_SECONDS = 20.0
"""A cluster that takes so long to say that it is there is taken for gone."""
START_SECONDS = 90.0
AGAIN_SECONDS = 2.0
"""When one that is gone is tried again."""
MENDED_SECONDS = 15.0
"""When one that somebody has to mend is tried again: it is known within seconds, in which a processor is busy."""
UNFIT_SECONDS = 60.0
"""When a worker that could not begin is tried again: somebody has to install something there."""
DRIVER = [sys.executable, "-m", "dayfill.cluster.driver"]
_TEXT_LENGTH = 300
_MOST_TOLD = 20
"""Reasons of workers that are told to the log, each once."""

log = structlog.get_logger(__name__)


class RayExecutor:
    """A cluster at an address; meets `dayfill.executors.Cluster`.

    Args:
        address: ``ray://HOST:PORT`` of the cluster's client server, or ``HOST:PORT`` or ``auto`` where a node of the
            cluster runs on this machine.
        environment: of the driver; it need not and should not hold what only the server knows.
        now: the time of day, for since when it is gone.
        changed: called on another thread when `slots` has changed.

    Raises:
        SetupError: Ray is not installed.
    """

    def __init__(
        self,
        address: str,
        environment: Mapping[str, str],
        now: Callable[[], datetime],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        if find_spec("ray") is None:
            raise SetupError("The executor is a Ray cluster, and Ray is not installed: pip install 'dayfill[ray]'.")
        self.slots = 0
        self.outage: Outage | None = Outage(f"the Ray cluster at {address} has not answered yet", now())
        self._address, self._environment, self._now, self._changed = address, dict(environment), now, changed
        self._numbers = itertools.count()
        self._waiting: dict[int, Future[bytes]] = {}
        self._told: set[str] = set()
        self._orders: SimpleQueue[Order | None] = SimpleQueue()
        self._closing = threading.Event()
        self._driver: subprocess.Popen[bytes] | None = None
        self._keeper = threading.Thread(target=self._keep, name="ray", daemon=True)
        self._keeper.start()

    def submit(self, job: bytes) -> Future[bytes]:
        """The answer of a worker, which the future's `cancel` ends at once.

        The future raises `Transient` with ``retry_after`` when nothing speaks against the job: the cluster is gone, or
        the worker could not begin, or broke off with several jobs. Any other error is a worker that broke off with it.
        """
        number, future = next(self._numbers), Future[bytes]()
        self._waiting[number] = future
        future.add_done_callback(lambda done: self._cancel(number) if done.cancelled() else None)
        self._orders.put(Order(number, job))
        if self.outage is not None:
            self._lose_all()
        return future

    def _cancel(self, number: int) -> None:
        if self._waiting.pop(number, None) is not None:
            self._orders.put(Order(number))

    def close(self) -> None:
        """End the driver, and with it all that it has under way."""
        self._closing.set()
        if (driver := self._driver) is not None:
            driver.kill()
        self._keeper.join(10)

    def _keep(self) -> None:
        while not self._closing.is_set():
            last = self._drive()
            if self._closing.is_set():
                break
            self._gone(last)
            self._closing.wait(MENDED_SECONDS if last.what == "unusable" else AGAIN_SECONDS)
        self._fail("the server is stopping")

    def _drive(self) -> Told:
        """Run one driver to its end; returns why it ended."""
        command = [*DRIVER, self._address]
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env=self._environment,
            start_new_session=True,  # a Ctrl-C lets the slices under way end
        ) as driver:
            assert driver.stdin is not None and driver.stdout is not None
            self._driver, self._orders = driver, SimpleQueue()
            if self._closing.is_set():
                driver.kill()
            sender = threading.Thread(target=_send, args=(self._orders, driver.stdin.fileno()), daemon=True)
            sender.start()
            try:
                return self._listen(driver.stdout.fileno())
            finally:
                driver.kill()
                self._orders.put(None)
                sender.join()

    def _listen(self, file: int) -> Told:
        try:
            for told in frames(file, Told, lambda: START_SECONDS if self.outage else SILENT_SECONDS):
                if told.what in ("refused", "unusable"):
                    return told
                self._hear(told)
        except Silence as silence:
            return Told("refused", text=str(silence))
        return Told("refused", text="its driver has ended")

    def _hear(self, told: Told) -> None:
        if told.what == "slots":
            self._joined(told.number)
            return
        future = self._waiting.pop(told.number, None)
        if future is None or not future.set_running_or_notify_cancel():
            return
        if told.what == "done":
            future.set_result(told.answer)
        elif told.what == "unfit":
            why = safe(told.text, _TEXT_LENGTH)
            self._tell(why)
            text = f"A worker of the Ray cluster could not begin: {why}"
            future.set_exception(Transient("WORKER", text, retry_after=UNFIT_SECONDS))
        elif told.what == "again":
            text = "Not loaded: the worker of the Ray cluster broke off that had this slice and others to load."
            future.set_exception(Transient("CLUSTER", text, retry_after=0.0))
        elif told.what == "gone":
            future.set_exception(self._lost())
        else:
            future.set_exception(RuntimeError(safe(told.text, _TEXT_LENGTH) or "cancelled by somebody else"))

    def _tell(self, why: str) -> None:
        """What somebody has to mend at a node: every slice that waits meets it again each minute."""
        if why not in self._told and len(self._told) < _MOST_TOLD:
            self._told.add(why)
            log.warning("worker_unfit", why=why)

    def _joined(self, slots: int) -> None:
        if self.outage is not None:
            log.info("cluster_joined", address=self._address, slots=slots)
        self.outage = None
        if slots != self.slots:
            self.slots = slots
            self._changed()

    def _gone(self, last: Told) -> None:
        why = safe(last.text, _TEXT_LENGTH)
        text = f"the Ray cluster at {self._address} cannot be used: {why}"
        if self.outage is None or self.outage.why != text:
            log.error("cluster_gone", why=text)
        self._fail(text, why if last.what == "unusable" else "")

    def _fail(self, why: str, remedy: str = "") -> None:
        self.outage, self.slots = Outage(why, self._now() if self.outage is None else self.outage.since, remedy), 0
        self._lose_all()

    def _lose_all(self) -> None:
        """Nobody will answer any more what is under way."""
        with suppress(KeyError):  # the other thread took the last one
            while self._waiting:
                _, future = self._waiting.popitem()
                if future.set_running_or_notify_cancel():
                    future.set_exception(self._lost())

    def _lost(self) -> Transient:
        return Transient("CLUSTER", f"Not loaded: the Ray cluster at {self._address} went away.", retry_after=0.0)


def _send(orders: SimpleQueue[Order | None], file: int) -> None:
    """Hand over what is put in the queue, in its order, all that is there at once; until None, or nobody reads."""
    pipe = Writer[Order](file)
    with suppress(OSError):
        while None not in (some := taken(orders)):
            pipe.write(*(one for one in some if one is not None))
