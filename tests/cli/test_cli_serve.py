"""`dayfill serve` where it cannot start, and where what is under way does not end."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
import uvloop
from command_line import Command
from structlog.testing import capture_logs

from dayfill import app
from dayfill.app import Running
from dayfill.engine.dispatch import Dispatcher
from dayfill.settings import Settings
from dayfill.store.postgresql import connecting
from dayfill.store.postgresql.writing import WRITE_LOCK


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path, command: Command) -> None:
    (tmp_path / "file").touch()
    ran = command("serve", "--data-dir", tmp_path / "file" / "data", "--bind", "127.0.0.1:0")
    assert (ran.code, ran.out) == (2, "")
    assert f"{tmp_path / 'file' / 'data'} cannot be made" in ran.err


@pytest.mark.parametrize("words", [("serve", "--data-dir"), ("demo", "--no-open", "--dir")])
def test_what_is_served_is_served_on_uvloop(
    words: tuple[str, ...], tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    loops: list[object] = []

    async def served(*_: object, **__: object) -> bool:
        loops.append(asyncio.get_running_loop())
        return True

    monkeypatch.setattr(app, "serve", served)
    command(*words, tmp_path / "data")
    assert isinstance(loops[0], uvloop.Loop)


def test_what_hangs_keeps_no_stopped_server_alive(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    exits: list[int] = []
    serve = app.serve

    async def stopped_at_once(*values: object, **_: object) -> bool:
        stop = asyncio.Event()

        async def on_ready(running: Running) -> None:
            stop.set()

        return await serve(*values, on_ready=on_ready, stop=stop)  # type: ignore[arg-type]

    async def hangs(self: Dispatcher) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(app, "serve", stopped_at_once)
    monkeypatch.setattr(os, "_exit", exits.append)
    command("serve", "--data-dir", tmp_path / "ends", "--bind", "127.0.0.1:0")
    assert exits == []
    monkeypatch.setattr(app, "DRAIN_SECONDS", 0)
    monkeypatch.setattr(Dispatcher, "run", hangs)
    command("serve", "--data-dir", tmp_path / "hangs", "--bind", "127.0.0.1:0")
    assert exits == [0]


async def test_a_start_waits_for_a_state_that_another_server_holds_up(
    tmp_path: Path, postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connecting._SETTINGS, "lock_timeout", "20ms")
    holder, stop = await connecting.connect(postgres_database), asyncio.Event()
    await holder.execute(f"SELECT pg_advisory_lock({WRITE_LOCK})")

    async def on_ready(running: Running) -> None:
        stop.set()

    settings = Settings(tmp_path, port=0, state=postgres_database)
    with capture_logs() as lines:
        serving = asyncio.create_task(app.serve(settings, on_ready=on_ready, stop=stop))
        while not any(line["event"] == "start_waits" for line in lines):
            assert not serving.done(), await serving
            await asyncio.sleep(0.01)
        await holder.close()
        assert await serving and stop.is_set()
