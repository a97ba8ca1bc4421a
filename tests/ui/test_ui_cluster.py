"""What pages say of days that wait for a cluster."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
from browsing import Browser
from scenes import loaded, waiting

from dayfill.engine.waits import Waits
from dayfill.executors import Cluster, Outage
from installation import NOON, Installation


async def test_a_backfill_and_its_transfer_say_since_when_the_cluster_is_gone(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dayfill.engine.waits.is_away", lambda job: True)
    cluster = SimpleNamespace(outage=Outage("no route to 10.0.0.7", NOON), slots=0)
    installation.server.hub.waits = Waits(cast(Cluster, cluster))
    transfer = await loaded(installation, days=3)
    backfill = await waiting(installation, transfer)
    browser = Browser(installation)
    await browser.sign_in(installation.key)
    for path in ("/", "/backfills", f"/backfills/{backfill}", f"/transfers/{transfer}"):
        assert 'data-waits="waiting for the cluster"' in (await browser.open(path)).text, path
        assert "10.0.0.7" not in browser.page
    for path in (f"/backfills/{backfill}", f"/transfers/{transfer}"):
        assert "for the cluster since <time" in (await browser.open(path)).text
    cluster.outage = Outage("no route to 10.0.0.7", NOON, remedy="it refuses the token of this server.")
    for path in (f"/backfills/{backfill}", f"/transfers/{transfer}"):
        page = (await browser.open(path)).text
        assert "cannot be used: it refuses the token of this server." in page and "10.0.0.7" not in page
    cluster.outage = None
    for path in ("/", f"/backfills/{backfill}", f"/transfers/{transfer}"):
        assert "the cluster" not in (await browser.open(path)).text
