"""Values from the environment, which is read here alone, and from TOML files, as their settings want them."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import msgspec

from dayfill.errors import SetupError
from dayfill.settings.keys import KNOWN, PREFIX


def environment(environ: Mapping[str, str] | None) -> Mapping[str, str]:
    env = os.environ if environ is None else environ
    unknown = sorted(name for name in env if name.startswith(PREFIX) and name not in KNOWN)
    if unknown:
        raise SetupError(f"Unknown setting {', '.join(unknown)} in the environment; known: {', '.join(sorted(KNOWN))}.")
    return env


def has_display(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> bool:
    """Whether a window can be opened here; a text browser in the terminal does not count."""
    env = os.environ if environ is None else environ
    return platform in ("darwin", "win32") or bool(env.get("DISPLAY") or env.get("WAYLAND_DISPLAY"))


def from_environment(env: Mapping[str, str], types: Mapping[str, Any]) -> dict[str, Any]:
    """The keys that the environment sets; an empty variable counts as not set."""
    names = {name: PREFIX + name.upper() for name in types}
    return {
        name: value_of(variable, env[variable], types[name], strict=False)
        for name, variable in names.items()
        if env.get(variable)
    }


def checked(values: Mapping[str, object], types: Mapping[str, Any], where: str) -> dict[str, Any]:
    unknown = sorted(set(values) - set(types))
    if unknown:
        raise SetupError(f"Unknown key {', '.join(unknown)} in {where}; known: {', '.join(types)}.")
    return {name: value_of(f"{name} in {where}", value, types[name], strict=True) for name, value in values.items()}


def value_of(name: str, value: object, wanted: Any, *, strict: bool) -> Any:
    """One value as its type wants it; the error says what is wanted and never repeats the value."""
    try:
        return msgspec.convert(value, wanted, strict=strict)
    except msgspec.ValidationError:
        described = wanted if hasattr(wanted, "__metadata__") else get_args(wanted)[0]
        raise SetupError(f"{name}: expected {described.__metadata__[0].description}.") from None


def toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError):  # the parser's own text may quote the line, so a secret
        raise SetupError(f"{path} is not a TOML file in UTF-8.") from None
