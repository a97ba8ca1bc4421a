"""What a monitoring system reads, without a key."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from prometheus_client.parser import text_string_to_metric_families

from dayfill.engine.vitals import Vitals
from installation import Installation


async def read(installation: Installation, vitals: Vitals) -> dict[str, dict[str, float]]:
    """Name of a metric -> its values by rule, "" where there is none."""
    installation.server = replace(installation.server, vitals=lambda: vitals)
    answer = await installation.client("").get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {
        family.name: {sample.labels.get("rule", ""): sample.value for sample in family.samples}
        for family in text_string_to_metric_families(answer.text)
    }


async def test_the_last_check_is_told_rule_by_rule(installation: Installation) -> None:
    checked = datetime(2024, 6, 15, 12, tzinfo=UTC)
    found = await read(installation, Vitals(checked, 0.25, {"I1": 0, "I2": 3}, "no disk", 4096))
    assert found == {
        "dayfill_dispatcher_fault": {"": 1},
        "dayfill_state_wal_bytes": {"": 4096},
        "dayfill_invariant_violations": {"I1": 0, "I2": 3},
        "dayfill_invariant_check_timestamp_seconds": {"": checked.timestamp()},
        "dayfill_invariant_check_duration_seconds": {"": 0.25},
    }


async def test_before_the_first_check_nothing_is_said_of_it(installation: Installation) -> None:
    assert await read(installation, Vitals()) == {
        "dayfill_dispatcher_fault": {"": 0},
        "dayfill_state_wal_bytes": {"": 0},
    }
