"""Slices that are loaded on other machines: how they travel there, and what may come back.

Both ways the version stands in front, so that a worker with another dayfill says so instead of misreading a job. What
comes back is not believed: it must be a result for each day of the job, in its types, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, get_type_hints

import msgspec
import structlog

from dayfill import __version__
from dayfill.domain.addresses import networks
from dayfill.domain.reach import Reach
from dayfill.domain.run import MESSAGE_LENGTH
from dayfill.domain.slices import DayResult, Slice
from dayfill.errors import Transient
from dayfill.executors import Cluster
from dayfill.secrets import safe

VERSION = f"{__version__}/1"
"""Of dayfill, and of the form of jobs and results between two of its releases."""
OTHER_VERSION_SECONDS = 60.0
"""When a worker with another version is tried again: somebody has to install the same one there."""
_MOST_TOLD = 20
"""Reasons of workers that are told to the log, each once: every slice that waits meets them again each minute."""


class _Sent(msgspec.Struct, array_like=True):
    """A job or its answer. body: empty if the reader is not to read it."""

    version: str
    body: bytes = b""


class _Reach(msgspec.Struct):
    """What a job may open and reach, its networks written out."""

    roots: tuple[str, ...]
    home: str
    nets: tuple[str, ...]
    closed: tuple[str, ...]


_FIELDS: dict[str, Any] = get_type_hints(Slice) | {"reach": _Reach}
_JOB = msgspec.msgpack.Decoder(msgspec.defstruct("_Job", list(_FIELDS.items())))
_RESULTS = msgspec.msgpack.Decoder(list[DayResult])
_SENT = msgspec.msgpack.Decoder(_Sent)

log = structlog.get_logger(__name__)


class Away:
    """A cluster as the dispatcher uses it. token: what opens the credentials of jobs there is made from it."""

    def __init__(self, cluster: Cluster, token: str) -> None:
        self.cluster, self.token = cluster, token
        self._told: set[str] = set()

    def submit(self, job: Slice) -> Future[list[DayResult]]:
        """As `Cluster.submit`. An answer that cannot be read is an error like that of a worker that broke off."""
        answer: Future[list[DayResult]] = Future()
        sent = self.cluster.submit(pack(job))
        answer.add_done_callback(lambda done: sent.cancel() if done.cancelled() else None)
        sent.add_done_callback(lambda done: self._hand_on(done, answer, job))
        return answer

    def _hand_on(self, done: Future[bytes], answer: Future[list[DayResult]], job: Slice) -> None:
        if done.cancelled() or not answer.set_running_or_notify_cancel():
            return
        try:
            answer.set_result(results(done.result(), job))
        except Exception as error:
            if isinstance(error, Transient) and error.cause == "WORKER":
                self._tell(safe(error.message, MESSAGE_LENGTH))
            answer.set_exception(error)

    def _tell(self, why: str) -> None:
        """What somebody has to mend at a node: its days wait without an end, and none of them ever fails for it."""
        if why not in self._told and len(self._told) < _MOST_TOLD:
            self._told.add(why)
            log.warning("worker_unfit", why=why)


def pack(job: Slice) -> bytes:
    """The job as it travels."""
    return _packed(msgspec.msgpack.encode(job, enc_hook=str))  # what it does not know by itself are networks


def answered(packed: bytes, load: Callable[[Slice], list[DayResult]]) -> bytes:
    """Do a packed job; the answer as it travels. A job of another version is not looked at."""
    if _SENT.decode(packed).version != VERSION:
        return _packed(b"")
    return _packed(msgspec.msgpack.encode(load(_unpacked(packed))))


def results(packed: bytes, job: Slice) -> list[DayResult]:
    """The results in an answer.

    Raises:
        Transient: the worker has another version; the job is as good as never sent.
        ValueError: it is not an answer to this job.
    """
    sent = _SENT.decode(packed)
    if sent.version != VERSION:
        message = f"A worker of the cluster runs dayfill {sent.version[:40]}, the server {VERSION}: install the same."
        raise Transient("WORKER", message, retry_after=OTHER_VERSION_SECONDS)
    found = _RESULTS.decode(sent.body)
    if [(r.run_id, r.token, r.data_date) for r in found] != [(o.run_id, o.token, o.data_date) for o in job.days]:
        raise ValueError("the results are of other days than the job")
    return found


def _packed(body: bytes) -> bytes:
    return msgspec.msgpack.encode(_Sent(VERSION, body))


def _unpacked(packed: bytes) -> Slice:
    sent = msgspec.structs.asdict(_JOB.decode(_SENT.decode(packed).body))
    reach = sent.pop("reach")
    return Slice(**sent, reach=Reach(reach.roots, reach.home, networks(reach.nets), reach.closed))
