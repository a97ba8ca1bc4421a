"""A working request for every route, and a team that it works in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import httpx

import seeds
from dayfill.api import routing
from dayfill.api.not_offered_routes import NOT_OFFERED
from dayfill.api.routes import TEAM, TRANSFER
from dayfill.api.wire import Route
from dayfill.domain.access import Role
from dayfill.domain.query import QueryStatus
from installation import Installation
from worker import materialise_all, refused, work_off

SPAN = {"range_start": "2024-05-01", "range_end": "2024-05-02"}
FILES_CONFIGURATION = {
    "data_source_id": "FILES",
    "schedule": [{"run_interval": "daily", "run_hour": 6, "refresh_window": 2}],
    "accounts": [],
    "data_source_settings": [{"field_id": "path", "value": "/data/flights.csv"}],
}
TEXTS: dict[str, object] = {"data_source_id": "FILES"} | dict.fromkeys(routing.TEXTS - {"data_source_id"}, "text-1")
"""Ids of paths that are texts: the same for every team."""
WAREHOUSE = {"type": "DWH_DUCKDB", "fields": {"path": "/srv/nowhere/new.duckdb"}}


@dataclass
class Sample:
    """What to send, and the status of the answer that the contract promises. ids: instead of the world's."""

    status: int = 200
    body: object = None
    query: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)


@dataclass
class World:
    """The objects of one team, by the name that paths give their ids; and bodies that name them."""

    ids: dict[str, int]

    def sample(self, route: Route) -> Sample:
        watched = {"transfer_id": str(self.ids["transfer_id"])}
        samples = {("GET", "/x/v1" + TEAM + "/events"): Sample(query=watched)}
        samples |= {**_samples_of_backfills(), **self._samples_of_transfers(), **self._samples_of_destinations()}
        samples |= _samples_of_core()
        samples |= _samples_of_queries()
        samples |= _samples_of_not_offered()
        samples |= _samples_of_access()
        return samples[route.method, route.path]

    def ask(self, made: Installation) -> None:
        """The query of the samples, which lives in memory alone."""
        seeds.query(made, "sample", QueryStatus.FAILURE)

    def path(self, route: Route, sample: Sample, **other: int) -> str:
        ids = {**self.ids, **{name: self.ids[there] for name, there in sample.ids.items()}, **other}
        return route.path.format(**TEXTS | {name: written(name, id_) for name, id_ in ids.items()})

    def _samples_of_transfers(self) -> dict[tuple[str, str], Sample]:
        same = {**FILES_CONFIGURATION, "display_name": "Flights", **self._references("group_id", "destination_id")}
        new = {**FILES_CONFIGURATION, "display_name": "New", **self._references("spare_group", "spare_destination")}
        options = {"source_id": "FILES", "destination_id": str(self.ids["destination_id"])}
        group = {"group_name": "Imported", "ds_id": "FILES", "table_prefix": ""}
        tables = {"version": 1, "group": group, "tables": [{"table_name": "imported"}], "fields": []}
        return {
            ("GET", TEAM + "/transfers"): Sample(),
            ("POST", TEAM + "/transfers"): Sample(201, new),
            ("GET", TEAM + "/transfers/available-sources"): Sample(),
            ("GET", TEAM + "/transfers/available-options"): Sample(query=options),
            ("POST", TEAM + "/transfers/validations"): Sample(body=new),
            ("GET", TRANSFER): Sample(),
            ("PUT", TRANSFER): Sample(body=same),
            ("DELETE", TRANSFER): Sample(204),
            ("PUT", TRANSFER + "/state"): Sample(body={"transfer_state": "pause"}),
            ("POST", TRANSFER + "/validations"): Sample(body=same),
            ("GET", "/table/groups"): Sample(),
            ("GET", "/table/group/{group_id}/export"): Sample(query={"version": "1"}),
            ("POST", "/table/group/import"): Sample(201, tables),
        }

    def _samples_of_destinations(self) -> dict[tuple[str, str], Sample]:
        destinations, one = TEAM + "/destinations", TEAM + "/destinations/{destination_id}"
        connection = {"data_source_id": "FILES", "destination_type": "DWH_DUCKDB"}
        return {
            ("POST", TEAM + "/data-source-connections"): Sample(201, connection),
            ("GET", destinations): Sample(),
            ("POST", destinations): Sample(201, {**WAREHOUSE, "display_name": "New"}),
            ("POST", destinations + "/test-connection"): Sample(body={**WAREHOUSE, "display_name": "New"}),
            ("GET", one): Sample(),
            ("PUT", one): Sample(body={**WAREHOUSE, "display_name": "Changed"}, ids={"destination_id": "unused"}),
            ("DELETE", one): Sample(204, ids={"destination_id": "unused"}),
            ("GET", one + "/usage"): Sample(),
        }

    def _references(self, group: str, destination: str) -> dict[str, int]:
        return {"schema_id": self.ids[group], "destination_id": self.ids[destination]}


