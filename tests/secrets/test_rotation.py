"""Rotation: every secret opens at every moment, whoever dies and whoever works beside it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from vault import Vault, store

from dayfill.app import open_state
from dayfill.app.keyring import KEYRING_FILE
from dayfill.engine import keyring as verbs
from dayfill.errors import Busy, Refused, SealBroken
from dayfill.secrets import Keyring
from dayfill.store import teams

KILLER, MEMORY = Path(__file__).with_name("killed_rotation.py"), Path("/dev/shm")


async def rotate(vault: Vault) -> int:
    """As the command does it; returns how many secrets were sealed anew."""
    async with open_state(vault.settings) as state:
        async with state.db.write() as tx:
            verbs.add_key(tx, vault.keyring_file)
        return (await verbs.reseal(state.db, state.keyring, state.seams.now())).count


@pytest.mark.timeout(300)
def test_a_rotation_that_is_killed_at_any_line_loses_nothing_and_goes_on(tmp_path: Path) -> None:
    """A real kill -9 at every other line of the code that rotates, each followed by a look and a second try."""
    # No power is cut, so nothing needs to reach a disk.
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else tmp_path) as folder:
        ran = subprocess.run([sys.executable, str(KILLER), folder], capture_output=True, text=True, timeout=280)
    assert ran.returncode == 0, ran.stderr
    told = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(told) > 50
    assert told[-1]["killed"] is False, "the last try was not killed: it came to the end of the code"
    assert [one for one in told if one["wrong"]] == []
    assert {tuple(one["keys"]) for one in told} == {(1,), (1, 2)}, "killed before and after the key was added"
    used = {tuple(sorted(one["used"].items())) for one in told}
    assert used == {(("1", 4),), (("1", 2), ("2", 2)), (("2", 4),)}, "killed before, between and after the batches"


async def test_a_server_goes_on_beside_a_rotation(tmp_path: Path) -> None:
    vault = await asyncio.to_thread(Vault.make, tmp_path / "data")
    async with open_state(vault.settings) as server:
        assert await rotate(vault) == 4
        assert (vault.keys(), dict(vault.used())) == ([1, 2], {2: 4})
        assert await verbs.broken_seals(server.db, server.keyring) == [], "it knows of the new key without a restart"
        await store(server, 4)
        assert dict(vault.used()) == {2: 5}, "and seals with it"
        async with server.db.write() as tx:
            await verbs.drop_key(tx, vault.keyring_file, 1)
        assert vault.keys() == [2]
        await store(server, 5)
    assert vault.passwords() == [f"password-{number}" for number in range(1, 6)]


async def test_what_a_server_stores_during_a_rotation_is_left_as_it_is(tmp_path: Path) -> None:
    vault = await asyncio.to_thread(Vault.make, tmp_path / "data")
    async with open_state(vault.settings) as state:
        async with state.db.write() as tx:
            verbs.add_key(tx, vault.keyring_file)
        stale = await teams.sealed_secrets(state.db)
        fresh = state.keyring.seal(b'{"password":"changed"}', "1:destinations:1:sealed")
        vault.execute("UPDATE destinations SET sealed = ? WHERE destination_id = 1", fresh)
        async with state.db.write() as tx:
            assert [await teams.reseal(tx, one, b"old") for one in stale[:1]] == [False]
        assert (await verbs.reseal(state.db, state.keyring, state.seams.now())).count == 3
    assert vault.passwords() == ["changed", "password-2", "password-3"]


async def test_a_server_seals_nothing_that_might_not_open_after_a_restart(tmp_path: Path) -> None:
    vault = await asyncio.to_thread(Vault.make, tmp_path / "data")
    async with open_state(vault.settings) as server:
        vault.keyring_file.rename(tmp_path / "away")
        with pytest.raises(Busy, match="its operator must restore it"):
            await store(server, 4)
        assert await verbs.broken_seals(server.db, server.keyring) == [], "what it knows it still opens"
        (tmp_path / "away").rename(vault.keyring_file)
        await store(server, 4)
    assert len(vault.passwords()) == 4


async def test_more_secrets_than_a_batch_are_all_sealed_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verbs, "BATCH", 2)
    vault = await asyncio.to_thread(Vault.make, tmp_path / "data", 5)
    assert await rotate(vault) == 6
    assert dict(vault.used()) == {2: 6}


async def test_a_secret_that_does_not_open_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    vault = await asyncio.to_thread(Vault.make, tmp_path / "data")
    lost = Keyring({7: b"z" * 32}, b"p" * 32).seal(b"{}", "1:destinations:1:sealed")
    vault.execute("UPDATE destinations SET sealed = ? WHERE destination_id = 1", lost)
    vault.execute("UPDATE destinations SET sealed = (SELECT sealed FROM connections) WHERE destination_id = 2")
    vault.execute("UPDATE destinations SET sealed = substr(sealed, 1, length(sealed) - 1) WHERE destination_id = 3")
    async with open_state(vault.settings) as state:
        async with state.db.write() as tx:
            verbs.add_key(tx, vault.keyring_file)
        done = await verbs.reseal(state.db, state.keyring, state.seams.now())
        assert await verbs.broken_seals(state.db, state.keyring) == done.broken
    assert done.count == 1
    said = [("destination 1 of team 1", "a key that this keyring does not hold"), ("destination 2", "changed or moved")]
    for broken, words in zip(done.broken, [*said, ("destination 3", "changed or moved")], strict=True):
        assert all(word in broken for word in (*words, "Enter its credentials again"))


async def test_a_key_is_dropped_only_when_nothing_needs_it(tmp_path: Path) -> None:
    vault = await asyncio.to_thread(Vault.make, tmp_path / "data")
    sealed = Keyring.from_file(vault.keyring_file).seal(b"kept", "elsewhere")
    async with open_state(vault.settings) as state, state.db.write() as tx:
        newest = "Key 1 is the newest, which seals: rotate first."
        for number, said in ((1, newest), (9, "The keyring holds no key 9; choose from 1.")):
            with pytest.raises(Refused, match=f"^{said}$"):
                await verbs.drop_key(tx, vault.keyring_file, number)
        assert [verbs.add_key(tx, vault.keyring_file) for _ in range(2)] == [2, 3]
        used = "Key 1 has sealed 4 stored secrets: rotate first, which seals them anew."
        for number, said in ((1, used), (9, "The keyring holds no key 9; choose from 1, 2, 3.")):
            with pytest.raises(Refused, match=f"^{said}$"):
                await verbs.drop_key(tx, vault.keyring_file, number)
    assert vault.keys() == [1, 2, 3], "what was refused has changed nothing"
    assert await rotate(vault) == 4
    async with open_state(vault.settings) as state, state.db.write() as tx:
        await verbs.drop_key(tx, vault.keyring_file, 1)
    assert vault.keys() == [2, 3, 4]
    with pytest.raises(SealBroken):
        Keyring.from_file(tmp_path / "data" / KEYRING_FILE).open(sealed, "elsewhere")
    assert len(vault.passwords()) == 3
