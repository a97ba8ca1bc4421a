"""Settings of the server: flag > environment > ``dayfill.toml`` in the data directory > default."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dayfill.domain.addresses import Network, bound_to, is_loopback, networks
from dayfill.domain.backfill import MAX_DAYS
from dayfill.domain.installation import SETTINGS_FILE
from dayfill.domain.reach import Reaches, reaches
from dayfill.errors import SetupError
from dayfill.seams import Fault
from dayfill.settings.cluster import ClusterSettings, cluster_of
from dayfill.settings.faults import faults_of
from dayfill.settings.keys import AUDIT_DAYS, DEFAULT_DATA_DIR, DEFAULT_REFUSED, SERVER, LogLevel, ServerKeys
from dayfill.settings.reading import checked, environment, from_environment, toml


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """Requests an hour (None: no limit): with one key, of one team, from one address, without a known key."""

    key: int | None = None
    team: int | None = None
    address: int | None = None
    refused: int | None = DEFAULT_REFUSED


@dataclass(frozen=True, slots=True)
class Settings:
    """How one server runs.

    slots: loads at once in total. port: 0 = any free one. max_backfill_days: longest range.
    keyring: the whole document. keyring_file: where it is, without either in data_dir. faults: what a test makes fail.
    trusted_proxies: whose X-Forwarded-For is believed. audit_days: how long the audit log is kept.
    state: address of a PostgreSQL database that keeps the state; without it a file in data_dir does.
    reaches: what connectors may open; nothing, if nothing is said. behind_proxy: a proxy in front speaks TLS.
    cluster: what loads beside the threads of the server.
    """

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 8484
    slots: int = 8
    max_backfill_days: int = MAX_DAYS
    log_level: LogLevel = "info"
    keyring: str | None = field(default=None, repr=False)
    keyring_file: Path | None = None
    faults: tuple[Fault, ...] = ()
    trusted_proxies: tuple[Network, ...] = ()
    requests: RequestLimits = RequestLimits()
    audit_days: int = AUDIT_DAYS
    reaches: Reaches = field(default_factory=Reaches)
    behind_proxy: bool = False
    state: str | None = field(default=None, repr=False)
    cluster: ClusterSettings | None = None


def read_settings(
    *,
    data_dir: Path | None = None,
    bind: str | None = None,
    state: str | None = None,
    executor: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """The server's settings; ``data_dir``, ``bind``, ``state`` and ``executor`` are the flags.

    Raises:
        SetupError: an unknown name, a bad value, an address that others could reach without a proxy in front.
    """
    env = environment(environ)
    directory = (data_dir or Path(env.get("DAYFILL_DATA_DIR") or DEFAULT_DATA_DIR)).expanduser().absolute()
    file = directory / SETTINGS_FILE
    values = checked(toml(file), SERVER, str(file)) | from_environment(env, SERVER)
    keys = ServerKeys(**values | _flags(bind=bind, state=state, executor=executor))
    host, port = bound_to(keys.bind)
    if not (keys.behind_proxy or is_loopback(host)):
        raise SetupError(
            "DAYFILL_BIND names an address that other machines can reach, and dayfill speaks plain HTTP: keys would "
            "travel readable. Bind 127.0.0.1, or put a TLS proxy in front and set DAYFILL_BEHIND_PROXY=1."
        )
    keyring, keyring_file = _keyring(env, keys.keyring_file)
    return Settings(
        directory,
        host,
        port,
        keys.slots,
        keys.max_backfill_days,
        keys.log_level,
        faults=faults_of(env),
        keyring=keyring,
        keyring_file=keyring_file,
        requests=_limits(keys),
        trusted_proxies=_networks("DAYFILL_TRUSTED_PROXIES", keys.trusted_proxies),
        audit_days=keys.audit_days,
        reaches=_reaches(keys, directory),
        behind_proxy=keys.behind_proxy,
        state=keys.state,
        cluster=cluster_of(keys.executor, env),
    )


def _flags(**given: str | None) -> dict[str, object]:
    return checked({name: value for name, value in given.items() if value is not None}, SERVER, "the command line")


def _keyring(env: Mapping[str, str], file: str | None) -> tuple[str | None, Path | None]:
    """The keyring's text, or its file if that is named."""
    text = env.get("DAYFILL_KEYRING") or None
    if text and file:
        raise SetupError("DAYFILL_KEYRING and DAYFILL_KEYRING_FILE (keyring_file) both name the keyring: keep one.")
    return text, Path(file).expanduser() if file else None


def _limits(keys: ServerKeys) -> RequestLimits:
    return RequestLimits(
        keys.key_requests_per_hour,
        keys.team_requests_per_hour,
        keys.address_requests_per_hour,
        keys.refused_requests_per_hour or None,
    )


def _reaches(keys: ServerKeys, directory: Path) -> Reaches:
    nets = _networks("DAYFILL_ALLOW_NETS", keys.allow_nets)
    return reaches(keys.file_roots, keys.team_roots, nets, here=os.getcwd(), home=str(directory))


def _networks(name: str, listed: str) -> tuple[Network, ...]:
    try:
        return networks(one for one in listed.split(",") if one.strip())
    except ValueError:
        raise SetupError(f"{name}: expected addresses and networks, such as 10.0.0.0/8,::1.") from None
