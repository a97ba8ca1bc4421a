"""Destinations: fields are checked, secrets are sealed for their row and never sent to another place."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

import seeds
from dayfill import destinations as kinds
from dayfill.destinations import DestinationConfig, DestinationField
from dayfill.domain.destination import Destination, Wanted
from dayfill.domain.secret import Secret
from dayfill.domain.transfer import Value
from dayfill.engine import destinations
from dayfill.errors import Conflict, Missing, Permanent, Refused, SealBroken
from dayfill.secrets import Keyring
from dayfill.store import destinations as kept
from dayfill.store import transfers
from dayfill.store.db import Reader
from installation import Installation
from reaching import TEMP

CANARY = "canary-7f3a"


class Server:
    """A kind of destination with two secret fields, one of them required; its check remembers what it was given."""

    kind, title = "DWH_SERVER", "Server"
    fields = (
        DestinationField("host", "Host"),
        DestinationField("schema", "Schema", is_required=False),
        DestinationField("password", "Password", is_secret=True),
        DestinationField("passphrase", "Passphrase", is_required=False, is_secret=True),
    )
    seen: DestinationConfig | None = None

    def location(self, fields: Mapping[str, Value]) -> str:
        return f"{self.kind}:{fields.get('host')}"

    def check(self, config: DestinationConfig) -> None:
        self.seen = config
        if config.secrets["password"].reveal() != CANARY:
            raise Permanent("AUTH", "The server refused the password.")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    made, others = Server(), kinds.get
    monkeypatch.setitem(kinds.KINDS, Server.kind, "server")
    monkeypatch.setattr(kinds, "get", lambda kind: made if kind == Server.kind else others(kind))
    return made


def wanted(new_secrets: Mapping[str, str] | None = None, **fields: object) -> Wanted:
    return Wanted("DWH_SERVER", "Server", fields, new_secrets=new_secrets or {})


async def create(installation: Installation, asked: Wanted) -> Destination:
    async with installation.db.write() as tx:
        return await destinations.create(tx, installation.server.seams, installation.keyring, 1, asked)


async def update(installation: Installation, destination_id: int, asked: Wanted) -> Destination:
    async with installation.db.write() as tx:
        return await destinations.update(tx, installation.server.seams, installation.keyring, 1, destination_id, asked)


def trying(installation: Installation) -> tuple[Reader, Keyring, str]:
    """The first arguments of a test."""
    return installation.db, installation.keyring, "installation"


async def test_secrets_are_sealed_for_their_row(installation: Installation, server: Server) -> None:
    made = await create(installation, wanted(host="db", password=CANARY))
    twin = await create(installation, Wanted("DWH_SERVER", "Twin", {"host": "db", "password": "other"}))
    assert made.fields == {"host": "db"}
    assert destinations.opened(made, installation.keyring) == {"password": Secret(CANARY)}
    assert CANARY not in repr(installation.execute("SELECT * FROM destinations"))
    installation.execute(
        "UPDATE destinations SET sealed = :sealed WHERE destination_id = :id",
        sealed=made.sealed,
        id=twin.destination_id,
    )
    swapped = await kept.get(installation.db, 1, twin.destination_id)
    assert swapped is not None
    with pytest.raises(SealBroken):
        destinations.opened(swapped, installation.keyring)


async def test_a_job_carries_the_secrets_sealed_and_says_what_for(installation: Installation, server: Server) -> None:
    made = await create(installation, wanted(host="db", password=CANARY))
    transfer = await seeds.transfer(installation, destination_id=made.destination_id)
    job = (await transfers.job(installation.db, transfer.transfer_id)).destination
    assert job.fields == {"host": "db"}
    assert job.sealed is not None and CANARY.encode() not in job.sealed
    assert installation.keyring.open(job.sealed, job.sealed_for) == b'{"password":"canary-7f3a"}'


async def test_an_update_without_the_secret_keeps_it(installation: Installation, server: Server) -> None:
    made = await create(installation, wanted(host="db", password=CANARY))
    renamed = await update(installation, made.destination_id, Wanted("DWH_SERVER", "Renamed", {"host": "db"}))
    assert renamed.display_name == "Renamed"
    assert destinations.opened(renamed, installation.keyring) == {"password": Secret(CANARY)}
    rotated = await update(installation, made.destination_id, wanted({"password": "new", "passphrase": "p"}, host="db"))
    assert destinations.opened(rotated, installation.keyring) == {"password": Secret("new"), "passphrase": Secret("p")}


async def test_a_stored_secret_is_not_sent_to_another_place(installation: Installation, server: Server) -> None:
    made = await create(installation, wanted(host="db", password=CANARY))
    with pytest.raises(Refused, match="send password again"):
        await update(installation, made.destination_id, wanted(host="evil.example"))
    with pytest.raises(Refused, match="send password again"):
        await destinations.test(*trying(installation), 1, wanted(host="evil.example"), made.destination_id, TEMP)
    assert server.seen is None
    moved = await update(installation, made.destination_id, wanted({"password": CANARY}, host="db2"))
    assert moved.fields == {"host": "db2"}


async def test_a_test_takes_stored_secrets_of_this_team_only(installation: Installation, server: Server) -> None:
    made = await create(installation, wanted(host="db", password=CANARY))
    arguments = trying(installation)
    assert await destinations.test(*arguments, 1, wanted(host="db"), made.destination_id, TEMP) is None
    assert server.seen == DestinationConfig("installation", {"host": "db"}, {"password": Secret(CANARY)}, reach=TEMP)
    other = await installation.team("Second")
    with pytest.raises(Refused, match="This team has no destination"):
        await destinations.test(*arguments, other, wanted(host="db"), made.destination_id, TEMP)
    with pytest.raises(Refused, match=f"Destination {made.destination_id} is of type DWH_SERVER"):
        await destinations.test(*arguments, 1, Wanted("DWH_DUCKDB", "a", {"path": "/a"}), made.destination_id, TEMP)
    assert await destinations.test(*arguments, 1, wanted(host="db", password="x"), None, TEMP) == (
        "The server refused the password."
    )


async def test_secrets_that_do_not_open_can_be_sent_again(installation: Installation, server: Server) -> None:
    made = await create(installation, wanted(host="db", password="old", passphrase="old"))
    ((sealed,),) = installation.execute("SELECT sealed FROM destinations")
    assert isinstance(sealed, bytes)
    installation.execute("UPDATE destinations SET sealed = :sealed", sealed=b"\1\0\0\0\x09" + sealed[5:])
    for new_secrets in ({}, {"passphrase": "new"}):
        with pytest.raises(Refused, match=r"do not open any more.*: send password again"):
            await update(installation, made.destination_id, wanted(new_secrets, host="db"))
    changed = await update(installation, made.destination_id, wanted({"password": CANARY}, host="db2"))
    assert destinations.opened(changed, installation.keyring) == {"password": Secret(CANARY)}, "nothing old is left"


async def test_a_test_tells_no_secret_whatever_goes_wrong(
    installation: Installation, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = wanted(host="db", password="hunter2")
    arguments = (*trying(installation), 1, asked, None, TEMP)
    said = "cannot reach db\x1b[31m: postgresql://me:hunter2@db refused it"
    for error, told in (
        (Permanent("AUTH", said), "cannot reach db [31m: postgresql://me:***@db refused it"),
        (ValueError(said), "Unexpected ValueError while the destination was tested; the server's log has the trace."),
    ):

        def check(config: DestinationConfig, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(server, "check", check)
        assert await destinations.test(*arguments) == told


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        (Wanted("DWH_SERVER", "a", {"password": "p"}), "The field host is missing"),
        (Wanted("DWH_SERVER", "a", {"host": "", "password": "p"}), "The field host is missing"),
        (Wanted("DWH_SERVER", "a", {"host": "db"}), "The field password is missing"),
        (
            wanted(host="db", password="p", passwrod=CANARY),
            r"There is no field 'passwrod'; did you mean password\? Known",
        ),
        (Wanted("DWH_SERVER", "a", {"host": ["db"], "password": "p"}), "The field host must be a text"),
        (Wanted("DWH_SERVER", "a", {"host": "db", "password": 7}), "The field password must be a text"),
        (Wanted("DWH_SERVER", "a", {"host": "a\0b", "password": "p"}), "NUL"),
        (Wanted("DWH_SERVER", "a", {"host": "a" * 1001, "password": "p"}), "1000 are allowed"),
        (Wanted("DWH_SERVER", " ", {"host": "db", "password": "p"}), "display_name is empty"),
        (Wanted("DWH_SERVER", "a", {"host": "db", "password": "p"}, "OAUTH"), "There is no auth_method 'OAUTH'"),
        (Wanted("DWH_DUCKDB", "a", {"path": "/a"}, "AUTH_METHOD_SECRET"), "this type has none"),
        (Wanted("SQL_BQ", "a", {}), "There is no destination type 'SQL_BQ'; known are"),
    ],
)
async def test_what_is_refused(installation: Installation, server: Server, asked: Wanted, text: str) -> None:
    with pytest.raises(Refused, match=text):
        await create(installation, asked)
    assert installation.execute("SELECT count(*) FROM destinations") == [(0,)]


async def test_names_are_unique_in_a_team(installation: Installation) -> None:
    first = await seeds.destination(installation, "One")
    second = await seeds.destination(installation, "Two")
    with pytest.raises(Conflict):
        await seeds.destination(installation, "One")
    with pytest.raises(Refused, match="already has a destination named 'One'"):
        await update(installation, second.destination_id, Wanted("DWH_DUCKDB", "One", {"path": "/a"}))
    same = await update(installation, first.destination_id, Wanted("DWH_DUCKDB", "One", {"path": "/b"}))
    assert same.fields == {"path": "/b"}
    await seeds.destination(installation, "One", team_id=await installation.team("Second"))


async def test_the_type_stays(installation: Installation, server: Server) -> None:
    made = await seeds.destination(installation)
    with pytest.raises(Refused, match="cannot change from DWH_DUCKDB"):
        await update(installation, made.destination_id, wanted(host="db", password="p"))


async def test_a_destination_in_use_is_not_deleted(installation: Installation) -> None:
    made = await seeds.transfer(installation)
    destination_id = made.configuration.destination_id
    seams = installation.server.seams
    with pytest.raises(Conflict, match="'Flights'"):
        async with installation.db.write() as tx:
            await destinations.delete(tx, seams, 1, destination_id)
    free = await seeds.destination(installation, "Free")
    async with installation.db.write() as tx:
        await destinations.delete(tx, seams, 1, free.destination_id)
        with pytest.raises(Missing):
            await destinations.delete(tx, seams, 1, free.destination_id)
    assert [one.destination_id for one in await kept.list_all(installation.db, 1)] == [destination_id]


async def test_tables_move_with_their_destination_unless_they_are_taken_there(installation: Installation) -> None:
    one, two = await seeds.transfer(installation, "One"), await seeds.configuration(installation, "Two")
    installation.insert("transfer_days", transfer_id=one.transfer_id, data_date="2024-06-01", settled="l")
    moved = await update(
        installation, one.configuration.destination_id, Wanted("DWH_DUCKDB", "Moved", {"path": "/srv/moved.duckdb"})
    )
    assert await transfers.owners(installation.db, moved.location, ["ONE_rows"]) == {"ONE_rows": one.transfer_id}
    assert installation.execute("SELECT settled FROM transfer_days") == [("s",)], "the day is not in the new file"
    rows = await seeds.group(installation, "one_ROWS", name="Same table")
    await seeds.create(installation, replace(two, schema_id=rows.schema_id))
    with pytest.raises(Refused, match="which another transfer loads there already"):
        await update(
            installation, two.destination_id, Wanted("DWH_DUCKDB", "Two warehouse", {"path": "/srv/moved.duckdb"})
        )
