"""Which login a transfer reads through, and what a revoked one does to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

import seeds
from dayfill.domain.connection import Connection, sealed_for
from dayfill.domain.ids import LARGEST_SHORT_ID
from dayfill.domain.run import Side
from dayfill.domain.secret import Secret
from dayfill.domain.slices import SourceJob
from dayfill.domain.transfer import Account, Segment, Transfer
from dayfill.engine import connections
from dayfill.errors import Missing, Refused
from dayfill.secrets import secrets_in
from dayfill.sources import kept_for
from dayfill.store import connections as kept
from dayfill.store import parking, transfers
from installation import NOON, Installation
from slices import DAYS, Bench, causes


def through(login: Connection, *more: Connection) -> dict[str, object]:
    return {"accounts": tuple(Account("", one.connection_id, f"a-{one.connection_id}") for one in (login, *more))}


async def revoke(installation: Installation, connection_id: int) -> Connection:
    async with installation.db.write() as tx:
        return await connections.revoke(tx, installation.server.seams, installation.team_id, connection_id)


async def again(installation: Installation, made: Transfer, **changes: object) -> Transfer:
    return await seeds.update(installation, made.transfer_id, replace(made.configuration, **changes))  # type: ignore[arg-type]


async def test_a_transfer_reads_through_the_login_that_its_accounts_name(installation: Installation) -> None:
    first, newest = await seeds.login(installation), await seeds.login(installation)
    made = await seeds.transfer(installation, **through(first))
    assert made.connection_id == first.connection_id
    assert (await again(installation, made)).connection_id == first.connection_id
    assert (await again(installation, made, **through(newest))).connection_id == newest.connection_id
    assert (await again(installation, made, accounts=())).connection_id == newest.connection_id


async def test_a_segment_names_a_login_as_well(installation: Installation) -> None:
    first, _ = await seeds.login(installation), await seeds.login(installation)
    made = await seeds.transfer(installation, segments=(Segment("", first.connection_id, "s", "All"),))
    assert made.connection_id == first.connection_id


async def test_a_login_that_the_team_cannot_use_is_refused_like_one_that_never_was(installation: Installation) -> None:
    other = await installation.team("Other")
    revoked = await seeds.login(installation)
    await revoke(installation, revoked.connection_id)
    foreign = await seeds.login(installation, team_id=other)
    elsewhere = await seeds.login(installation, "DEMO_ADS")
    wanted = await seeds.configuration(installation)
    for login_id in (
        revoked.connection_id,
        foreign.connection_id,
        elsewhere.connection_id,
        -1,
        LARGEST_SHORT_ID + 1,
        1 << 70,
    ):
        wanted = replace(wanted, accounts=(Account("", login_id, "a"),))
        with pytest.raises(Refused, match=f"^This team has no login {login_id} at FILES that it could use"):
            await seeds.create(installation, wanted)


async def test_a_transfer_has_one_login(installation: Installation) -> None:
    logins = await seeds.login(installation), await seeds.login(installation)
    with pytest.raises(Refused, match="name the logins 1, 2; a transfer reads through one"):
        await seeds.transfer(installation, **through(*logins))


async def test_a_revoked_login_is_kept_with_its_time_and_without_its_secrets(installation: Installation) -> None:
    made = await seeds.transfer(installation)
    installation.execute("UPDATE connections SET sealed = :sealed", sealed=b"\0")
    async with installation.db.write() as tx:
        end = await parking.end_of(tx, Side.SOURCE, made.transfer_id)
        await parking.park(tx, end, NOON, NOON + timedelta(days=1), "QUOTA", "daily quota")
    installation.pass_time(hours=1)
    revoked = await revoke(installation, made.connection_id)
    assert (revoked.revoked_time, revoked.sealed) == (NOON + timedelta(hours=1), None)
    job = await transfers.job(installation.db, made.transfer_id)
    assert job.source.is_revoked
    assert job.parked_until is None, "what waits for it need not wait until its quota is back"
    with pytest.raises(Missing, match="revoked at 2024-06-15T13:00:00Z already"):
        await revoke(installation, made.connection_id)


async def test_a_login_of_another_team_cannot_be_revoked(installation: Installation) -> None:
    foreign = await seeds.login(installation, team_id=await installation.team("Other"))
    with pytest.raises(Missing):
        await revoke(installation, foreign.connection_id)
    assert await kept.get(installation.db, foreign.team_id, foreign.connection_id) == foreign


def test_a_revoked_login_fails_every_day_without_asking_the_source(bench: Bench) -> None:
    results = bench.load(source=SourceJob("FILES", {}, connection_id=3, is_revoked=True))
    assert causes(results) == dict.fromkeys(DAYS, "AUTH")
    failure = results[DAYS[0]].failure
    assert (failure.fatal, failure.transient, bench.source.reads) == (True, False, [])
    assert failure.message == "Login 3 was revoked; save the transfer with another login, then retry."


async def test_saved_again_the_transfer_reads_through_another_login(installation: Installation) -> None:
    made = await seeds.transfer(installation)
    await revoke(installation, made.connection_id)
    saved = await again(installation, made)
    assert saved.connection_id != made.connection_id
    assert not (await transfers.job(installation.db, made.transfer_id)).source.is_revoked
    assert installation.execute("SELECT created_user_id FROM connections") == [(installation.user_id,)] * 2
    await revoke(installation, saved.connection_id)
    newest = await seeds.login(installation)
    assert (await again(installation, made)).connection_id == newest.connection_id


async def test_a_secret_is_kept_sealed_for_the_one_host_that_it_may_be_sent_to(installation: Installation) -> None:
    login = await seeds.login(installation, "SQL")
    async with installation.db.write() as tx:
        await connections.give(tx, installation.keyring, login, {"host": "DB.example", "password": "canary"})
    ((sealed,),) = installation.execute("SELECT sealed FROM connections")
    assert isinstance(sealed, bytes) and b"canary" not in sealed
    opened = secrets_in(installation.keyring.open(sealed, sealed_for(login.team_id, login.connection_id)))
    assert opened == {
        kept_for("password", {"host": "db.example", "port": 5432, "tls": "verify-full"}): Secret("canary")
    }


@pytest.mark.parametrize(
    ("source", "secrets", "says"),
    [
        (
            "SQL",
            {"host": "db.example", "token": "t"},
            "A login at SQL keeps no secret 'token'; known are password, engine, host, port, tls, ca_certificate.",
        ),
        (
            "SQL",
            {"host": "db.example", "Passwort": "t"},
            "A login at SQL keeps no secret 'Passwort'; did you mean password? Known are password, engine, host, port,"
            " tls, ca_certificate.",
        ),
        (
            "FILES",
            {"host": "db.example", "token": "t"},
            "A login at FILES keeps no secret 'token'; it has none, so leave it out.",
        ),
        ("SQL", {"password": "p"}, "A secret is kept for one host: send it as host beside the secret."),
        ("SQL", {"password": "p", "host": " "}, "A secret is kept for one host: send it as host beside the secret."),
    ],
)
async def test_a_secret_that_nobody_asks_for_or_for_any_host_is_refused(
    installation: Installation, source: str, secrets: dict[str, str], says: str
) -> None:
    login = await seeds.login(installation, source)
    async with installation.db.write() as tx:
        with pytest.raises(Refused) as refused:
            await connections.give(tx, installation.keyring, login, secrets)
    assert refused.value.description == says
    assert installation.execute("SELECT sealed FROM connections") == [(None,)]
