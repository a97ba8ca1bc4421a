"""A state that is in the middle of its work moves into PostgreSQL row by row, or not at all."""

from __future__ import annotations

from pathlib import Path

import apsw
import apsw.shell
import pytest

from dayfill.errors import Busy, Permanent, SetupError
from dayfill.seams import no_failpoint
from dayfill.store.postgresql.connecting import connect
from dayfill.store.postgresql.migrating import migrate
from dayfill.store.postgresql.moving import move
from dayfill.store.postgresql.writing import TAKE_TURN
from installation import Installation
from postgres_server import sql
from rig import Rig, ago, last


@pytest.fixture
async def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state with days in every status, some of them running."""
    folder = tmp_path / "embedded"
    folder.mkdir()
    installation = await Installation.create(folder)
    rig = Rig.create(installation, monkeypatch)
    rig.source.on(ago(1), raises=[Permanent("DATA", "Wrong\0.")])
    await rig.backfill(rig.transfer(), last(4))
    await rig.settle()
    await rig.crash()
    rig.gated(slots=1)
    await rig.backfill(rig.transfer(parallelism=1), last(30))
    await rig.step()
    await rig.crash()
    await installation.close()
    return folder / "state.db"


async def test_every_row_arrives(file: Path, postgres_database: str) -> None:
    connection = await connect(postgres_database)
    await migrate(connection, no_failpoint)
    counts = await move(file, connection)
    source = apsw.Connection(str(file))
    assert counts["runs"] == 34 and counts["transfer_days"] == 34
    for table, count in counts.items():
        columns = [row[1] for row in source.execute(f"PRAGMA table_info({table})")]
        text = f"SELECT {', '.join(columns)} FROM {table}"
        mine = sorted((tuple(row) for row in await connection.fetch(text)), key=repr)
        theirs = sorted(source.execute(text).fetchall(), key=repr)
        kept = [tuple(one.replace("\0", "\ufffd") if isinstance(one, str) else one for one in row) for row in theirs]
        assert (len(mine), mine) == (count, kept), table
    await connection.close()


async def test_the_order_of_tables_in_the_file_does_not_count(
    file: Path, postgres_database: str, tmp_path: Path
) -> None:
    """A dump that was read back has its tables by their names."""
    dump = tmp_path / "dump.sql"
    source = apsw.Connection(str(file))
    with dump.open("w") as out:
        apsw.shell.Shell(db=source, stdout=out).process_command(".dump")
    restored = tmp_path / "restored.db"
    apsw.Connection(str(restored)).execute(dump.read_text())
    connection = await connect(postgres_database)
    await migrate(connection, no_failpoint)
    assert (await move(restored, connection))["runs"] == 34
    await connection.close()


async def test_nobody_else_begins_a_state_where_one_arrives(file: Path, postgres_database: str) -> None:
    """Both found it empty, and the second one ended with an error of the database."""
    connection, other = await connect(postgres_database), await connect(postgres_database)
    await migrate(connection, no_failpoint)
    await other.execute("SET lock_timeout = '50ms'")
    async with connection.transaction():
        await connection.execute(TAKE_TURN)
        with pytest.raises(Busy, match="Another server is writing"):
            await move(file, other)
    await move(file, other)
    with pytest.raises(SetupError, match="holds a state already"):
        await move(file, connection)
    await connection.close()
    await other.close()


async def test_a_state_that_breaks_a_rule_is_not_taken_along(file: Path, postgres_database: str) -> None:
    apsw.Connection(str(file)).execute("UPDATE backfills SET completed = completed + 1")
    connection = await connect(postgres_database)
    await migrate(connection, no_failpoint)
    with pytest.raises(SetupError, match="breaks rules, the first being: I2"):
        await move(file, connection)
    await connection.close()
    assert sql(postgres_database, "SELECT count(*) FROM installation") == "0"
