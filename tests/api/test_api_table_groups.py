"""Table groups and connections on the wire."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from test_api_transfers import description, error_of

import seeds
from dayfill.domain.access import Role
from installation import Installation

IMPORT = {
    "version": 1,
    "group": {"group_id": "tg_77", "group_name": "Flights", "ds_id": "FILES", "table_prefix": "nyc"},
    "tables": [
        {"table_name": "hourlyWeather", "table_partition": "date", "fields": ["airTemp", "day"]},
        {"table_name": "flights", "report_type": "all", "fields": []},
    ],
    "fields": [
        {"field_id": "airTemp", "data_type": "decimal(9,2)", "display_name": "Air temperature"},
        {"field_id": "day", "data_type": "DATE", "target_name": "DAY"},
    ],
    "later_version": "ignored",
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """IMPORT with another value at a dotted path."""
    document = copy.deepcopy(IMPORT)
    place: Any = document
    *steps, last = path.split(".")
    for step in steps:
        place = place[int(step)] if step.isdigit() else place[step]
    place[last] = value
    return document


async def test_import_list_export(installation: Installation) -> None:
    client = installation.client()
    made = await client.post("/table/group/import", json=IMPORT)
    assert made.status_code == 201
    item = made.json()["data"]
    assert item == {
        "@type": "table_group",
        "group_id": f"tg_{item['schema_id']}",
        "schema_id": item["schema_id"],
        "name": "Flights",
        "links": {"enclosure": {"href": "http://127.0.0.1:8484/table/group/tg_1/export?version=1"}},
    }
    assert (await client.get("/table/groups")).json()["data"] == [item]
    exported = await client.get(item["links"]["enclosure"]["href"])
    assert exported.json() == {
        "version": 1,
        "group": {"group_id": "tg_1", "group_name": "Flights", "ds_id": "FILES", "table_prefix": "NYC_"},
        "tables": [
            {"table_name": "HOURLY_WEATHER", "table_partition": "date", "fields": ["airTemp", "day"]},
            {"table_name": "FLIGHTS", "table_partition": "date", "report_type": "all", "fields": []},
        ],
        "fields": [
            {
                "field_id": "airTemp",
                "data_type": "DECIMAL(9,2)",
                "field_name": "",
                "display_name": "Air temperature",
                "target_name": "air_temp",
            },
            {"field_id": "day", "data_type": "DATE", "field_name": "", "display_name": "", "target_name": "DAY"},
        ],
    }


async def test_an_export_can_be_imported_under_another_name(installation: Installation) -> None:
    client = installation.client()
    await client.post("/table/group/import", json=IMPORT)
    first = (await client.get("/table/group/tg_1/export")).json()
    assert error_of(await client.post("/table/group/import", json=first)) == (422, "SCHEMA_NAME_DUPLICATE")
    first["group"]["group_name"] = "Copy"
    assert (await client.post("/table/group/import", json=first)).status_code == 201
    second = (await client.get("/table/group/tg_2/export")).json()
    first["group"]["group_id"] = "tg_2"
    assert second == first


def large(fields: int, longer: str = "") -> dict[str, Any]:
    """A table group of so many fields, each in one table, with no word more than is needed."""
    ids = [f"f{number}{longer}" for number in range(fields)]
    tables = [{"table_name": f"t{start}", "fields": ids[start : start + 1_000]} for start in range(0, fields, 1_000)]
    fields_ = [{"field_id": one, "data_type": "DATE", "target_name": f"c{n}"} for n, one in enumerate(ids)]
    return changed("tables", tables) | {"fields": fields_}


async def test_a_large_table_group_can_be_imported_as_it_was_exported(installation: Installation) -> None:
    client = installation.client()
    made = await client.post("/table/group/import", json=large(3_000))
    assert made.status_code == 201, made.text
    exported = (await client.get("/table/group/tg_1/export")).json()
    exported["group"]["group_name"] = "Copy"
    again = await client.post("/table/group/import", content=msgspec.json.encode(exported))
    assert again.status_code == 201, again.text
    exported["group"]["group_name"] = "Another"
    in_body = msgspec.json.encode(exported | {"api_key": installation.key})
    assert (await installation.client("").post("/table/group/import", content=in_body)).status_code == 201


@pytest.mark.parametrize(
    ("document", "code"), [(large(10_001), "IMPORT_FIELDS_INVALID"), (large(6_000, "x" * 40), "IMPORT_TOO_LARGE")]
)
async def test_what_could_not_be_imported_again_is_refused(
    installation: Installation, document: dict[str, Any], code: str
) -> None:
    answer = await installation.client().post("/table/group/import", content=msgspec.json.encode(document))
    assert error_of(answer) == (422, code)
    assert installation.execute("SELECT count(*) FROM table_groups") == [(0,)]


async def test_other_bodies_have_fewer_keys(installation: Installation) -> None:
    body = {"type": "DWH_DUCKDB", "display_name": "W", "fields": {f"f{number}": 1 for number in range(10_000)}}
    answer = await installation.client().post(f"/teams/{installation.team_id}/destinations", json=body)
    assert error_of(answer) == (400, "INVALID_PARAMETER") and "10000 keys" in description(answer)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (changed("version", 2), "IMPORT_VERSION_INVALID"),
        (changed("group.ds_id", "GA"), "SCHEMA_SOURCE_INVALID"),
        (changed("group.group_name", ""), "SCHEMA_NAME_INVALID"),
        (changed("group.table_prefix", "a" * 15), "SCHEMA_PREFIX_INVALID"),
        (changed("tables", []), "SCHEMA_TABLES_REQUIRED"),
        (changed("tables.0.table_name", "flights"), "SCHEMA_TABLE_NAME_DUPLICATE"),
        (changed("tables.0.table_partition", "hour"), "SCHEMA_TABLE_PARTITION_INVALID"),
        (changed("tables.0.fields", ["nope"]), "IMPORT_FIELD_UNKNOWN"),
        (changed("fields.0.field_id", "day"), "IMPORT_FIELD_DUPLICATE"),
        (changed("fields.0.target_name", "DAY"), "SCHEMA_FIELD_NAME_DUPLICATE"),
        (changed("fields.0.data_type", "money"), "SCHEMA_FIELD_TYPE_INVALID"),
    ],
)
async def test_an_import_that_cannot_be_is_refused_with_its_code(
    installation: Installation, document: dict[str, Any], code: str
) -> None:
    client = installation.client()
    assert error_of(await client.post("/table/group/import", json=document)) == (422, code)
    assert (await client.get("/table/groups")).json()["data"] == []


async def test_an_import_of_another_shape_is_malformed(installation: Installation) -> None:
    client = installation.client()
    for document in ({}, {"version": "1", "group": IMPORT["group"]}, changed("tables", {}), changed("fields", [1])):
        assert error_of(await client.post("/table/group/import", json=document)) == (400, "INVALID_PARAMETER")


async def test_what_cannot_be_exported(installation: Installation) -> None:
    made = await seeds.group(installation)
    client = installation.client()
    for text in ("tg_999", "999", f"{made.schema_id}", "tg_", "tg_x"):
        assert (await client.get(f"/table/group/{text}/export")).status_code == 404
    absent = await client.get("/table/group/tg_999/export")
    assert error_of(absent) == (404, "TABLE_GROUP_NOT_FOUND")
    version = await client.get(f"/table/group/tg_{made.schema_id}/export?version=2")
    assert error_of(version) == (422, "IMPORT_VERSION_INVALID")
    _, key = await installation.user(await installation.team("Second"), Role.OWNER)
    theirs = await installation.client(key).get(f"/table/group/tg_{made.schema_id}/export")
    assert error_of(theirs) == (404, "TABLE_GROUP_NOT_FOUND")
    assert description(theirs) == description(absent)


async def test_a_connection_has_an_upper_case_uuid_and_a_place(installation: Installation) -> None:
    place = f"/teams/{installation.team_id}/data-source-connections"
    wanted = {"data_source_id": "FILES", "destination_type": "DWH_DUCKDB", "later": 1}
    answer = await installation.client().post(place, json=wanted)
    assert answer.status_code == 201
    made = answer.json()["data"]
    assert re.fullmatch(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", made["connection_id"])
    assert made | {"connection_id": ""} == {"connection_id": "", "login_url": None, "connect_url": None}
    assert answer.headers["location"] == f"http://127.0.0.1:8484{place}/{made['connection_id']}"


async def test_a_connection_keeps_its_secrets_sealed(installation: Installation) -> None:
    place = f"/teams/{installation.team_id}/data-source-connections"
    wanted = {
        "data_source_id": "SQL",
        "destination_type": "DWH_DUCKDB",
        "secrets": {"password": "canary", "host": " DB.example", "tls": "require"},
    }
    answer = await installation.client().post(place, json=wanted)
    assert answer.status_code == 201 and "canary" not in answer.text
    ((connection_id, sealed),) = installation.execute("SELECT connection_id, sealed FROM connections")
    opened = installation.keyring.open(sealed, f"{installation.team_id}:connections:{connection_id}:sealed")
    assert opened == b'{"password@db.example:5432, TLS require":"canary"}'
    assert b"canary" not in sealed and "canary" not in str(installation.execute("SELECT before, after FROM audit"))


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"data_source_id": "FILES", "destination_type": "DWH_DUCKDB", "secrets": {"password": "x"}}, 422),
        ({"data_source_id": "SQL", "destination_type": "DWH_DUCKDB", "secrets": {"password": "x"}}, 422),
        ({"data_source_id": "SQL", "destination_type": "DWH_DUCKDB", "secrets": {"pass": "x", "host": "y"}}, 422),
        ({"data_source_id": "SQL", "destination_type": "DWH_DUCKDB", "secrets": {"password": 5}}, 400),
        ({"data_source_id": "FILES"}, 400),
        ({"data_source_id": "files", "destination_type": "DWH_DUCKDB"}, 400),
        ({"data_source_id": "FILES\n", "destination_type": "DWH_DUCKDB"}, 400),
        ({"data_source_id": "A" * 51, "destination_type": "DWH_DUCKDB"}, 400),
        ({"data_source_id": "GA", "destination_type": "DWH_DUCKDB"}, 422),
        ({"data_source_id": "FILES", "destination_type": "SQL_BQ"}, 422),
    ],
)
async def test_a_connection_that_cannot_be(installation: Installation, wrong: dict[str, str], status: int) -> None:
    place = f"/teams/{installation.team_id}/data-source-connections"
    answer = await installation.client().post(place, json=wrong)
    assert answer.status_code == status
    assert installation.execute("SELECT count(*) FROM connections") == [(0,)]


async def test_the_table_group_that_the_reference_shows_is_one(installation: Installation) -> None:
    told = (Path(__file__).parents[2] / "docs" / "reference" / "sources.md").read_text("utf-8")
    shown = re.search(r"/table/group/import -d '(\{.*?\})'", told, re.DOTALL)
    assert shown is not None
    answer = await installation.client().post("/table/group/import", json=msgspec.json.decode(shown[1]))
    assert answer.status_code == 201, answer.text
