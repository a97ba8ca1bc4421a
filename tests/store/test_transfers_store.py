"""Rows of transfers, and the job that a dispatcher reads for their days."""

from datetime import timedelta

import pytest

import seeds
from dayfill.domain.run import Side
from dayfill.domain.transfer import Account, Field, SourceSetting, Table
from dayfill.engine import destinations, table_groups
from dayfill.engine import transfers as verbs
from dayfill.store import connections, parking, schedules, transfers
from installation import NOON, Installation

UNIQUE = r"(?i)unique constraint"


async def test_what_was_chosen_comes_back_equal(installation: Installation) -> None:
    wanted = await seeds.configuration(
        installation,
        accounts=(Account("user", (await seeds.login(installation)).connection_id, "a-1"),),
        notification_recipients=("a@example.com",),
        settings=(seeds.PATH, SourceSetting("timezone", "Europe/Helsinki"), SourceSetting("parallelism", 2)),
    )
    made = await seeds.create(installation, wanted)
    read = await transfers.get(installation.db, installation.team_id, made.transfer_id)
    assert read == made
    assert read is not None and read.configuration == wanted
    assert (read.zone, read.parallelism, read.deadline_seconds) == ("Europe/Helsinki", 2, 3600)
    assert (read.created_time, read.created_user_id) == (NOON, installation.user_id)


async def test_another_team_finds_nothing(installation: Installation) -> None:
    made = await seeds.transfer(installation)
    other = await installation.team("Second")
    db, configuration = installation.db, made.configuration
    assert await transfers.get(db, other, made.transfer_id) is None
    assert await transfers.list_all(db, other) == []
    assert await connections.get(db, other, made.connection_id) is None
    assert await transfers.named(db, other, configuration.display_name) is None


async def test_the_job_holds_all_that_a_slice_needs(installation: Installation) -> None:
    columns = (Field("id", "id", "INTEGER"), Field("at", "at", "DATE"))
    async with installation.db.write() as tx:
        seams, team_id = installation.server.seams, installation.team_id
        group = await table_groups.create(tx, seams, team_id, "FILES", "Two", "p_", [Table("a", columns), Table("b")])
    wanted = await seeds.configuration(
        installation,
        schema_id=group.schema_id,
        accounts=(Account("user", (await seeds.login(installation)).connection_id, "a-1"),),
        settings=(seeds.PATH, SourceSetting("timezone", "Asia/Tokyo"), SourceSetting("deadline_seconds", 60)),
    )
    made = await seeds.create(installation, wanted)
    async with installation.db.write() as tx:
        end = await parking.end_of(tx, Side.SOURCE, made.transfer_id)
        await parking.park(tx, end, NOON, NOON + timedelta(hours=1), "QUOTA", "daily quota")
    job = await transfers.job(installation.db, made.transfer_id)
    assert (job.team_id, job.connection_id, job.parallelism, job.deadline_seconds) == (
        team_id,
        made.connection_id,
        4,
        60,
    )
    assert job.parked_until == NOON + timedelta(hours=1)
    assert job.zone == job.source.zone == "Asia/Tokyo"
    assert job.source.settings == {"path": "/data/flights.csv"}, "reserved settings are not the source's business"
    assert job.source.accounts == wanted.accounts
    assert [table.name for table in job.tables] == ["p_a", "p_b"]
    assert job.tables[0].fields == columns
    assert (job.destination.kind, job.destination.fields) == ("DWH_DUCKDB", {"path": "/srv/Flights warehouse.duckdb"})
    assert job.destination.sealed is None
    assert job.destination_id == wanted.destination_id


async def test_of_the_limits_that_transfers_of_a_connection_state_the_least_is_kept(installation: Installation) -> None:
    rates = {"None": None, "Sixty": 60, "Thirty": 30}
    made = {}
    for name, rate in rates.items():
        settings = (seeds.PATH, SourceSetting("requests_per_minute", rate))
        made[name] = await seeds.create(installation, await seeds.configuration(installation, name, settings=settings))

    async def known() -> set[int | None]:
        return {(await transfers.job(installation.db, one.transfer_id)).requests_per_minute for one in made.values()}

    assert await known() == {30}
    async with installation.db.write() as tx:
        await transfers.delete(tx, installation.team_id, made["Thirty"].transfer_id, NOON)
    assert await known() == {60}
    await seeds.update(installation, made["Sixty"].transfer_id, await seeds.configuration(installation, "Free"))
    assert await known() == {None}


async def test_the_list_is_by_name_with_destination_and_newest_run(installation: Installation) -> None:
    second = await seeds.transfer(installation, "Beta")
    first = await seeds.transfer(installation, "Alpha")
    for hours in (1, 3, 2):
        installation.insert(
            "runs",
            team_id=installation.team_id,
            transfer_id=first.transfer_id,
            data_date=f"2024-06-0{hours}",
            run_type="Recurring",
            cause_of_start="manual",
            priority=0,
            status="COMPLETED",
            created_time=hours * 3_600_000_000,
        )
    found = await transfers.list_all(installation.db, installation.team_id)
    assert [one.transfer.transfer_id for one in found] == [first.transfer_id, second.transfer_id]
    assert found[0].destination_name == "Alpha warehouse"
    assert found[0].last_run_time is not None and found[0].last_run_time.hour == 3
    assert found[1].last_run_time is None


async def test_the_database_itself_lets_a_table_have_one_owner(installation: Installation) -> None:
    one, two = await seeds.transfer(installation, "One"), await seeds.transfer(installation, "Two")
    with pytest.raises(Exception, match=UNIQUE):
        async with installation.db.write() as tx:
            await transfers.own(tx, one.transfer_id, "place", ["Flights"])
            await transfers.own(tx, two.transfer_id, "place", ["FLIGHTS"])
    assert await transfers.owners(installation.db, "place", ["flights"]) == {}


async def test_a_deleted_destination_keeps_no_secret(installation: Installation) -> None:
    made = await seeds.destination(installation)
    damage = "UPDATE destinations SET sealed = :sealed WHERE destination_id = :id"
    installation.execute(damage, sealed=b"\1", id=made.destination_id)
    async with installation.db.write() as tx:
        await destinations.delete(tx, installation.server.seams, installation.team_id, made.destination_id)
    assert installation.execute("SELECT sealed, deleted_time IS NULL FROM destinations") == [(None, 0)]


async def test_a_deleted_transfer_leaves_no_schedule_and_frees_its_name(installation: Installation) -> None:
    made = await seeds.transfer(installation)
    async with installation.db.write() as tx:
        await verbs.delete(tx, installation.server.seams, installation.team_id, installation.user_id, made.transfer_id)
    assert await transfers.get(installation.db, installation.team_id, made.transfer_id) is None
    assert await schedules.of_transfer(installation.db, made.transfer_id) == []
    assert await schedules.next_due(installation.db) is None
    again = await seeds.create(installation, made.configuration)
    assert again.transfer_id != made.transfer_id
