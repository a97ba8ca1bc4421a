"""Create, update, pause and delete transfers: what is refused, and what moves with them."""

from dataclasses import replace
from datetime import date

import pytest

import seeds
from dayfill.domain.backfill import BackfillStatus
from dayfill.domain.days import DayRange
from dayfill.domain.run import Priority, Trigger
from dayfill.domain.schedule import Schedule
from dayfill.domain.transfer import SourceSetting
from dayfill.engine import backfills, connections, runs, transfers
from dayfill.errors import Conflict, Missing, Refused
from dayfill.store import backfills as kept_backfills
from dayfill.store import transfers as kept
from dayfill.store.db import micros
from installation import Installation

JUNE = DayRange(date(2024, 6, 1), date(2024, 6, 10))


async def delete(installation: Installation, transfer_id: int) -> None:
    async with installation.db.write() as tx:
        await transfers.delete(tx, installation.server.seams, installation.team_id, installation.user_id, transfer_id)


async def test_a_used_name_is_a_conflict_and_every_other_fault_is_refused(installation: Installation) -> None:
    made = await seeds.transfer(installation)
    other = await seeds.configuration(installation, "Other")
    with pytest.raises(Conflict, match="named 'Flights'"):
        await seeds.create(installation, replace(other, display_name="Flights"))
    wrong = replace(other, display_name="Flights", settings=(), destination_id=999)
    with pytest.raises(Refused, match=r"destination_id.*named 'Flights'.*path is missing"):
        await seeds.create(installation, wrong)
    with pytest.raises(Refused) as refused:
        await seeds.create(installation, wrong)
    sentences = [problem.text for problem in await transfers.check(installation.db, installation.team_id, wrong)]
    assert len(sentences) == 3 and refused.value.description == " ".join(sentences)
    assert [one.transfer for one in await kept.list_all(installation.db, installation.team_id)] == [made]


async def test_references_to_another_teams_objects_are_not_found(installation: Installation) -> None:
    other = await installation.team("Second")
    theirs = await seeds.destination(installation, "Theirs", team_id=other)
    their_group = await seeds.group(installation, "theirs", team_id=other)
    wanted = await seeds.configuration(installation)
    for wrong in (
        replace(wanted, destination_id=theirs.destination_id),
        replace(wanted, schema_id=their_group.schema_id),
    ):
        with pytest.raises(Refused, match="This team has no"):
            await seeds.create(installation, wrong)


async def test_a_table_has_one_transfer_even_across_teams_and_spellings(installation: Installation) -> None:
    """The file is the same behind another spelling of its path, and table names know no case."""
    first = await seeds.destination(installation, "A", path="/srv/shared.duckdb")
    rows = await seeds.group(installation, "Flights", name="A")
    one = await seeds.configuration(
        installation, "Secret_name", destination_id=first.destination_id, schema_id=rows.schema_id
    )
    owner = await seeds.create(installation, one)
    team_id = await installation.team("Second")
    second = await seeds.destination(installation, "B", path="/srv/../srv/shared.duckdb", team_id=team_id)
    wanted = replace(
        one,
        display_name="Mine",
        destination_id=second.destination_id,
        schema_id=(await seeds.group(installation, "FLIGHTS", name="B", team_id=team_id)).schema_id,
    )
    seams = installation.server.seams
    with pytest.raises(Conflict, match="Another transfer already loads FLIGHTS") as refused:
        async with installation.db.write() as tx:
            await transfers.create(tx, seams, team_id, installation.user_id, wanted)
    assert "Secret_name" not in refused.value.description and str(installation.team_id) not in refused.value.description
    await delete(installation, owner.transfer_id)
    async with installation.db.write() as tx:
        assert (await transfers.create(tx, seams, team_id, installation.user_id, wanted)).configuration == wanted


async def test_an_update_into_anothers_table_is_refused_and_changes_nothing(installation: Installation) -> None:
    one, two = await seeds.transfer(installation, "One"), await seeds.transfer(installation, "Two")
    there = {"destination_id": one.configuration.destination_id, "schema_id": one.configuration.schema_id}
    with pytest.raises(Refused, match="Another transfer already loads one_rows"):
        await seeds.update(installation, two.transfer_id, replace(two.configuration, **there))
    assert await kept.get(installation.db, installation.team_id, two.transfer_id) == two
    same = await seeds.update(installation, one.transfer_id, one.configuration)
    assert same == one, "its own tables are no obstacle"


async def test_an_update_moves_the_ownership_of_tables(installation: Installation) -> None:
    made = await seeds.transfer(installation)
    group = await seeds.group(installation, "other", name="Other")
    await seeds.update(installation, made.transfer_id, replace(made.configuration, schema_id=group.schema_id))
    assert await kept.owned(installation.db, made.transfer_id) == ["other"]
    again = await seeds.create(installation, replace(made.configuration, display_name="Again"))
    assert await kept.owned(installation.db, again.transfer_id) == ["flights_rows"]


