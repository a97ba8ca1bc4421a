"""What every room's tests share: asyncio, an installation of their own, the settings of the property tests."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import structlog
from coverage import Coverage
from hypothesis import settings

from installation import Installation
from mariadb_server import MARIADBD, NOT_RUN
from postgres_server import AnyServer, new_database, postgres_server
from postgres_state import PostgresState, PostgresStates

# No deadline: a busy machine must not fail a correct property.
settings.register_profile("dayfill", deadline=None, print_blob=True)
settings.load_profile("dayfill")


WORKERS_A_CORE = 1.5
WAITS = ("storm", "cluster", "acceptance", "memory", "races")
"""Rooms whose tests take and wait long: they begin, so that in the end no worker is left alone with one of them."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rounds", type=int, help="repetitions of each test that repeats; the default is for CI")
    parser.addoption("--requests", type=int, help="requests of the fuzzer; the default is for CI")
    parser.addoption("--seed", type=int, help="seed of the fuzzer; the default is for CI")
    parser.addoption("--rows", type=int, help="rows of a huge day; the default is for CI")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Those that wait begin; a run that is longer than CI's has no time limit."""
    items.sort(key=lambda item: item.path.parent.name not in WAITS)
    if config.getoption("--requests") or config.getoption("--rounds"):
        for item in items:
            item.add_marker(pytest.mark.timeout(0))


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """All tests keep all cores busy: while one waits another works. What somebody names runs here (0)."""
    are_named = config.args_source is pytest.Config.ArgsSource.ARGS or config.option.keyword or config.option.lf
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return 0 if are_named else round(cores * WORKERS_A_CORE)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """What make coverage counts is kept now: a worker that takes too long to end is killed, and saves nothing then."""
    if counting := Coverage.current():
        counting.save()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if MARIADBD is None:
        terminalreporter.write_line(NOT_RUN)


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> Callable[[int], int]:
    """How often a test repeats: ``rounds(default)`` is what --rounds says, else the default."""
    asked = request.config.getoption("--rounds")
    return lambda default: default if asked is None else int(asked)


@pytest.fixture
def rows(request: pytest.FixtureRequest) -> Callable[[int], int]:
    """Rows of a huge day: ``rows(default)`` is what --rows says, else the default."""
    asked = request.config.getoption("--rows")
    return lambda default: default if asked is None else int(asked)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """A command that is called in the test's own process sends the log to its stderr, which ends with the test.

    Reads are told at level debug: a test that makes many is not to print them all.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    hooks = logging.lastResort, sys.excepthook, threading.excepthook
    yield
    structlog.reset_defaults()
    logging.lastResort, sys.excepthook, threading.excepthook = hooks


@pytest.fixture
def state(request: pytest.FixtureRequest) -> Iterator[PostgresState | None]:
    """Where the installation of a test has its state: a file, or, by the parameter ``postgresql``, that."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield None
        return
    states: PostgresStates = request.getfixturevalue("postgres_states")
    with states.one() as made:
        yield made


@pytest.fixture
async def installation(tmp_path: Path, state: PostgresState | None) -> AsyncIterator[Installation]:
    made = await Installation.create(tmp_path, state)
    yield made
    await made.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[AnyServer]:
    """The PostgreSQL server of this session, started for the first test that asks."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def postgres_database(postgres: AnyServer) -> Iterator[str]:
    """The DSN of an empty database for one test."""
    with new_database(postgres) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def postgres_states(postgres: AnyServer) -> Iterator[PostgresStates]:
    """Empty states in PostgreSQL, each for one test at a time."""
    states = PostgresStates(postgres)
    yield states
    states.close()
