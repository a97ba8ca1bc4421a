"""What a driver says to a server that cannot hear it any more."""

from __future__ import annotations

import os

from dayfill.cluster.driver import refuse
from dayfill.executors.frames import Told, Writer, frames


def test_a_driver_whose_server_has_died_ends_without_a_word() -> None:
    read, write = os.pipe()
    refuse(Writer[Told](write), "it is gone")
    first = next(frames(read, Told))
    os.close(read)
    refuse(Writer[Told](write), "it is gone")
    os.close(write)
    assert first == Told("refused", text="it is gone")
