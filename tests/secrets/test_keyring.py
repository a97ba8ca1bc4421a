"""The keyring: what is sealed opens only where and as it was sealed, and the file is its owner's alone."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dayfill.errors import SealBroken, SetupError
from dayfill.secrets import Keyring

PURPOSE = "1:destinations:7:sealed"
OLD, NEW = Keyring({1: b"a" * 32}, b"p" * 32), Keyring({1: b"a" * 32, 2: b"b" * 32}, b"p" * 32)


@given(st.binary(max_size=200), st.text(max_size=40))
def test_what_is_sealed_opens_for_its_purpose(plain: bytes, purpose: str) -> None:
    sealed = OLD.seal(plain, purpose)
    assert OLD.open(sealed, purpose) == plain
    assert len(plain) < 8 or plain not in sealed


def test_the_same_secret_never_seals_twice_to_the_same_bytes() -> None:
    assert OLD.seal(b"secret", PURPOSE) != OLD.seal(b"secret", PURPOSE)


@pytest.mark.parametrize(
    "other",
    [
        "1:destinations:8:sealed",
        "2:destinations:7:sealed",
        "1:connections:7:sealed",
        "1:destinations:7:other_column",
        "",
    ],
)
def test_a_secret_moved_to_another_place_does_not_open(other: str) -> None:
    sealed = OLD.seal(b"secret", PURPOSE)
    with pytest.raises(SealBroken, match="changed or moved") as broken:
        OLD.open(sealed, other)
    assert "secret" not in str(broken.value).replace("stored secret", "")


def test_no_byte_can_be_changed_and_none_can_be_missing() -> None:
    sealed = OLD.seal(b"secret", PURPOSE)
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        for broken in (bytes(changed), sealed[:position]):
            with pytest.raises(SealBroken):
                OLD.open(broken, PURPOSE)


def test_the_newest_key_seals_and_every_key_opens() -> None:
    before, after = OLD.seal(b"secret", PURPOSE), NEW.seal(b"secret", PURPOSE)
    assert NEW.open(before, PURPOSE) == NEW.open(after, PURPOSE) == b"secret"
    with pytest.raises(SealBroken, match="a key that this keyring does not hold"):
        OLD.open(after, PURPOSE)


def test_a_fingerprint_is_the_same_for_the_same_secret_and_pepper_alone() -> None:
    assert OLD.fingerprint("secret") == NEW.fingerprint("secret")
    assert len(OLD.fingerprint("secret")) == 32
    others = {OLD.fingerprint("secret!"), Keyring({1: b"a" * 32}, b"q" * 32).fingerprint("secret")}
    assert OLD.fingerprint("secret") not in others


def test_the_file_is_made_once_and_can_be_read_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "keyring"
    sealed = Keyring.of_new_file(path).seal(b"secret", PURPOSE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Keyring.of_new_file(path).open(sealed, PURPOSE) == b"secret"
    assert [one.name for one in path.parent.iterdir()] == ["keyring"], "no draft is left behind"


def test_of_several_first_starts_at_once_all_read_one_keyring(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: Keyring.of_new_file(tmp_path / "keyring"), range(8)))
    assert len({keyring.fingerprint("x") for keyring in made}) == 1


def test_two_installations_share_no_key(tmp_path: Path) -> None:
    first, second = Keyring.of_new_file(tmp_path / "a"), Keyring.of_new_file(tmp_path / "b")
    assert first.fingerprint("x") != second.fingerprint("x")
    with pytest.raises(SealBroken):
        second.open(first.seal(b"secret", PURPOSE), PURPOSE)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o601])
def test_a_file_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keyring"
    Keyring.of_new_file(path)
    path.chmod(mode)
    with pytest.raises(SetupError, match=rf"mode {mode:04o}\): run chmod 600"):
        Keyring.of_new_file(path)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"keys": {}, "pepper": ""}', '{"keys": {"1": "AAAA"}, "pepper": ""}', "\xff"]
)
def test_a_file_that_is_no_keyring_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keyring"
    path.write_bytes(text.encode("latin-1"))
    path.chmod(0o600)
    with pytest.raises(SetupError, match="is not a keyring: restore it"):
        Keyring.of_new_file(path)


def test_a_second_key_in_the_file_seals_from_then_on(tmp_path: Path) -> None:
    path = tmp_path / "keyring"
    before = Keyring.of_new_file(path).seal(b"secret", PURPOSE)
    held = json.loads(path.read_text())
    held["keys"]["2"] = held["pepper"]
    path.write_text(json.dumps(held))
    both = Keyring.of_new_file(path)
    assert both.open(before, PURPOSE) == b"secret"
    assert both.seal(b"secret", PURPOSE)[:5] == b"\x01\x00\x00\x00\x02"