def _samples_of_backfills() -> dict[tuple[str, str], Sample]:
    one, x = TEAM + "/backfills/{backfill_id}", "/x/v1"
    failed = {"backfill_id": "failed_backfill"}
    return {
        ("GET", one): Sample(),
        ("PATCH", one): Sample(body={"status": "CANCELLED"}),
        ("GET", TEAM + "/backfills"): Sample(),
        ("POST", TRANSFER + "/backfills"): Sample(body=SPAN),
        ("GET", TRANSFER + "/backfills/latest"): Sample(),
        ("GET", TRANSFER + "/runs"): Sample(query={"start_date": "2024-06-01", "end_date": "2024-06-30"}),
        ("GET", TEAM + "/transfer_runs/{run_id}"): Sample(),
        ("GET", x + TEAM + "/backfills"): Sample(query={"limit": "1"}),
        ("POST", x + TRANSFER + "/backfills"): Sample(body={**SPAN, "only": ["missing"]}),
        ("POST", x + TRANSFER + "/backfills/plan"): Sample(body=SPAN),
        ("POST", x + one + "/retry"): Sample(ids=failed),
        ("POST", x + one + "/pause"): Sample(),
        ("POST", x + one + "/resume"): Sample(),
        ("POST", x + TRANSFER + "/runs"): Sample(202),
        ("POST", x + TRANSFER + "/test"): Sample(),
        ("GET", x + TRANSFER + "/days"): Sample(),
    }


def _samples_of_core() -> dict[tuple[str, str], Sample]:
    return {
        ("GET", TEAM): Sample(),
        ("GET", TEAM + "/users"): Sample(),
        ("GET", "/ds/logins"): Sample(),
        ("GET", "/ds/login/{login_id}"): Sample(),
        ("DELETE", "/ds/login/{login_id}"): Sample(),
        ("GET", "/ds/login/{login_id}/accounts"): Sample(),
        ("POST", "/ds/login/link"): Sample(422, {"ds_id": "FILES", "expiry_time": "10 hours"}),
        ("GET", "/ds/login/links"): Sample(),
        ("GET", "/ds/login/link/{link_id}"): Sample(404),
        ("PATCH", "/ds/login/link/{link_id}"): Sample(404, {"description": "New"}),
        ("PUT", "/ds/login/link/{link_id}/close"): Sample(404),
        ("GET", TEAM + "/datasource/{data_source_id}"): Sample(),
        ("GET", "/query/accounts"): Sample(query={"ds_id": "DEMO_ADS"}),
    }


def _samples_of_access() -> dict[tuple[str, str], Sample]:
    x = "/x/v1" + TEAM
    return {
        ("GET", x + "/audit"): Sample(query={"limit": "1"}),
        ("GET", x + "/keys"): Sample(),
        ("POST", x + "/keys"): Sample(201, {"scope_names": ["team_manage"], "allow_ips": ["127.0.0.1"]}),
        ("GET", x + "/keys/{api_key_id}"): Sample(),
        ("POST", x + "/keys/{api_key_id}/rotate"): Sample(201, {"overlap_hours": 1}),
        ("POST", x + "/keys/{api_key_id}/disable"): Sample(),
        ("GET", x + "/members"): Sample(),
        ("POST", x + "/members"): Sample(201, {"email": "ann@example.com", "role": "EDITOR"}),
        ("PATCH", x + "/members/{user_id}"): Sample(body={"role": "VIEWER"}),
        ("DELETE", x + "/members/{user_id}"): Sample(204),
    }


