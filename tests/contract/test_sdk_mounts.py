"""The official SDK finds the routes below every base URL that its users write."""

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


@pytest.mark.parametrize("mount", MOUNTS)
async def test_core_routes_are_below_every_mount(installation: Installation, mount: str) -> None:
    async with (
        served(installation) as url,
        SupermetricsAsyncClient(api_key=installation.key, base_url=f"{url}{mount}") as client,
    ):
        assert (
            await client.logins.list() == await client.login_links.list() == await client.accounts.list("FILES") == []
        )
        assert (await client.datasource_details.get(installation.team_id, "FILES")).id == "FILES"


@pytest.mark.parametrize("mount", ["", "/v1"])
async def test_the_management_routes_carry_a_version_of_their_own(installation: Installation, mount: str) -> None:
    async with (
        served(installation) as url,
        SupermetricsAsyncClient(api_key=installation.key, base_url=f"{url}{mount}") as client,
    ):
        assert (await client.teams.get(installation.team_id)).name == "First"
        assert await client.blends.list(installation.team_id) == []
