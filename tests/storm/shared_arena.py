"""Arenas whose state and data are in PostgreSQL, for weather over several servers."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from random import Random

import arena
from arena import DEADLINE, LONG_DEADLINE, Arena
from places import WarehouseDatabase
from servers import Template
from shared_weather import SharedWeather
from weather import Tally

from postgres_server import PostgresServer, own_server, sql

SLOW_DEADLINE = 6 * DEADLINE
"""Seconds: three servers and a database take what a day needs of the machine."""

Make = Callable[[Arena, PostgresServer], SharedWeather]


@contextmanager
def of_several_servers(
    folder: Path, make: Make, deadline: int = SLOW_DEADLINE, beside: Sequence[tuple[str, int]] = ()
) -> Iterator[SharedWeather]:
    """An arena whose state and data are in two databases of a PostgreSQL of its own. beside: as of `arena.make`."""
    with own_server() as postgres:
        for name in "state", "data":
            sql(postgres.dsn(), f"CREATE DATABASE {name}")
        target = WarehouseDatabase({**postgres.address, "database": "data", "tls": "disable"})
        kinds = ("STAMPED", deadline), ("STAMPED_SINGLY", LONG_DEADLINE)
        weather = make(arena.make(folder, *kinds, state=postgres.dsn("state"), target=target, beside=beside), postgres)
        try:
            yield weather
        finally:
            for server in list(weather.fleet.values()):
                server.end(signal.SIGKILL)


def in_shared_weather(
    folder: Path, template: Template, chance: Random, tally: Tally, is_fenced: bool
) -> AbstractContextManager[SharedWeather]:
    """Servers that load on their own threads."""
    return of_several_servers(
        folder, lambda place, postgres: SharedWeather(place, template, postgres, chance, tally, is_fenced)
    )
