"""API keys: their format, what a new one may hold, and that disabling is final."""

from __future__ import annotations

import re
import string
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dayfill.domain.access import SCOPES, Role
from dayfill.engine import keys
from dayfill.engine.keys import KEY_LENGTH, compose, parse
from dayfill.errors import Missing, Refused
from dayfill.store import keys as store
from installation import Installation

BASE62 = string.digits + string.ascii_letters
IDS, SECRETS = (st.text(BASE62, min_size=length, max_size=length) for length in (8, 43))


@given(IDS, SECRETS)
def test_a_key_is_what_it_was_composed_of(key_id: str, secret: str) -> None:
    text = compose(key_id, secret)
    assert len(text) == KEY_LENGTH == 63
    assert re.fullmatch(r"api_[0-9A-Za-z]{8}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}", text)
    assert parse(text) == (f"apk_{key_id}", secret)


@given(IDS, SECRETS, st.integers(0, KEY_LENGTH - 1), st.characters())
def test_any_other_character_anywhere_makes_it_no_key(key_id: str, secret: str, place: int, other: str) -> None:
    text = compose(key_id, secret)
    changed = text[:place] + other + text[place + 1 :]
    assert (parse(changed) is None) == (changed != text)


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    parsed = parse(text)
    assert parsed is None or compose(parsed[0].removeprefix("apk_"), parsed[1]) == text


def test_the_check_is_a_crc_32_in_six_digits() -> None:
    """Fixed, because keys that were given out must stay valid."""
    assert compose("0" * 8, "0" * 43) == f"api_00000000_{'0' * 43}_2Vnilw"


async def create(made: Installation, **wanted: object) -> keys.NewKey:
    async with made.db.write() as tx:
        return await keys.create(
            tx, made.server.seams, made.keyring, made.team_id, wanted.pop("user_id", made.user_id), **wanted
        )


async def test_a_new_key_holds_what_was_asked_for_and_by_default_nothing(installation: Installation) -> None:
    new = await create(installation, scopes=["dwh_transfers_read"], description="for the dashboard")
    page = await store.page(installation.db, installation.team_id)
    [listed] = [key for key in page if key.api_key_id == new.key.api_key_id]
    assert listed == new.key and len(page) == 2
    assert (listed.scopes, listed.description) == (frozenset({"dwh_transfers_read"}), "for the dashboard")
    assert listed.key_start == new.text[:10] and listed.is_enabled
    assert (await create(installation)).key.scopes == frozenset()
    bound = await create(installation, only_team_id=installation.team_id)
    assert (bound.key.only_team_id, new.key.only_team_id) == (installation.team_id, None)


async def test_every_key_is_another(installation: Installation) -> None:
    made = [await create(installation) for _ in range(3)]
    assert len({new.text for new in made}) == len({new.key.api_key_id for new in made}) == 3


async def test_what_a_key_cannot_hold_is_refused(installation: Installation) -> None:
    with pytest.raises(Refused, match="no scope 'everything'; known are"):
        await create(installation, scopes=["everything"])
    with pytest.raises(Refused, match="1001 characters"):
        await create(installation, description="x" * 1001)
    with pytest.raises(Refused, match="in the future"):
        await create(installation, expires_time=installation.now)
    with pytest.raises(Refused, match="is neither an address"):
        await create(installation, allow_ips=["10.0.0.256"])
    with pytest.raises(Refused, match="101 addresses"):
        await create(installation, allow_ips=[f"10.0.0.{n}" for n in range(101)])
    with pytest.raises(Missing, match="no user 99"):
        await create(installation, user_id=99)
    second = await installation.team("Second")
    stranger, _ = await installation.user(second, Role.OWNER)
    with pytest.raises(Missing):
        await create(installation, user_id=stranger)
    assert len(await store.page(installation.db, installation.team_id)) == 1


async def test_a_key_may_hold_every_scope_and_a_long_description_and_an_end(installation: Installation) -> None:
    end = installation.now + timedelta(microseconds=1)
    new = await create(installation, scopes=SCOPES, description="x" * 1000, expires_time=end)
    assert (new.key.scopes, new.key.expires_time) == (SCOPES, end)


async def test_addresses_are_kept_once_and_as_they_are_written(installation: Installation) -> None:
    new = await create(installation, allow_ips=["192.0.2.9/24", " 192.0.2.0/24", "2001:DB8:0::1", "192.0.2.7/32"])
    assert new.key.allow_ips == ("192.0.2.0/24", "2001:db8::1", "192.0.2.7")
    assert new.key in await store.page(installation.db, installation.team_id)
    assert len((await create(installation, allow_ips=[f"10.0.0.{n}" for n in range(100)])).key.allow_ips) == 100


async def test_disabling_is_for_members_keys_alone_and_may_be_repeated(installation: Installation) -> None:
    new, second = await create(installation), await installation.team("Second")
    for team_id, key_id in ((second, new.key.api_key_id), (installation.team_id, "apk_00000000")):
        with pytest.raises(Missing, match=f"Team {team_id} has no key {key_id}"):
            async with installation.db.write() as tx:
                await keys.disable(tx, team_id, key_id)
    for _ in range(2):
        async with installation.db.write() as tx:
            disabled = await keys.disable(tx, installation.team_id, new.key.api_key_id)
        assert not disabled.is_enabled
    enabled = {key.api_key_id: key.is_enabled for key in await store.page(installation.db, installation.team_id)}
    assert enabled == {f"apk_{installation.key[4:12]}": True, new.key.api_key_id: False}