def _samples_of_not_offered() -> dict[tuple[str, str], Sample]:
    """Lists are empty, no object is found, no change is offered."""
    empty = (
        "custom-fields",
        "custom-fields/metadata",
        "data-blending/blends",
        "account_tags",
        "connector_builder/connectors",
    )
    lists = {f"{TEAM}/{path}" for path in empty}
    return {
        (route.method, route.path): Sample(501 if route.method != "GET" else 200 if route.path in lists else 404)
        for route in NOT_OFFERED
    }


def _samples_of_queries() -> dict[tuple[str, str], Sample]:
    asked = {"ds_id": "DEMO_ADS", "start_date": "2024-06-01", "end_date": "2024-06-01"}
    return {
        ("GET", "/query/data/json"): Sample(query=asked),
        ("POST", "/query/data/json"): Sample(body={**asked, "fields": ["date", {"id": "cost"}]}),
        ("GET", "/query/status"): Sample(query={"schedule_id": "sample"}),
        ("GET", "/query/results"): Sample(query={"schedule_id": "sample"}),
    }


def written(name: str, id_: int) -> str:
    """An id as paths write it."""
    return {"group_id": f"tg_{id_}", "api_key_id": f"apk_{id_:08}"}.get(name, str(id_))


async def world(made: Installation) -> World:
    """Team 1 with a transfer, a failed and a waiting backfill, and what a second transfer would need."""
    transfer = await seeds.transfer(made)
    client = made.client()
    path = f"/teams/{made.team_id}/transfers/{transfer.transfer_id}/backfills"
    failed = await _backfill(client, path, "2024-06-01")
    await work_off(made, {date(2024, 6, 1): refused()})
    waiting = await _backfill(client, path, "2024-06-02")
    await materialise_all(made)
    [(run_id,)] = made.execute("SELECT run_id FROM runs WHERE backfill_id = :failed", failed=failed)
    spare, editor = await seeds.destination(made, "Spare"), await _editor(made)
    ids = {
        "team_id": made.team_id,
        "transfer_id": transfer.transfer_id,
        "backfill_id": waiting,
        "failed_backfill": failed,
        "run_id": int(str(run_id)),
        "destination_id": transfer.configuration.destination_id,
        "group_id": transfer.configuration.schema_id,
        "spare_group": (await seeds.group(made, "spare", name="Spare")).schema_id,
        "spare_destination": spare.destination_id,
        "login_id": transfer.connection_id,
        "unused": (await seeds.destination(made, "Unused")).destination_id,
        "api_key_id": made.team_id,
        "user_id": editor,
    }
    seeded = World(ids)
    seeded.ask(made)
    return seeded


async def _editor(made: Installation) -> int:
    """A user who may be changed or removed, with the key of the samples."""
    user_id, key = await made.user(made.team_id, Role.EDITOR, ())
    told = {"id": f"apk_{key[4:12]}", "new": written("api_key_id", made.team_id)}
    made.execute("UPDATE api_keys SET api_key_id = :new WHERE api_key_id = :id", **told)
    return user_id


async def _backfill(client: httpx.AsyncClient, path: str, day: str) -> int:
    answer = await client.post(path, json={"range_start": day, "range_end": day})
    return int(answer.json()["data"]["transfer_backfill_id"])


async def send(client: httpx.AsyncClient, route: Route, path: str, sample: Sample) -> httpx.Response:
    return await client.request(route.method, path, json=sample.body, params=sample.query)


def named(route: Route) -> str:
    return f"{route.method} {route.path}"
