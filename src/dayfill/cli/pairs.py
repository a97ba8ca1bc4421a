"""``NAME=TEXT`` and ``NAME:=JSON`` on the command line, for settings whose names only the server knows."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from dayfill.cli.exits import usage

FORMS = "NAME=TEXT, NAME:=JSON for numbers and true/false, or NAME=@FILE for the text of a file; may be repeated."


def pairs(texts: Iterable[str], option: str) -> dict[str, Any]:
    """The values by name.

    Raises:
        CommandError: exit 64; a text of another form, invalid JSON, a file that cannot be read.
    """
    return dict(_pair(text, option) for text in texts)


def _pair(text: str, option: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator or not name.rstrip(":"):
        raise usage(f"{option} {text!r} has no name; write {FORMS}")
    if name.endswith(":"):
        return name[:-1], _json(name[:-1], value, option)
    if value.startswith("@"):
        return name, _file(name, Path(value[1:]), option)
    return name, value


def _json(name: str, value: str, option: str) -> Any:
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError:
        raise usage(f"{option} {name}:={value} is not JSON; write {FORMS}") from None


def _file(name: str, path: Path, option: str) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise usage(f"{option} {name}: {path} cannot be read: {reason}.") from None
