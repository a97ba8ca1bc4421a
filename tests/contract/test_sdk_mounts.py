"""The official SDK finds the warehouse routes below every base URL that its users write."""

from __future__ import annotations

import pytest
from official import served
from supermetrics import SupermetricsAsyncClient

from dayfill.api.routing import MOUNTS
from installation import Installation


@pytest.mark.parametrize("mount", MOUNTS)
async def test_base_url_and_warehouse_url_may_carry_a_mount(installation: Installation, mount: str) -> None:
    async with served(installation) as url:
        clients = (
            SupermetricsAsyncClient(api_key=installation.key, base_url=f"{url}{mount}"),
            SupermetricsAsyncClient(api_key=installation.key, base_url=url, dts_base_url=f"{url}{mount}"),
        )
        for client in clients:
            async with client:
                assert await client.backfills.list_incomplete(installation.team_id) == []
