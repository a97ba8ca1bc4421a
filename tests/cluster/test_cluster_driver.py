"""What a driver says of a cluster that it cannot use, and to a server that cannot hear it any more."""

from __future__ import annotations

import os
import sys

import pytest

from dayfill.cluster import token
from dayfill.cluster.driver import not_reached, refuse
from dayfill.executors.frames import Told, Writer, frames


def test_a_driver_whose_server_has_died_ends_without_a_word() -> None:
    read, write = os.pipe()
    gone = Told("refused", text="it is gone")
    refuse(Writer[Told](write), gone)
    first = next(frames(read, Told))
    os.close(read)
    refuse(Writer[Told](write), gone)
    os.close(write)
    assert first == gone


def test_of_an_error_it_tells_what_ray_met_not_that_it_met_something() -> None:
    error = ConnectionError("Failed to connect")
    error.__cause__ = RuntimeError("Traceback\n  in f\nRpcError: Timed out")
    assert not_reached(error) == Told("refused", text="RuntimeError: RpcError: Timed out")
    assert not_reached(OSError("no route")) == Told("refused", text="OSError: no route")


def test_another_release_of_ray_or_python_is_told_with_what_to_do() -> None:
    error = ConnectionError("Failed to connect")
    error.__cause__ = RuntimeError("Version mismatch: The cluster was started with:\n    Ray: 2.61\n    Python: 3.12\n")
    told = not_reached(error)
    assert (told.what, "Ray: 2.61 Python: 3.12" in told.text) == ("unusable", True)
    assert "Install the same Ray and Python" in told.text


def test_where_ray_has_moved_what_asks_for_the_token_its_own_answer_must_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray._private.grpc_utils", None)
    assert not token.is_refused("ray://127.0.0.1:1")
