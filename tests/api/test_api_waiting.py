"""What a backfill waits for, on the wire: the rest of its login or of its destination, as long as it lasts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

import seeds
from dayfill.domain.parking import Waiting
from dayfill.domain.run import Failure, Side
from dayfill.engine.waits import Waits
from dayfill.executors import Outage
from installation import NOON, Installation
from worker import claim_some, finish, materialise_all, work_off

REFUSED = Failure("RATE_LIMIT", "Too many requests.", transient=True, retry_after=7500, parks=Side.SOURCE)
PATIENCE = Failure("NETWORK", "Come back later.", transient=True, retry_after=7500, parks=Side.SOURCE)
DOWN = Failure("DESTINATION", "Full." * 300, transient=True, retry_after=7500, parks=Side.DESTINATION)


@dataclass
class Gone:
    """A cluster that may be there or not."""

    outage: Outage | None = None
    slots: int = 0
    submit: Any = None
    close: Any = None


async def test_days_of_a_cluster_wait_for_it_and_those_of_this_machine_do_not(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Gone(Outage("no route to ray://10.0.0.7:10001", NOON - timedelta(minutes=7)))
    installation.server.hub.waits = Waits(cluster)
    made = await seeds.transfer(installation, settings=(replace(seeds.PATH, value="https://example.com/x.csv"),))
    client, team = installation.client(), f"/teams/{installation.team_id}"
    body = {"range_start": "2024-06-01", "range_end": "2024-06-02"}
    answer = await client.post(f"{team}/transfers/{made.transfer_id}/backfills", json=body)
    path = f"{team}/backfills/{answer.json()['data']['transfer_backfill_id']}"

    async def waiting() -> dict[str, str] | None:
        found: dict[str, str] | None = (await client.get(path)).json()["data"]["x"].get("waiting")
        return found

    assert await waiting() is None, "a DuckDB file is loaded by the server"
    monkeypatch.setattr("dayfill.engine.offers.destinations.LOCAL", frozenset())
    told = await waiting()
    assert told is not None
    error = told.pop("error")
    assert "10.0.0.7" not in error, "where the cluster is does not concern a team"
    assert "go on by themselves" in error
    assert told == {"reason": "cluster", "cause": "CLUSTER", "since": "2024-06-15T11:53:00Z"}
    degraded = "The cluster takes nothing since 2024-06-15T11:53:00Z; the log says why."
    assert (await client.get("/readyz")).json() == {"status": "ready", "degraded": degraded}
    cluster.outage = Outage("", NOON, remedy="it refuses the token of this server.")
    told = await waiting()
    assert told is not None and told["error"].endswith("cannot be used: it refuses the token of this server.")
    cluster.outage = None
    assert await waiting() is None
    assert (await client.get("/readyz")).json() == {"status": "ready"}


@pytest.mark.parametrize(("failure", "reason"), [(REFUSED, "quota"), (PATIENCE, "source"), (DOWN, "destination")])
async def test_it_says_why_nothing_starts_and_until_when(
    installation: Installation, failure: Failure, reason: str
) -> None:
    made = await seeds.transfer(installation)
    client, team = installation.client(), f"/teams/{installation.team_id}"
    body = {"range_start": "2024-06-01", "range_end": "2024-06-02"}
    answer = await client.post(f"{team}/transfers/{made.transfer_id}/backfills", json=body)
    path = f"{team}/backfills/{answer.json()['data']['transfer_backfill_id']}"

    async def waiting() -> object:
        return (await client.get(path)).json()["data"]["x"].get("waiting")

    await materialise_all(installation)
    assert await waiting() is None
    orders = await claim_some(installation, 1)
    await finish(installation, orders, dict.fromkeys([order.data_date for order in orders], failure))
    expected = {"reason": reason, "until": "2024-06-15T14:05:00Z", "cause": failure.cause}
    assert await waiting() == expected | {"error": failure.message[:1000]}
    (listed,) = (await client.get(f"{team}/backfills")).json()["data"]
    assert listed["x"]["waiting"]["reason"] == reason
    await client.post(f"/x/v1{path}/pause")
    assert await waiting() is None, "it is paused, which is why nothing starts"
    await client.post(f"/x/v1{path}/resume")
    installation.pass_time(seconds=7499)
    assert await waiting() is not None
    installation.pass_time(seconds=1)
    assert await waiting() is None
    await work_off(installation)
    assert await waiting() is None


@pytest.mark.parametrize(
    ("side", "cause", "reason"),
    [
        (Side.SOURCE, "QUOTA", "quota"),
        (Side.SOURCE, "NETWORK", "source"),
        (Side.DESTINATION, "QUOTA", "destination"),
    ],
)
def test_a_quota_is_the_sources(side: Side, cause: str, reason: str) -> None:
    assert Waiting(side, NOON + timedelta(hours=1), cause, "").reason == reason
