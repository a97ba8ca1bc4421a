"""Where a key may be used from: its list of addresses, and whose word on the client's address counts."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from dayfill.api.asgi import Api
from dayfill.domain.access import SCOPES
from dayfill.domain.addresses import networks
from dayfill.engine import keys
from installation import Installation


async def bound_key(made: Installation, *allow_ips: str) -> str:
    async with made.db.write() as tx:
        new = await keys.create(
            tx, made.server.seams, made.keyring, made.team_id, made.user_id, scopes=SCOPES, allow_ips=allow_ips
        )
    return new.text


async def answer(made: Installation, key: str, peer: str, *forwarded: str) -> httpx.Response:
    transport = httpx.ASGITransport(Api(made.server), client=(peer, 4711))
    headers = [("Authorization", key), *(("X-Forwarded-For", line) for line in forwarded)]
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8484") as client:
        return await client.get(f"/teams/{made.team_id}/backfills", headers=headers)


@pytest.mark.parametrize("peer", ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::9"])
async def test_a_bound_key_works_from_its_addresses(installation: Installation, peer: str) -> None:
    key = await bound_key(installation, "192.0.2.0/24", "2001:db8::/64")
    assert (await answer(installation, key, peer)).status_code == 200


@pytest.mark.parametrize("peer", ["192.0.3.7", "2001:db8:1::9", ""])
async def test_elsewhere_a_bound_key_is_refused(installation: Installation, peer: str) -> None:
    key = await bound_key(installation, "192.0.2.0/24", "2001:db8::/64")
    refused = await answer(installation, key, peer)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "ACCESS_DENIED_IP")
    assert (await answer(installation, installation.key, peer)).status_code == 200


async def test_a_header_of_anybody_else_than_a_proxy_of_ours_counts_for_nothing(installation: Installation) -> None:
    key = await bound_key(installation, "192.0.2.7")
    assert (await answer(installation, key, "10.0.0.5", "192.0.2.7")).status_code == 403
    installation.server = replace(installation.server, trusted_proxies=networks(["10.0.0.5"]))
    assert (await answer(installation, key, "10.0.0.5", "192.0.2.7")).status_code == 200
    assert (await answer(installation, key, "10.0.0.5", "192.0.2.7", "198.51.100.1")).status_code == 403
    assert (await answer(installation, key, "198.51.100.1", "192.0.2.7")).status_code == 403
