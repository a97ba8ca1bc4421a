"""Slices that are loaded on other machines: how they travel there, and what may come back.

A version stands before a job, so that a worker with another dayfill says so instead of misreading it. What comes back
is not believed: it must be a result for each day of the job, in its types, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, get_type_hints

import msgspec

from dayfill import __version__
from dayfill.domain.addresses import networks
from dayfill.domain.reach import Reach
from dayfill.domain.slices import DayResult, Slice
from dayfill.errors import SetupError
from dayfill.executors import Cluster

VERSION = f"{__version__}/1"
"""Of dayfill, and of the form of jobs and results between two of its releases."""


class _Sent(msgspec.Struct, array_like=True):
    """A job of a server with this version."""

    version: str
    body: bytes


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


class Away:
    """A cluster as the dispatcher uses it. token: what opens the credentials of jobs there is made from it."""

    def __init__(self, cluster: Cluster, token: str) -> None:
        self.cluster, self.token = cluster, token

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
            answer.set_exception(error)


def pack(job: Slice) -> bytes:
    """The job as it travels."""
    body = msgspec.msgpack.encode(job, enc_hook=str)  # what it does not know by itself are networks
    return msgspec.msgpack.encode(_Sent(VERSION, body))


def answered(packed: bytes, load: Callable[[Slice], list[DayResult]]) -> bytes:
    """Do a packed job; the answer as it travels.

    Raises:
        SetupError: it is of another version, and was not looked at.
    """
    refuse_other(_SENT.decode(packed).version)
    return msgspec.msgpack.encode(load(_unpacked(packed)))


def refuse_other(version: str) -> None:
    """Raises SetupError if a server with this version is not understood here."""
    if version != VERSION:
        raise SetupError(
            f"A worker of the cluster runs dayfill {VERSION}, the server {version[:40]}: install the same."
        )


def results(packed: bytes, job: Slice) -> list[DayResult]:
    """The results in an answer.

    Raises:
        ValueError: it is not an answer to this job.
    """
    found = _RESULTS.decode(packed)
    if [(r.run_id, r.token, r.data_date) for r in found] != [(o.run_id, o.token, o.data_date) for o in job.days]:
        raise ValueError("the results are of other days than the job")
    return found


def _unpacked(packed: bytes) -> Slice:
    sent = msgspec.structs.asdict(_JOB.decode(_SENT.decode(packed).body))
    reach = sent.pop("reach")
    return Slice(**sent, reach=Reach(reach.roots, reach.home, networks(reach.nets), reach.closed))