async def test_the_data_source_of_a_transfer_stays(installation: Installation) -> None:
    made = await seeds.transfer(installation)
    with pytest.raises(Refused, match="create another transfer"):
        await seeds.update(installation, made.transfer_id, replace(made.configuration, data_source_id="DEMO_ADS"))


async def test_loaded_days_become_stale_if_they_would_now_be_read_differently(installation: Installation) -> None:
    made = await seeds.transfer(installation)
    installation.insert("transfer_days", transfer_id=made.transfer_id, data_date="2024-06-01", settled="l")
    installation.insert("transfer_days", transfer_id=made.transfer_id, data_date="2024-06-02", settled="f")
    states = "SELECT string_agg(settled, '' ORDER BY data_date) FROM transfer_days"
    hourly = replace(made.configuration, display_name="Renamed", settings=(seeds.PATH, SourceSetting("parallelism", 9)))
    assert (await seeds.update(installation, made.transfer_id, hourly)).parallelism == 9
    patient = replace(hourly, settings=(*hourly.settings, SourceSetting("deadline_seconds", 77)))
    assert (await seeds.update(installation, made.transfer_id, patient)).deadline_seconds == 77
    heavy = replace(hourly, settings=(*hourly.settings, SourceSetting("weight", 3)))
    await seeds.update(installation, made.transfer_id, heavy)
    assert installation.execute("SELECT weight FROM transfers") == [(3,)]
    assert installation.execute(states) == [("lf",)]
    moved = replace(hourly, settings=(SourceSetting("path", "/elsewhere.csv"),))
    await seeds.update(installation, made.transfer_id, moved)
    assert installation.execute(states) == [("sf",)]


async def test_the_newest_connection_is_used_and_one_is_made_if_there_is_none(installation: Installation) -> None:
    first = await seeds.transfer(installation, "First")
    async with installation.db.write() as tx:
        newer = await connections.create(
            tx, installation.server.seams, installation.team_id, installation.user_id, "FILES", "DWH_DUCKDB"
        )
    second = await seeds.transfer(installation, "Second")
    assert newer.connection_id != first.connection_id
    assert second.connection_id == newer.connection_id
    assert installation.execute("SELECT count(*) FROM connections") == [(2,)]


async def test_a_delete_cancels_what_waits_and_keeps_the_record(installation: Installation) -> None:
    made = await seeds.transfer(installation)
    seams, team_id, transfer_id = installation.server.seams, installation.team_id, made.transfer_id
    async with installation.db.write() as tx:
        backfill = await backfills.create(tx, seams, team_id, installation.user_id, transfer_id, JUNE, max_days=100)
        await runs.enqueue(
            tx, seams, team_id, transfer_id, [date(2024, 6, 14)], trigger=Trigger.MANUAL, priority=Priority.INTERACTIVE
        )
    await delete(installation, transfer_id)
    after = await kept_backfills.get(installation.db, team_id, backfill.backfill_id)
    assert after is not None and after.status is BackfillStatus.CANCELLED
    assert after.removed_user_id == installation.user_id
    ended = "SELECT status, ended_time FROM runs WHERE backfill_id IS NULL"
    assert installation.execute(ended) == [("CANCELLED", micros(installation.now))]
    assert installation.execute("SELECT sum(queued) FROM transfer_days") == [(0,)]
    with pytest.raises(Missing):
        await delete(installation, transfer_id)


async def test_a_paused_transfer_accepts_backfills_and_pausing_twice_changes_nothing(
    installation: Installation,
) -> None:
    made = await seeds.transfer(installation)
    seams, team_id, transfer_id = installation.server.seams, installation.team_id, made.transfer_id
    async with installation.db.write() as tx:
        once = await transfers.pause(tx, team_id, transfer_id)
        assert await transfers.pause(tx, team_id, transfer_id) == once
        await backfills.create(tx, seams, team_id, installation.user_id, transfer_id, JUNE, max_days=100)
        again = await transfers.unpause(tx, seams, team_id, transfer_id)
    assert (once.state, again) == ("paused", made)


async def test_verbs_on_another_teams_transfer_find_nothing(installation: Installation) -> None:
    made = await seeds.transfer(installation)
    other, seams = await installation.team("Second"), installation.server.seams
    async with installation.db.write() as tx:
        for verb in (
            transfers.pause(tx, other, made.transfer_id),
            transfers.unpause(tx, seams, other, made.transfer_id),
            transfers.delete(tx, seams, other, installation.user_id, made.transfer_id),
            transfers.update(tx, seams, other, made.transfer_id, made.configuration),
        ):
            with pytest.raises(Missing):
                await verb
    assert await kept.get(installation.db, installation.team_id, made.transfer_id) == made


async def test_a_schedule_made_by_code_obeys_the_rules_too(installation: Installation) -> None:
    wrong = await seeds.configuration(installation, schedules=(Schedule(seeds.DAILY.interval, hour=25),))
    with pytest.raises(Refused, match="run_hour must lie between 0 and 23, not 25"):
        await seeds.create(installation, wrong)
