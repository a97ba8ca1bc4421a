"""Table groups: an import takes its form, and what was exported can be imported again."""

import pytest

import seeds
from dayfill.domain.transfer import Field, Partition, Table, TableGroup
from dayfill.engine import table_groups
from dayfill.errors import Refused
from dayfill.store import table_groups as kept
from installation import Installation


async def import_(
    installation: Installation, *tables: Table, version: int = 1, name: str = "Group", source: str = "FILES"
) -> TableGroup:
    async with installation.db.write() as tx:
        return await table_groups.import_(
            tx, installation.server.seams, installation.team_id, version, source, name, "nyc", tables
        )


async def test_an_import_takes_its_form(installation: Installation) -> None:
    made = await import_(installation, Table("hourlyWeather", (Field("t", "t", "FLOAT"),)), name=" Group ")
    assert (made.name, made.table_prefix) == ("Group", "NYC_")
    assert made.tables == (Table("NYC_HOURLY_WEATHER", (Field("t", "t", "FLOAT"),)),)
    assert await kept.get(installation.db, installation.team_id, made.schema_id) == made
    assert await kept.get(installation.db, await installation.team("Second"), made.schema_id) is None


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        (
            {"version": 2},
            "IMPORT_VERSION_INVALID",
            r"^The description has version 2; known is 1: send a description of that\.$",
        ),
        ({"source": "NOPE"}, "SCHEMA_SOURCE_INVALID", "'NOPE'"),
        ({"name": "Taken"}, "SCHEMA_NAME_DUPLICATE", "'Taken'"),
        ({"name": " "}, "SCHEMA_NAME_INVALID", "name"),
    ],
)
async def test_what_is_refused(installation: Installation, changes: dict[str, object], code: str, says: str) -> None:
    await seeds.group(installation, name="Taken")
    with pytest.raises(Refused, match=says) as refused:
        await import_(installation, Table("flights"), **changes)  # type: ignore[arg-type]
    assert refused.value.code == code
    assert len(await kept.list_all(installation.db, installation.team_id)) == 1


async def test_a_table_without_days_is_kept_as_one(installation: Installation) -> None:
    made = await import_(installation, Table("airports", partition=Partition.NONE))
    kept_as = await kept.get(installation.db, installation.team_id, made.schema_id)
    assert kept_as is not None and kept_as.tables[0].partition is Partition.NONE


async def test_two_teams_may_use_one_name(installation: Installation) -> None:
    await seeds.group(installation, name="Group")
    await seeds.group(installation, name="Group", team_id=await installation.team("Second"))


async def test_a_group_of_a_transfer_that_is_gone_keeps_its_name_and_is_in_nobodys_way(
    installation: Installation,
) -> None:
    names = []
    for _ in range(3):
        async with installation.db.write() as tx:
            made = await table_groups.create_beside(
                tx, installation.server.seams, installation.team_id, "FILES", "Weather", [Table("weather")]
            )
        names.append(made.name)
    assert names == ["Weather", "Weather 2", "Weather 3"]
