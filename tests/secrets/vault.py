"""An installation on the disk whose destinations have stored secrets, as a command finds it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import apsw

from dayfill.app import STATE_FILE, State, open_state
from dayfill.app.keyring import KEYRING_FILE
from dayfill.cli.installation import first_key
from dayfill.domain.destination import sealed_for
from dayfill.domain.secret import Secret
from dayfill.secrets import Keyring, key_number, secrets_in
from dayfill.settings import Settings
from dayfill.store import destinations
from dayfill.store.destinations import Chosen


@dataclass(frozen=True)
class Vault:
    """Destinations 1 to ``count`` of team 1, each with a password of its own; and a connection with a token."""

    directory: Path
    count: int = 3

    @classmethod
    def make(cls, directory: Path, count: int = 3) -> Vault:
        made = cls(directory, count)
        asyncio.run(made._fill())
        return made

    @property
    def settings(self) -> Settings:
        return Settings(self.directory)

    @property
    def keyring_file(self) -> Path:
        return self.directory / KEYRING_FILE

    async def _fill(self) -> None:
        async with open_state(self.settings) as state:
            await first_key(state)
            for number in range(1, self.count + 1):
                await store(state, number)
            self.execute(
                "INSERT INTO connections (public_id, team_id, data_source_id, destination_type, sealed, created_time)"
                " VALUES ('C', 1, 'FILES', 'DWH_DUCKDB', ?, 0)",
                state.keyring.seal(b'{"token":"token-1"}', "1:connections:1:sealed"),
            )

    def execute(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Look at the state, or damage it."""
        # Not the standard library's SQLite: two of them in one process take away each other's locks on a file.
        connection = apsw.Connection(str(self.directory / STATE_FILE))
        found = connection.execute(statement, values).fetchall()
        connection.close()
        return found

    def passwords(self) -> list[str]:
        """What a new process reads of each destination, through the keyring as it is now."""
        keyring = Keyring.from_file(self.keyring_file)
        rows = self.execute("SELECT destination_id, sealed FROM destinations ORDER BY 1")
        return [secrets_in(keyring.open(sealed, sealed_for(1, n)))["password"].reveal() for n, sealed in rows]  # type: ignore[arg-type]

    def used(self) -> Counter[int | None]:
        """How many secrets each key has sealed."""
        rows = self.execute("SELECT sealed FROM destinations UNION ALL SELECT sealed FROM connections")
        return Counter(key_number(row[0]) for row in rows)  # type: ignore[arg-type]

    def keys(self) -> list[int]:
        """The numbers in the keyring's file."""
        return sorted(map(int, json.loads(self.keyring_file.read_text())["keys"]))


async def store(state: State, number: int) -> None:
    """A destination with a password, made as a server makes it."""
    async with state.db.write() as tx:
        chosen = Chosen("DWH_DUCKDB", f"D{number}", "", {"path": f"/{number}"}, f"/{number}")
        made = await destinations.insert(tx, 1, chosen, state.seams.now())
        assert made == number
        sealed = state.keyring.seal_secrets({"password": Secret(f"password-{number}")}, sealed_for(1, made))
        await destinations.seal(tx, 1, made, sealed)
