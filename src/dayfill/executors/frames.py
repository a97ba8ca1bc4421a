"""How a server and its driver talk: messages one after the other through a pipe, each with its length before it."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Generic, Literal, TypeVar

import msgspec

LARGEST = 64 * 1024 * 1024
"""Bytes of a message; an answer has some hundred for each day."""
_LENGTH_BYTES = 4
_PART_BYTES = 256 * 1024
"""Read at once; many messages may come in it."""


class Order(msgspec.Struct, array_like=True):
    """From the server: run this job under this number; without a job, cancel it."""

    number: int
    job: bytes | None = None


class Told(msgspec.Struct, array_like=True):
    """From the driver.

    slots: the cluster is there and takes ``number`` slices. refused: it cannot be used, ``text`` says why.
    unusable: nor can it before somebody does what ``text`` says, which names no place, so everybody may read it.
    The others end the job of that number. done: ``answer`` is the worker's. cancelled: as asked. unfit: the worker
    could not begin. lost: it broke off in the middle. again: it did, and had others to load too, so it may be none of
    this one's fault. gone: the cluster broke off.
    """

    what: Literal["slots", "refused", "unusable", "done", "cancelled", "unfit", "lost", "again", "gone"]
    number: int = 0
    answer: bytes = b""
    text: str = ""


Message = TypeVar("Message", Order, Told)
Anything = TypeVar("Anything")


class Silence(Exception):
    """Nothing came in time, or nothing that makes sense."""


class Writer(Generic[Message]):
    """One end of a pipe; any thread may write."""

    def __init__(self, file: int) -> None:
        self._file, self._lock = file, threading.Lock()

    def write(self, *messages: Message) -> None:
        """Send them whole.

        Raises:
            OSError: nobody reads any more.
        """
        bodies = [msgspec.msgpack.encode(message) for message in messages]
        left = memoryview(
            b"".join(part for body in bodies for part in (len(body).to_bytes(_LENGTH_BYTES, "big"), body))
        )
        with self._lock:
            while left:
                left = left[os.write(self._file, left) :]


def frames(file: int, kind: type[Message], patience: Callable[[], float] | None = None) -> Iterator[Message]:
    """The messages of a pipe until its other end is closed. patience: seconds after which silence is an error.

    Raises:
        Silence: nothing came in time, or nothing that can be read.
    """
    decoder, held = msgspec.msgpack.Decoder(kind), bytearray()
    while _fill(held, _LENGTH_BYTES, file, patience):
        size = int.from_bytes(held[:_LENGTH_BYTES], "big")
        end = _LENGTH_BYTES + size
        if size > LARGEST or not _fill(held, end, file, patience):
            raise Silence(f"a message of {size} bytes was not sent whole, or is too large")
        try:
            message = decoder.decode(held[_LENGTH_BYTES:end])
        except msgspec.DecodeError as error:
            raise Silence(f"a message cannot be read: {error}") from None
        del held[:end]
        yield message


def _fill(held: bytearray, size: int, file: int, patience: Callable[[], float] | None) -> bool:
    """Read until so many bytes are held; False if the pipe ends before."""
    while len(held) < size:
        if patience is not None and not select.select([file], [], [], seconds := patience())[0]:
            raise Silence(f"no word for {seconds:g} s")
        part = os.read(file, _PART_BYTES)
        if not part:
            return False
        held += part
    return True


def taken(queue: SimpleQueue[Anything]) -> list[Anything]:
    """All that is in the queue, once something is; for its only reader."""
    found = [queue.get()]
    while not queue.empty():
        found.append(queue.get())
    return found
