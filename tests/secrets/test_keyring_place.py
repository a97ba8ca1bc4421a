"""Where the keyring is, and that no state is served without the one that it needs."""

from __future__ import annotations

import asyncio
import shutil
import stat
from pathlib import Path

import pytest
from vault import Vault

from dayfill.app import STATE_FILE, Running, open_state, serve
from dayfill.app.keyring import KEYRING_FILE
from dayfill.cli.installation import first_key
from dayfill.cli.logs import log_to_stderr
from dayfill.engine import keys
from dayfill.errors import SetupError
from dayfill.secrets import is_private
from dayfill.settings import Settings, read_settings
from dayfill.store import keys as key_rows


async def started(settings: Settings) -> bool:
    """Start once; the first time this makes a key. Returns whether that key is told from a wrong one."""
    async with open_state(settings) as state:
        made = await first_key(state)
        if made is None:
            return False
        key_id, secret = keys.parse(made[1].text) or ("", "")
        found = await key_rows.credential(state.db, key_id)
        return found is not None and found.secret_hash == state.keyring.fingerprint(secret)


def test_a_state_that_holds_keys_is_not_served_without_its_keyring(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "data")
    assert asyncio.run(started(settings))
    kept = tmp_path / "kept"
    (settings.data_dir / KEYRING_FILE).rename(kept)
    with pytest.raises(SetupError, match=r"holds 1 API keys and 0 stored secrets.*restore the file from its backup"):
        asyncio.run(started(settings))
    assert not (settings.data_dir / KEYRING_FILE).exists(), "a new one would lock everybody out"
    kept.rename(settings.data_dir / KEYRING_FILE)
    asyncio.run(started(settings))


def test_a_first_start_that_ended_early_is_started_again(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "data")

    async def broken_off() -> None:
        async with open_state(settings):
            pass

    asyncio.run(broken_off())
    (settings.data_dir / KEYRING_FILE).unlink()
    assert asyncio.run(started(settings)), "nothing was sealed yet, so nothing is lost"


def test_a_keyring_may_lie_elsewhere_and_is_no_data_there_either(tmp_path: Path) -> None:
    file = tmp_path / "etc" / "dayfill.json"
    environ = {"DAYFILL_DATA_DIR": str(tmp_path / "data"), "DAYFILL_KEYRING_FILE": str(file)}
    settings = read_settings(environ=environ)
    assert asyncio.run(started(settings))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not (settings.data_dir / KEYRING_FILE).exists()
    (tmp_path / "link.csv").symlink_to(file)
    assert is_private(file)
    assert is_private(tmp_path / "link.csv")
    shutil.move(file, tmp_path / "gone")
    with pytest.raises(SetupError, match=r"The keyring .*dayfill\.json is not there"):
        asyncio.run(started(settings))


def test_a_keyring_may_come_in_the_environment(tmp_path: Path) -> None:
    asyncio.run(started(Settings(tmp_path / "first")))
    text = (tmp_path / "first" / KEYRING_FILE).read_text()
    environ = {"DAYFILL_DATA_DIR": str(tmp_path / "data"), "DAYFILL_KEYRING": text}
    settings = read_settings(environ=environ)
    assert text not in repr(settings)
    assert asyncio.run(started(settings))
    assert {path.name for path in settings.data_dir.iterdir()} == {STATE_FILE}
    with pytest.raises(SetupError, match="DAYFILL_KEYRING is not a keyring") as refused:
        asyncio.run(started(read_settings(environ=environ | {"DAYFILL_KEYRING": text[:-9]})))
    assert "pepper" not in str(refused.value)
    with pytest.raises(SetupError, match="both name the keyring: keep one"):
        read_settings(environ=environ | {"DAYFILL_KEYRING_FILE": "/etc/keyring"})


def test_a_relative_path_to_the_keyring_is_refused() -> None:
    with pytest.raises(SetupError, match="DAYFILL_KEYRING_FILE: expected an absolute path"):
        read_settings(environ={"DAYFILL_KEYRING_FILE": "keyring"})


@pytest.mark.parametrize("name", [STATE_FILE, KEYRING_FILE])
def test_nothing_starts_while_others_can_read_state_or_keyring(tmp_path: Path, name: str) -> None:
    settings = Settings(tmp_path / "data")
    asyncio.run(started(settings))
    (settings.data_dir / name).chmod(0o640)
    with pytest.raises(SetupError, match=rf"{name} may be read by others \(mode 0640\): run chmod 600"):
        asyncio.run(started(settings))


def test_the_state_is_private_where_the_keyring_is_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "serve.lock").touch()
    assert is_private(tmp_path / STATE_FILE)
    (tmp_path / "other").mkdir()
    assert not is_private(tmp_path / "other" / STATE_FILE)


def test_a_lost_secret_is_told_at_the_start_and_stops_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vault = Vault.make(tmp_path / "data", 2)
    vault.execute("UPDATE destinations SET sealed = substr(sealed, 2) WHERE destination_id = 2")
    stop = asyncio.Event()

    async def on_ready(running: Running) -> None:
        stop.set()

    log_to_stderr("info")
    asyncio.run(serve(Settings(tmp_path / "data", port=0), on_ready=on_ready, stop=stop))
    said = capsys.readouterr().err
    assert said.count("event=secret_lost") == 1
    assert "destination 2 of team 1" in said
    assert "event=serving" in said
