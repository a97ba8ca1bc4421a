"""Settings of the client commands: flag > environment > profile in ``config.toml`` > default."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dayfill.errors import SetupError
from dayfill.settings.keys import CLIENT, ClientKeys, Output
from dayfill.settings.reading import checked, environment, from_environment, toml, value_of

_FALLBACKS = {"api_key": "SUPERMETRICS_API_KEY", "url": "SUPERMETRICS_BASE_URL", "team_id": "SUPERMETRICS_TEAM_ID"}


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """Which server a client command talks to, and how it prints. output None = by what stdout is."""

    url: str = "http://127.0.0.1:8484"
    api_key: str | None = field(default=None, repr=False)
    team_id: int | None = None
    output: Output | None = None
    quiet: bool = False


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
    env = environment(environ)
    values = _profile(env, profile)
    for name, foreign in _FALLBACKS.items():
        if env.get(foreign):
            values[name] = value_of(foreign, env[foreign], CLIENT[name], strict=False)
    values |= from_environment(env, CLIENT)
    flags: dict[str, object] = {"url": url, "team_id": team_id, "output": output}
    for name, value in flags.items():
        if value is not None:
            values[name] = value_of("--" + name.removesuffix("_id"), value, CLIENT[name], strict=True)
    keys = ClientKeys(**values)
    return ClientSettings(keys.url.rstrip("/"), keys.api_key, keys.team_id, keys.output, keys.quiet)


def _profile(env: Mapping[str, str], flag: str | None) -> dict[str, Any]:
    path = Path(env["DAYFILL_CONFIG"]) if env.get("DAYFILL_CONFIG") else _config_path()
    wanted = flag or env.get("DAYFILL_PROFILE")
    profiles = toml(path)
    if profiles and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SetupError(f"{path} holds API keys and others can read it. Do: chmod 600 {path}")
    if wanted and not isinstance(profiles.get(wanted), dict):
        raise SetupError(f"{path} has no profile [{wanted}].")
    chosen = wanted or "default"
    found = profiles.get(chosen, {})
    return checked(found if isinstance(found, dict) else {}, CLIENT, f"[{chosen}] of {path}")


def _config_path() -> Path:
    from platformdirs import user_config_path  # here, as the server has no use for it

    return user_config_path("dayfill") / "config.toml"
