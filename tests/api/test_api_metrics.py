"""What a monitoring system reads, without a key."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast

from prometheus_client.parser import text_string_to_metric_families

from dayfill.domain.run import RunType, Side
from dayfill.engine.vitals import Vitals
from dayfill.engine.work import Work
from dayfill.executors import Cluster, Outage
from dayfill.store.backlog import Backlog
from installation import NOON, Installation

Samples = dict[str, dict[tuple[str, ...], float]]


async def read(installation: Installation, vitals: Vitals) -> Samples:
    """Name of a sample -> its values by the values of its labels, in the order of their names."""

    async def told() -> Vitals:
        return vitals

    installation.server = replace(installation.server, vitals=told)
    answer = await installation.client("").get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found: Samples = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(text for _, text in sorted(sample.labels.items()))] = sample.value
    return found


async def test_the_last_check_is_told_rule_by_rule(installation: Installation) -> None:
    checked = datetime(2024, 6, 15, 12, tzinfo=UTC)
    found = await read(installation, Vitals(checked, 0.25, {"I1": 0, "I2": 3}, "no disk", 4096))
    assert found["dayfill_dispatcher_fault"] == {(): 1}
    assert found["dayfill_state_wal_bytes"] == {(): 4096}
    assert found["dayfill_invariant_violations"] == {("I1",): 0, ("I2",): 3}
    assert found["dayfill_invariant_check_timestamp_seconds"] == {(): checked.timestamp()}
    assert found["dayfill_invariant_check_duration_seconds"] == {(): 0.25}


async def test_a_cluster_is_told_of_where_there_is_one(installation: Installation) -> None:
    assert not {name for name in await read(installation, Vitals()) if name.startswith("dayfill_cluster")}
    for outage, slots in ((Outage("no route", NOON), 0), (None, 16)):
        found = await read(installation, Vitals(cluster=cast(Cluster, SimpleNamespace(outage=outage, slots=slots))))
        assert found["dayfill_cluster_fault"] == {(): outage is not None}
        assert found["dayfill_cluster_slots"] == {(): slots}


async def test_before_the_first_check_and_the_first_look_nothing_is_said_of_them(installation: Installation) -> None:
    found = await read(installation, Vitals())
    assert found["dayfill_dispatcher_fault"] == {(): 0}
    assert not {name for name in found if name.startswith(("dayfill_invariant", "dayfill_runs", "dayfill_oldest"))}


async def test_what_the_dispatcher_did_is_told_by_type_and_outcome(installation: Installation) -> None:
    days = Counter({(RunType.BACKFILL, "loaded"): 3, (RunType.RECURRING, "again"): 1})
    found = await read(installation, Vitals(work=Work(days, rows=300, late=2, passes=5, pass_seconds=0.5)))
    assert found["dayfill_days_recorded_total"] == {("loaded", "Backfill"): 3, ("again", "Recurring"): 1}
    assert found["dayfill_rows_loaded_total"] == {(): 300}
    assert found["dayfill_late_results_total"] == {(): 2}
    assert found["dayfill_dispatcher_pass_seconds_count"] == {(): 5}
    assert found["dayfill_dispatcher_pass_seconds_sum"] == {(): 0.5}


async def test_what_waits_is_told_with_its_age(installation: Installation) -> None:
    parked = {Side.SOURCE: 1, Side.DESTINATION: 0}
    minute = timedelta(minutes=1)
    found = await read(installation, Vitals(backlog=Backlog(7, 2, NOON - minute, NOON + minute, parked)))
    assert found["dayfill_runs"] == {("QUEUED",): 7, ("RUNNING",): 2}
    assert found["dayfill_parked"] == {("connection",): 1, ("destination",): 0}
    assert found["dayfill_oldest_waiting_run_seconds"] == {(): 60}
    assert found["dayfill_schedule_lag_seconds"] == {(): 0}


async def test_requests_are_counted_by_route_and_not_by_what_they_name(installation: Installation) -> None:
    client, other = installation.client(), await installation.team("Second")
    route = "/teams/{team_id}/backfills/{backfill_id}"
    for team, backfill in ((installation.team_id, 1), (installation.team_id, 2), (other, 3)):
        await client.get(f"/teams/{team}/backfills/{backfill}")
    await client.get("/readyz")
    await client.get("/nothing/here")
    found = await read(installation, Vitals())
    counts = {("GET", route, "4xx"): 3, ("GET", "/readyz", "2xx"): 1, ("GET", "none", "4xx"): 1}
    assert found["dayfill_http_requests_total"] == counts
    assert found["dayfill_http_request_seconds_bucket"]["+Inf", "GET", route] == 3
    assert found["dayfill_http_request_seconds_count"]["GET", route] == 3
    assert found["dayfill_http_request_seconds_sum"]["GET", route] > 0
