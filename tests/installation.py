"""An installation in a temporary directory, with a clock that tests move and helpers that seed it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import httpx

from dayfill.api.asgi import Api
from dayfill.api.server import Server
from dayfill.domain.access import SCOPES, Role
from dayfill.engine import keys, teams
from dayfill.engine.live import Hub
from dayfill.engine.queries import Queries
from dayfill.engine.trials import Trials
from dayfill.seams import Seams
from dayfill.secrets import Keyring
from dayfill.store.db import Database
from dayfill.store.migrations import migrate_sqlite
from dayfill.store.sqlite import SqliteDatabase
from openapi_check import check_answer
from postgres_state import PostgresHands, PostgresState
from reaching import TEMPS

NOON = datetime(2024, 6, 15, 12, tzinfo=UTC)


@cache
def _new_state() -> bytes:
    """A state database without rows: made once, since each step of the schema waits for the disk."""
    with TemporaryDirectory() as folder:
        state = Path(folder) / "state.db"
        migrate_sqlite(state)
        return state.read_bytes()


async def _no_sleep(_seconds: float) -> None:
    """No test has a time to hide."""


class SqliteHands:
    """What a test does to a state past all verbs."""

    def __init__(self, db: SqliteDatabase) -> None:
        self._writer = db._writer
        self._recent = db._recent

    def execute(self, statement: str, values: dict[str, object]) -> list[tuple[object, ...]]:
        self._recent.end_of_turn()  # this changes the state in the middle of one, which nobody else does
        return self._writer.execute(statement, values).fetchall()

    def insert(self, statement: str, values: dict[str, object]) -> int:
        self._recent.end_of_turn()
        self._writer.execute(statement, values)
        return self._writer.last_insert_rowid()

    def unguard(self) -> None:
        """Let what follows damage the state as no constraint would let it."""
        self._writer.execute("PRAGMA foreign_keys = OFF")

    def changes(self) -> int:
        """How many rows the last statement changed."""
        return self._writer.changes()

    def close(self) -> None:
        """The database closes its connections."""


@dataclass
class Installation:
    """A state database, its keyring, a clock that stands still, and team 1 with an owner and its key.

    skew: by how much the clock was set, which no monotonic clock sees. has_jumped: it was, ahead or back.
    """

    db: Database
    hands: SqliteHands | PostgresHands
    keyring: Keyring
    now: datetime
    server: Server
    key: str = ""
    team_id: int = 0
    user_id: int = 0
    skew: timedelta = timedelta()
    has_jumped: bool = False
    woken: int = 0
    not_ready: str | None = None
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    @classmethod
    async def create(cls, folder: Path, state: PostgresState | None = None) -> Installation:
        """A new one, its state in PostgreSQL or in a file of the folder."""
        if state is None:
            (folder / "state.db").write_bytes(_new_state())
            made = await cls.open(folder)
        else:
            made = await cls._of(folder, await state.open(), state.hands())
        made.team_id = await made.team("First")
        made.user_id, made.key = await made.user(made.team_id, Role.OWNER)
        return made

    @classmethod
    async def open(cls, folder: Path) -> Installation:
        """What lies in a folder, as it is; the caller knows its teams and keys."""
        db = SqliteDatabase(folder / "state.db")
        # No power is cut during a test, and waiting for the disk would make up most of its time.
        db._writer.execute("PRAGMA synchronous = OFF")
        return await cls._of(folder, db, SqliteHands(db))

    @classmethod
    async def _of(cls, folder: Path, db: Database, hands: SqliteHands | PostgresHands) -> Installation:
        keyring = Keyring.of_new_file(folder / "keyring.json")
        made = cls.__new__(cls)
        seams = Seams(now=lambda: made.now, monotonic=time.monotonic, new_id=uuid.uuid4, chance=Random(1))
        hub = Hub(db, seams)
        server = Server(
            db=db,
            seams=seams,
            keyring=keyring,
            changed=made._wake,
            max_days=10_000,
            hub=hub,
            trials=Trials(seams.monotonic, _no_sleep),
            reaches=TEMPS,
            is_ready=lambda: made.not_ready,
            queries=Queries(db, seams, keyring, TEMPS),
        )
        made.__init__(db, hands, keyring, NOON, server)  # type: ignore[misc]
        hub.close()  # a stream ends with its first words; tests of streams bring a hub of their own
        async with db.write() as tx:
            made.server = replace(server, installation_id=await teams.ensure_installation(tx, seams))
        return made

    def _wake(self) -> None:
        self.woken += 1

    def pass_time(self, **duration: float) -> None:
        self.now += timedelta(**duration)

    def set_clock(self, by: timedelta) -> None:
        """Set the wall clock; no time passes."""
        self.now += by
        self.skew += by
        self.has_jumped = True

    def monotonic(self) -> float:
        """Seconds that have really passed since noon."""
        return (self.now - NOON - self.skew).total_seconds()

    async def team(self, name: str) -> int:
        async with self.db.write() as tx:
            return (await teams.create(tx, self.server.seams, name)).team_id

    async def user(self, team_id: int, role: Role, scopes: Iterable[str] = SCOPES) -> tuple[int, str]:
        """A new user with this role, and a key of theirs."""
        async with self.db.write() as tx:
            email = f"{uuid.uuid4().hex}@example.com"
            member = await teams.add_member(tx, self.server.seams, team_id, email, role)
            new = await keys.create(
                tx, self.server.seams, self.keyring, team_id, member.user_id, scopes=scopes, description="test"
            )
        return member.user_id, new.text

    def client(self, key: str | None = None) -> httpx.AsyncClient:
        """A client in this process; every answer is held against the OpenAPI file. No key = the owner's, "" = none."""
        key = self.key if key is None else key
        made = httpx.AsyncClient(
            transport=httpx.ASGITransport(Api(self.server)),
            base_url="http://127.0.0.1:8484",
            headers={"Authorization": f"Bearer {key}"} if key else {},
            event_hooks={"response": [check_answer]},
        )
        self.clients.append(made)
        return made

    def insert(self, table: str, **values: object) -> int:
        """A row straight into the state, for what no verb makes in this test; returns its id."""
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        return self.hands.insert(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)

    def execute(self, statement: str, **values: object) -> list[tuple[object, ...]]:
        """Any statement on the state: tests look at, and damage, what no verb shows."""
        return self.hands.execute(statement, values)

    async def close(self) -> None:
        for client in self.clients:
            await client.aclose()
        self.server.queries.close()
        self.hands.close()
        await self.db.close()
