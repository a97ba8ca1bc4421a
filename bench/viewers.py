"""Pages that are looked at, in a process of their own: each follows its stream and reads its parts, as scripts do."""

from __future__ import annotations

import asyncio
import sys

import httpx

PARTS_EVERY_SECONDS = 2.0


async def main(url: str, cookie: str, transfer_id: str, pages: int) -> None:
    """Until it is ended. Says on stdout when every page is live."""
    live = asyncio.Barrier(pages + 1)
    # The server ends idle connections after five seconds: none is taken up again in that moment.
    limits = httpx.Limits(max_connections=2 * pages, keepalive_expiry=1.0)
    async with httpx.AsyncClient(base_url=url, headers={"Cookie": cookie}, limits=limits, timeout=None) as client:
        tasks = [asyncio.create_task(_view(client, transfer_id, live)) for _ in range(pages)]
        await live.wait()
        print("live", flush=True)
        await asyncio.gather(*tasks)


async def _view(client: httpx.AsyncClient, transfer_id: str, live: asyncio.Barrier) -> None:
    (await client.get(f"/transfers/{transfer_id}")).raise_for_status()
    loop = asyncio.get_running_loop()
    read, parts = loop.time(), f"/transfers/{transfer_id}/parts"
    async with client.stream("GET", f"/events/{transfer_id},team") as stream:
        stream.raise_for_status()
        is_live = False
        async for line in stream.aiter_lines():
            if line == "event: full" and not is_live:
                is_live = True
                await live.wait()
            if line == "event: days" and loop.time() - read > PARTS_EVERY_SECONDS:
                (await client.get(parts, headers={"HX-Request": "true"})).raise_for_status()
                read = loop.time()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4], int(sys.argv[4])))
