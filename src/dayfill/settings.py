"""Settings of the server and of the client commands; the only file that reads the environment.

Server: flag > environment > ``dayfill.toml`` in the data directory > default.
Client: flag > environment > profile in ``config.toml`` > default.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

from dayfill.domain.addresses import Network, bound_to, is_loopback, networks
from dayfill.domain.backfill import MAX_DAYS
from dayfill.domain.reach import Reaches, reaches
from dayfill.errors import SetupError
from dayfill.seams import Fault, fault_of
from dayfill.secrets.private import SETTINGS_FILE

LogLevel = Literal["debug", "info", "warning", "error"]
Output = Literal["table", "json", "ndjson"]
DEFAULT_DATA_DIR = "dayfill-data"
DEFAULT_BIND = "127.0.0.1:8484"
DEFAULT_REFUSED = 1_000
"""A client that polls every five seconds with a lost key makes 720 requests an hour, and should learn why."""
AUDIT_DAYS = 400
_PREFIX = "DAYFILL_"
_FALLBACKS = {"api_key": "SUPERMETRICS_API_KEY", "url": "SUPERMETRICS_BASE_URL", "team_id": "SUPERMETRICS_TEAM_ID"}


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """Requests an hour, None is no limit: with one key, of one team, from one address, without a known key."""

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
    reaches: what connectors may open; nothing, if nothing is said.
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


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """Which server a client command talks to, and how it prints. output None = by what stdout is."""

    url: str = "http://127.0.0.1:8484"
    api_key: str | None = field(default=None, repr=False)
    team_id: int | None = None
    output: Output | None = None
    quiet: bool = False


def _from_to(lowest: int, highest: int) -> Meta:
    return Meta(ge=lowest, le=highest, description=f"a whole number from {lowest} to {highest}")


Shown = Annotated[int, _from_to(1, 10_000)]
"""A limit that answers show in X-RateLimit-Limit, which may be as large as this (Supermetrics API documentation)."""


class _ServerKeys(msgspec.Struct, frozen=True):
    bind: Annotated[str, Meta(max_length=255, description="HOST:PORT")] = DEFAULT_BIND
    behind_proxy: Annotated[bool, Meta(description="1 or 0")] = False
    trusted_proxies: Annotated[str, Meta(description="addresses and networks with commas between")] = ""
    slots: Annotated[int, Meta(ge=1, le=256, description="a whole number from 1 to 256")] = 8
    max_backfill_days: Annotated[int, Meta(ge=1, le=MAX_DAYS, description=f"a whole number from 1 to {MAX_DAYS}")] = (
        MAX_DAYS
    )
    audit_days: Annotated[int, Meta(ge=1, le=36_500, description="a whole number from 1 to 36500")] = AUDIT_DAYS
    log_level: Annotated[LogLevel, Meta(description="one of debug, info, warning, error")] = "info"
    key_requests_per_hour: Shown | None = None
    team_requests_per_hour: Shown | None = None
    address_requests_per_hour: Annotated[int, _from_to(1, 1_000_000)] | None = None
    refused_requests_per_hour: Annotated[int, _from_to(0, 1_000_000)] = DEFAULT_REFUSED
    keyring_file: Annotated[str, Meta(pattern="^[/~]", description="an absolute path")] | None = None
    file_roots: Annotated[str, Meta(description="absolute folders with colons between")] | None = None
    team_roots: Annotated[str, Meta(description="TEAM=FOLDER with colons between")] = ""
    allow_nets: Annotated[str, Meta(description="addresses and networks with commas between")] = ""


class _ClientKeys(msgspec.Struct, frozen=True):
    url: Annotated[str, Meta(pattern="^https?://[^/]", description="http://HOST[:PORT] or https://HOST")] = (
        "http://127.0.0.1:8484"
    )
    api_key: Annotated[str, Meta(min_length=1, description="an API key")] | None = None
    team_id: Annotated[int, Meta(ge=1, description="a whole number from 1")] | None = None
    output: Annotated[Output, Meta(description="one of table, json, ndjson")] | None = None
    quiet: Annotated[bool, Meta(description="1 or 0")] = False


_SERVER = {one.name: one.type for one in msgspec.structs.fields(_ServerKeys)}
_CLIENT = {one.name: one.type for one in msgspec.structs.fields(_ClientKeys)}
_ENVIRONMENT_ONLY = ("data_dir", "keyring", "profile", "config", "test", "failpoint")
_KNOWN = {_PREFIX + name.upper() for name in (*_SERVER, *_CLIENT, *_ENVIRONMENT_ONLY)}


def read_settings(
    *, data_dir: Path | None = None, bind: str | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """The server's settings; ``data_dir`` and ``bind`` are the flags.

    Raises:
        SetupError: an unknown name, a bad value, an address that others could reach without a proxy in front.
    """
    env = _environment(environ)
    directory = (data_dir or Path(env.get("DAYFILL_DATA_DIR") or DEFAULT_DATA_DIR)).expanduser().absolute()
    file = directory / SETTINGS_FILE
    values = _checked(_toml(file), _SERVER, str(file)) | _from_environment(env, _SERVER)
    if bind is not None:
        values["bind"] = bind
    keys = _ServerKeys(**values)
    host, port = bound_to(keys.bind)
    if not (keys.behind_proxy or is_loopback(host)):
        raise SetupError(
            "DAYFILL_BIND names an address that other machines can reach, and dayfill speaks plain HTTP: keys would "
            "travel readable. Bind 127.0.0.1, or put a TLS proxy in front and set DAYFILL_BEHIND_PROXY=1."
        )
    keyring, keyring_file = _keyring(env, keys.keyring_file)
    nets = _networks("DAYFILL_ALLOW_NETS", keys.allow_nets)
    requests = RequestLimits(
        keys.key_requests_per_hour,
        keys.team_requests_per_hour,
        keys.address_requests_per_hour,
        keys.refused_requests_per_hour or None,
    )
    return Settings(
        directory,
        host,
        port,
        keys.slots,
        keys.max_backfill_days,
        keys.log_level,
        faults=_faults(env),
        keyring=keyring,
        keyring_file=keyring_file,
        requests=requests,
        trusted_proxies=_networks("DAYFILL_TRUSTED_PROXIES", keys.trusted_proxies),
        audit_days=keys.audit_days,
        reaches=reaches(keys.file_roots, keys.team_roots, nets, here=os.getcwd(), home=str(directory)),
    )


def read_client_settings(
    *,
    url: str | None = None,
    team_id: int | None = None,
    output: Output | None = None,
    profile: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> ClientSettings:
    """The client commands' settings; the arguments are the flags. An API key comes by environment or profile only,
    since a command line can be read by everybody on the machine.

    Raises:
        SetupError: an unknown name, a bad value, a profile that does not exist or that others can read.
    """
    env = _environment(environ)
    values = _profile(env, profile)
    for name, foreign in _FALLBACKS.items():
        if env.get(foreign):
            values[name] = _value(foreign, env[foreign], _CLIENT[name], strict=False)
    values |= _from_environment(env, _CLIENT)
    flags: dict[str, object] = {"url": url, "team_id": team_id, "output": output}
    for name, value in flags.items():
        if value is not None:
            values[name] = _value("--" + name.removesuffix("_id"), value, _CLIENT[name], strict=True)
    keys = _ClientKeys(**values)
    return ClientSettings(keys.url.rstrip("/"), keys.api_key, keys.team_id, keys.output, keys.quiet)


def _keyring(env: Mapping[str, str], file: str | None) -> tuple[str | None, Path | None]:
    """The keyring's text, or its file if that is named."""
    text = env.get("DAYFILL_KEYRING") or None
    if text and file:
        raise SetupError("DAYFILL_KEYRING and DAYFILL_KEYRING_FILE (keyring_file) both name the keyring: keep one.")
    return text, Path(file).expanduser() if file else None


