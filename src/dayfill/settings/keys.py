"""Every setting by its name: what it may be, and what it is if nobody sets it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from dayfill.domain.backfill import MAX_DAYS

LogLevel = Literal["debug", "info", "warning", "error"]
Output = Literal["table", "json", "ndjson"]
DEFAULT_DATA_DIR = "dayfill-data"
DEFAULT_BIND = "127.0.0.1:8484"
DEFAULT_REFUSED = 1_000
"""A client that polls every five seconds with a lost key makes 720 requests an hour, and should learn why."""
AUDIT_DAYS = 400
PREFIX = "DAYFILL_"


def _from_to(lowest: int, highest: int) -> Meta:
    return Meta(ge=lowest, le=highest, description=f"a whole number from {lowest} to {highest}")


Shown = Annotated[int, _from_to(1, 10_000)]
"""A limit that answers show in X-RateLimit-Limit, which may be as large as this (Supermetrics API documentation)."""


class ServerKeys(msgspec.Struct, frozen=True):
    """The server's, in the environment and in ``dayfill.toml``."""

    bind: Annotated[str, Meta(max_length=255, description="HOST:PORT")] = DEFAULT_BIND
    behind_proxy: Annotated[bool, Meta(description="1 or 0")] = False
    trusted_proxies: Annotated[str, Meta(description="addresses and networks with commas between")] = ""
    executor: Annotated[str, Meta(max_length=255, description="threads or ray://HOST:PORT")] = "threads"
    slots: Annotated[int, _from_to(1, 256)] = 8
    max_backfill_days: Annotated[int, _from_to(1, MAX_DAYS)] = MAX_DAYS
    audit_days: Annotated[int, _from_to(1, 36_500)] = AUDIT_DAYS
    log_level: Annotated[LogLevel, Meta(description="one of debug, info, warning, error")] = "info"
    key_requests_per_hour: Shown | None = None
    team_requests_per_hour: Shown | None = None
    address_requests_per_hour: Annotated[int, _from_to(1, 1_000_000)] | None = None
    refused_requests_per_hour: Annotated[int, _from_to(0, 1_000_000)] = DEFAULT_REFUSED
    state: Annotated[str, Meta(pattern="^postgres(ql)?://", description="postgresql://...")] | None = None
    keyring_file: Annotated[str, Meta(pattern="^[/~]", description="an absolute path")] | None = None
    file_roots: Annotated[str, Meta(description="absolute folders with colons between")] | None = None
    team_roots: Annotated[str, Meta(description="TEAM=FOLDER with colons between")] = ""
    allow_nets: Annotated[str, Meta(description="addresses and networks with commas between")] = ""


class ClientKeys(msgspec.Struct, frozen=True):
    """The client commands', in the environment and in a profile."""

    url: Annotated[str, Meta(pattern="^https?://[^/]", description="http://HOST[:PORT] or https://HOST")] = (
        "http://127.0.0.1:8484"
    )
    api_key: Annotated[str, Meta(min_length=1, description="an API key")] | None = None
    team_id: Annotated[int, Meta(ge=1, description="a whole number from 1")] | None = None
    output: Annotated[Output, Meta(description="one of table, json, ndjson")] | None = None
    quiet: Annotated[bool, Meta(description="1 or 0")] = False


SERVER = {one.name: one.type for one in msgspec.structs.fields(ServerKeys)}
CLIENT = {one.name: one.type for one in msgspec.structs.fields(ClientKeys)}
_ENVIRONMENT_ONLY = ("data_dir", "keyring", "profile", "config", "test", "failpoint")
KNOWN = {PREFIX + name.upper() for name in (*SERVER, *CLIENT, *_ENVIRONMENT_ONLY)}
