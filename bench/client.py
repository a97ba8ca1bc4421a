"""A plain HTTP/1.1 client that costs little: keep-alive connections, one request under way on each."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """What a load gave: seconds in total, and each answer's latency in seconds, sorted."""

    seconds: float
    latencies: list[float]

    def quantile(self, share: float) -> float:
        return self.latencies[min(int(len(self.latencies) * share), len(self.latencies) - 1)]


async def load(port: int, path: str, key: str | None, *, requests: int, connections: int) -> Load:
    """GET the path ``requests`` times over some connections; every answer must be 200."""
    authorization = f"Authorization: Bearer {key}\r\n" if key else ""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{authorization}\r\n".encode()
    began = time.perf_counter()
    parts = await asyncio.gather(*(_one(port, request, requests // connections) for _ in range(connections)))
    seconds = time.perf_counter() - began
    return Load(seconds, sorted(latency for part in parts for latency in part))


async def _one(port: int, request: bytes, count: int) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    latencies = []
    for _ in range(count):
        began = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head[:200]
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.split(b":")[1]))
        latencies.append(time.perf_counter() - began)
    writer.close()
    return latencies