def _faults(env: Mapping[str, str]) -> tuple[Fault, ...]:
    """What DAYFILL_FAILPOINT wants to fail; outside a test it is refused, for it may kill the server."""
    wanted = env.get("DAYFILL_FAILPOINT")
    if not wanted:
        return ()
    if env.get("DAYFILL_TEST") != "1":
        raise SetupError("DAYFILL_FAILPOINT makes the server fail on purpose: it counts with DAYFILL_TEST=1 only.")
    return tuple(fault_of(one) for one in wanted.split(","))


def _environment(environ: Mapping[str, str] | None) -> Mapping[str, str]:
    env = os.environ if environ is None else environ
    unknown = sorted(name for name in env if name.startswith(_PREFIX) and name not in _KNOWN)
    if unknown:
        raise SetupError(
            f"Unknown setting {', '.join(unknown)} in the environment; known: {', '.join(sorted(_KNOWN))}."
        )
    return env


def _from_environment(env: Mapping[str, str], types: Mapping[str, Any]) -> dict[str, Any]:
    """The keys that the environment sets; an empty variable counts as not set."""
    names = {name: _PREFIX + name.upper() for name in types}
    return {
        name: _value(variable, env[variable], types[name], strict=False)
        for name, variable in names.items()
        if env.get(variable)
    }


def _checked(values: Mapping[str, object], types: Mapping[str, Any], where: str) -> dict[str, Any]:
    unknown = sorted(set(values) - set(types))
    if unknown:
        raise SetupError(f"Unknown key {', '.join(unknown)} in {where}; known: {', '.join(types)}.")
    return {name: _value(f"{name} in {where}", value, types[name], strict=True) for name, value in values.items()}


def _value(name: str, value: object, wanted: Any, *, strict: bool) -> Any:
    """One value as its type wants it; the error says what is wanted and never repeats the value."""
    try:
        return msgspec.convert(value, wanted, strict=strict)
    except msgspec.ValidationError:
        described = wanted if hasattr(wanted, "__metadata__") else get_args(wanted)[0]
        raise SetupError(f"{name}: expected {described.__metadata__[0].description}.") from None


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError):  # the parser's own text may quote the line, so a secret
        raise SetupError(f"{path} is not a TOML file in UTF-8.") from None


def _profile(env: Mapping[str, str], flag: str | None) -> dict[str, Any]:
    path = Path(env["DAYFILL_CONFIG"]) if env.get("DAYFILL_CONFIG") else _config_path()
    wanted = flag or env.get("DAYFILL_PROFILE")
    profiles = _toml(path)
    if profiles and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SetupError(f"{path} holds API keys and others can read it. Do: chmod 600 {path}")
    if wanted and not isinstance(profiles.get(wanted), dict):
        raise SetupError(f"{path} has no profile [{wanted}].")
    chosen = wanted or "default"
    found = profiles.get(chosen, {})
    return _checked(found if isinstance(found, dict) else {}, _CLIENT, f"[{chosen}] of {path}")


def _config_path() -> Path:
    from platformdirs import user_config_path  # here, as the server has no use for it

    return user_config_path("dayfill") / "config.toml"


def _networks(name: str, listed: str) -> tuple[Network, ...]:
    try:
        return networks(one for one in listed.split(",") if one.strip())
    except ValueError:
        raise SetupError(f"{name}: expected addresses and networks, such as 10.0.0.0/8,::1.") from None
