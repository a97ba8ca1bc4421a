"""``dayfill demo``: a server with two running backfills, made and watched through its own API."""

from __future__ import annotations

import asyncio
import shutil
import socket
import sys
import tempfile
import webbrowser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from dayfill import app
from dayfill.app import Running
from dayfill.cli import demo_flights, demo_setup
from dayfill.cli.client import Api
from dayfill.cli.demo_setup import Made
from dayfill.cli.demo_show import banner, flights_are_there, follow_all, result_lines
from dayfill.cli.exits import Exit, usage
from dayfill.cli.installation import another_key, first_key
from dayfill.cli.logs import log_to_stderr
from dayfill.cli.loop import on_uvloop
from dayfill.cli.output import Printer
from dayfill.cli.session import first_link
from dayfill.cli.summary import Backfill
from dayfill.settings import ClientSettings, has_display, read_settings

_PORT, _PORTS_TRIED = 8484, 100
_HOST = "127.0.0.1"


@dataclass(slots=True)
class _Outcome:
    """How the backfills ended, by the transfer's name; empty as long as they run."""

    backfills: dict[str, Backfill]


@on_uvloop
async def demo(
    *,
    once: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    ready_file: Path | None = None,
    port: int | None = None,
    dir: Path | None = None,
    keep: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    no_open: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
) -> int:
    """A server with two running backfills, to look at: nothing to set up, nothing stays behind.

    On a desktop the browser opens, signed in; elsewhere the link is printed.
    Flights: real data, 365 days of 2013 (needs the extra dayfill[demo]). Demo Ads: made data, 730 days up to
    yesterday, of which 23 fail once and load after a retry. Ctrl-C ends it.

    For example:

        dayfill demo
        dayfill demo --once --keep --dir ./look

    Args:
        once: End when the backfills end, and print the result; exit 0 if all flights are there.
        ready_file: Write {url, api_key, team_id, transfer_ids, backfill_id, warehouse} to this JSON file as soon as
            the server answers and the backfills exist; it is removed at the end.
        port: Port on 127.0.0.1, without it 8484; the next free one if it is taken. 0 = any free one.
        dir: Work in this new or empty directory instead of a temporary one; or go on with the demo that it holds,
            kept or killed.
        keep: Leave the directory with its warehouse; without it everything the demo wrote goes at the end.
        no_open: Open no browser. None is opened with --once or --ready-file either.
    """
    log_to_stderr("error")
    printer = Printer("table")
    outcome = _Outcome({})
    stop = asyncio.Event()
    with ExitStack() as stack:
        directory = stack.enter_context(_directory(dir, keep=keep))
        demo_setup.open_to_files(directory)
        settings = read_settings(data_dir=directory / "state", bind=f"{_HOST}:{_free_port(port)}", environ={})

        async def on_ready(running: Running) -> None:
            is_seen = not (no_open or once or ready_file) and has_display()
            api, made = await _set_up(running, directory, printer, stack, ready_file, is_seen=is_seen)
            outcome.backfills = await follow_all(api, made, printer, once=once)
            if once:
                stop.set()

        await app.serve(settings, on_ready=on_ready, stop=stop)
        if keep:
            printer.note(f"Left in place: {directory}")
    if not once:
        return Exit.OK
    if not outcome.backfills:
        return Exit.INTERRUPTED
    print(*result_lines(outcome.backfills, serving=False), sep="\n")
    return Exit.OK if flights_are_there(outcome.backfills) else Exit.ERROR


async def _set_up(
    running: Running, directory: Path, printer: Printer, stack: ExitStack, ready_file: Path | None, *, is_seen: bool
) -> tuple[Api, Made]:
    """Team, key, transfers and backfills, made or found; then tell people and scripts.

    is_seen: somebody sits before a screen, so the browser is opened, signed in.
    """
    team_id, key = await first_key(running.state) or await another_key(running.state)
    api = stack.enter_context(Api(ClientSettings(running.url, key.text, team_id)))
    made = demo_setup.found(directory) or await _make(api, running, directory)
    if ready_file is not None:
        stack.callback(ready_file.unlink, missing_ok=True)
        demo_setup.write_ready(ready_file, made, running.url, key.text, team_id)
    link = await first_link(running.state) or ""
    for line in banner(made, running.url, key.text, team_id, link):
        printer.note(line)
    if is_seen:
        await asyncio.to_thread(webbrowser.open, running.url + link)
    return api, made


async def _make(api: Api, running: Running, directory: Path) -> Made:
    packed = demo_flights.archive()
    csv = await asyncio.to_thread(demo_flights.unpack, packed, directory) if packed else None
    today = running.state.seams.now().date()
    return await asyncio.to_thread(demo_setup.make, api, directory, csv, today)


@contextmanager
def _directory(chosen: Path | None, *, keep: bool) -> Iterator[Path]:
    """Where the demo works. At the end all of it goes, but a directory that was there before stays, empty."""
    was_there = chosen is not None and chosen.exists()
    if chosen is None:
        directory = Path(tempfile.mkdtemp(prefix="dayfill-demo-"))
    else:
        directory = chosen.absolute()
        _make_usable(directory)
    try:
        yield directory
    finally:
        if not keep:
            _remove(directory, itself=not was_there)


def _make_usable(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_empty = not any(directory.iterdir())
    except OSError as error:
        raise usage(f"--dir {directory} cannot be used: {error.strerror}.") from None
    if not is_empty and demo_setup.found(directory) is None:
        raise usage(f"--dir {directory} is not empty.", "Name a new or an empty directory, or that of a demo.")


def _remove(directory: Path, *, itself: bool) -> None:
    """Best effort: a file that cannot be removed should not hide how the demo ended."""
    for path in [directory] if itself else directory.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _free_port(wanted: int | None) -> int:
    """The wanted port, or the next free one, which is said; 0 stays 0."""
    first = _PORT if wanted is None else wanted
    if first == 0:
        return 0
    if not 0 < first < 65_536:
        raise usage(f"--port {first} is not a port.", "Choose one from 1 to 65535, or 0 for any.")
    for port in range(first, min(first + _PORTS_TRIED, 65_536)):
        if _is_free(port):
            if port != first:
                print(f"Port {first} is taken; using {port}.", file=sys.stderr)
            return port
    raise usage(f"No free port from {first} on.", "Choose another with --port, or 0 for any.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
    return True
