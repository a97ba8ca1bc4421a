"""Two teams in one state, and the same state without the first: what the second is answered must be equal in both.

All ids of the first team lie in a range of their own, below those of the second, and all its texts hold the canary. So
the second team's ids are the same with and without it, and a byte that differs is a byte that came from the first.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import route_samples
from route_samples import World

import seeds
from dayfill.domain.access import Role
from dayfill.domain.query import QueryStatus
from installation import Installation

CANARY = "zanary"
THEIR_QUERY = "theirs-1"
"""Id of a query of the first team, which lives in memory alone."""
FIRST, SECOND, END = 7_000_000, 8_000_000, 9_000_000
"""Ids of the first team lie between the first two, those of the second between the last two."""
WORDS = ("lights", "pare", "nused", "New", "mported")
"""Parts of the names that the route samples give."""
NAMES = {"name", "display_name", "username", "email", "first_name", "last_name", "description", "message", "reason"}


class Inline(Executor):
    """Does at once what is submitted: nobody else waits here, and a million hand-overs take minutes."""

    def submit(self, work: Callable[..., Any], /, *values: Any, **named: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(work(*values, **named))
        except Exception as error:
            done.set_exception(error)
        return done


@dataclass(frozen=True)
class Teams:
    """Two folders: the state with both teams and the one without the first; what the second team is and holds."""

    both: Path
    alone: Path
    first: World
    second: World
    first_user: int
    first_key: str
    second_user: int
    owner: str
    others: tuple[str, ...]

    async def open(self, folder: Path, *, alone: bool = False) -> Installation:
        """A copy at work; ids and chance are the same in every copy."""
        shutil.copytree(self.alone if alone else self.both, folder, dirs_exist_ok=True)
        made, chance = await Installation.open(folder), Random(2)
        seams = replace(made.server.seams, new_id=lambda: uuid.UUID(int=chance.getrandbits(128), version=4))
        made.server = replace(made.server, seams=seams)
        made.key = self.owner
        if not alone:
            made.team_id, made.user_id = self.first.ids["team_id"], self.first_user
            seeds.query(made, THEIR_QUERY, QueryStatus.FAILURE)
        made.team_id, made.user_id = self.second.ids["team_id"], self.second_user
        self.second.ask(made)
        made.db._write_thread.shutdown()
        made.db._write_thread = Inline()  # type: ignore[assignment]
        return made


async def two_teams(folder: Path) -> Teams:
    (folder / "both").mkdir(parents=True)
    made = await Installation.create(folder / "both")
    with _ids_from(made, FIRST):
        first_key, first = await _team(made, "First")
        first_user = made.user_id
    _mark(made)
    with _ids_from(made, SECOND):
        owner, second = await _team(made, "Second")
        second_user = made.user_id
        others = [(await made.user(made.team_id, role))[1] for role in (Role.EDITOR, Role.VIEWER, Role.FINANCE)]
        others.append((await made.user(made.team_id, Role.OWNER, ()))[1])
        disabled, key = await made.user(made.team_id, Role.OWNER)
        made.execute("UPDATE api_keys SET is_enabled = 0 WHERE user_id = :user_id", user_id=disabled)
    made.execute("PRAGMA foreign_keys = ON")
    await made.close()
    shutil.copytree(folder / "both", folder / "alone")
    await _without_first(folder / "alone")
    folders = folder / "both", folder / "alone"
    return Teams(*folders, first, second, first_user, first_key, second_user, owner, (*others, key))


async def _team(made: Installation, name: str) -> tuple[str, World]:
    made.team_id = await made.team(name)
    made.user_id, made.key = await made.user(made.team_id, Role.OWNER)
    return made.key, await route_samples.world(made)


@contextmanager
def _ids_from(made: Installation, lowest: int) -> Iterator[None]:
    """Rows that are made meanwhile get ids above: SQLite counts on from the greatest, which a placeholder has."""
    made.execute("PRAGMA foreign_keys = OFF")
    made.execute("PRAGMA ignore_check_constraints = ON")
    placed = []
    for table, columns in _tables(made):
        if [name for name, type_, _, key in columns if key] == [columns[0][0]] and columns[0][1] == "INTEGER":
            values = {name: _nothing(type_) for name, type_, needed, key in columns if needed and not key}
            made.insert(table, **values, **{columns[0][0]: lowest})
            placed.append((table, columns[0][0]))
    made.execute("PRAGMA ignore_check_constraints = OFF")
    yield
    for table, key in placed:
        made.execute(f"DELETE FROM {table} WHERE {key} = :lowest", lowest=lowest)


def _nothing(type_: str) -> object:
    return {"INTEGER": 0, "TEXT": "", "BLOB": b""}[type_]


def _tables(made: Installation) -> list[tuple[str, list[tuple[str, str, bool, bool]]]]:
    """Each table with its columns: name, type, whether it needs a value, whether it is of the primary key."""
    tables = made.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return [
        (
            str(table),
            [
                (str(name), str(type_), bool(not_null) and default is None, bool(key))
                for _, name, type_, not_null, default, key in made.execute(f"PRAGMA table_info({table})")
            ],
        )
        for (table,) in tables
        if table != "installation"
    ]


def _of_first(columns: list[tuple[str, str, bool, bool]]) -> str:
    """The condition that a row belongs to the first team."""
    ids = [name for name, type_, _, _ in columns if type_ == "INTEGER" and name.endswith("_id")]
    return " OR ".join(f"({name} > {FIRST} AND {name} < {SECOND})" for name in ids)


def _mark(made: Installation) -> None:
    """Put the canary into all texts of the first team."""
    made.execute("DROP TRIGGER audit_is_written_once")
    for table, columns in _tables(made):
        where = _of_first(columns)
        for name, type_, _, _ in columns if where else ():
            if type_ != "TEXT":
                continue
            for word in WORDS:
                made.execute(f"UPDATE {table} SET {name} = replace({name}, '{word}', '{word}{CANARY}') WHERE {where}")
            if name in NAMES:
                made.execute(
                    f"UPDATE {table} SET {name} = '{CANARY}' || {name} WHERE ({where}) AND {name} NOT LIKE '%{CANARY}%'"
                )


async def _without_first(folder: Path) -> None:
    made = await Installation.open(folder)
    made.execute("PRAGMA foreign_keys = OFF")
    for table, columns in _tables(made):
        if where := _of_first(columns):
            made.execute(f"DELETE FROM {table} WHERE {where}")
    assert made.execute("PRAGMA foreign_key_check") == []
    await made.close()
