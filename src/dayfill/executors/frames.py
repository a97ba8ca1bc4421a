"""How a server and its driver talk: messages one after the other through a pipe, each with its length before it."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable, Iterator
from typing import Generic, Literal, TypeVar

import msgspec

LARGEST = 64 * 1024 * 1024
"""Bytes of a message; an answer has some hundred for each day."""
_LENGTH_BYTES = 4


class Wanted(msgspec.Struct, array_like=True):
    """From the server: run this job under this number; without a job, cancel it."""

    number: int
    job: bytes | None = None


class Told(msgspec.Struct, array_like=True):
    """From the driver.

    slots: the cluster is there and takes ``number`` slices. refused: it cannot be used, ``text`` says why.
    The others end the job of that number. done: ``answer`` is the worker's. cancelled: as asked. unfit: the worker
    could not begin. lost: it broke off in the middle. gone: the cluster did.
    """

    what: Literal["slots", "refused", "done", "cancelled", "unfit", "lost", "gone"]
    number: int = 0
    answer: bytes = b""
    text: str = ""


Message = TypeVar("Message", Wanted, Told)


class Silence(Exception):
    """Nothing came in time, or nothing that makes sense."""


class Writer(Generic[Message]):
    """One end of a pipe; any thread may write."""

    def __init__(self, file: int) -> None:
        self._file, self._lock = file, threading.Lock()

    def write(self, message: Message) -> None:
        """Send it whole.

        Raises:
            OSError: nobody reads any more.
        """
        body = msgspec.msgpack.encode(message)
        left = memoryview(len(body).to_bytes(_LENGTH_BYTES, "big") + body)
        with self._lock:
            while left:
                left = left[os.write(self._file, left) :]


def frames(file: int, kind: type[Message], patience: Callable[[], float] | None = None) -> Iterator[Message]:
    """The messages of a pipe until its other end is closed. patience: seconds after which silence is an error.

    Raises:
        Silence: nothing came in time, or nothing that can be read.
    """
    decoder = msgspec.msgpack.Decoder(kind)
    while (length := _read(file, _LENGTH_BYTES, patience)) is not None:
        size = int.from_bytes(length, "big")
        body = _read(file, size, patience) if size <= LARGEST else None
        if body is None:
            raise Silence(f"a message of {size} bytes was not sent whole, or is too large")
        try:
            yield decoder.decode(body)
        except msgspec.DecodeError as error:
            raise Silence(f"a message cannot be read: {error}") from None


def _read(file: int, size: int, patience: Callable[[], float] | None) -> bytes | None:
    """So many bytes; None if the pipe ends before."""
    found = bytearray()
    while len(found) < size:
        if patience is not None and not select.select([file], [], [], seconds := patience())[0]:
            raise Silence(f"no word for {seconds:g} s")
        part = os.read(file, size - len(found))
        if not part:
            return None
        found += part
    return bytes(found)
