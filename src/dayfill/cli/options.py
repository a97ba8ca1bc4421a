"""The options that every client command takes, and the settings and printers made from them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter

from dayfill.cli.exits import usage
from dayfill.cli.output import Printer
from dayfill.settings import ClientSettings, Output, Settings, read_client_settings, read_settings

_GROUP = Group("Global options", sort_key=9)
_SECONDS = {"s": 1, "m": 60, "h": 3600}


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Options:
    """Global options."""

    output: Annotated[Output | None, Parameter(("--output", "-o"), group=_GROUP)] = None
    "How to print data; table on a terminal, else json."
    fields: Annotated[str | None, Parameter(group=_GROUP)] = None
    "Only these keys of each object: a,b.c"
    quiet: Annotated[bool, Parameter(("--quiet", "-q"), group=_GROUP, negative=(), show_default=False)] = False
    "No notes on stderr, errors only."
    verbose: Annotated[bool, Parameter(("--verbose", "-v"), group=_GROUP, negative=(), show_default=False)] = False
    "Each request on stderr."
    no_color: Annotated[bool, Parameter(group=_GROUP, negative=(), show_default=False)] = False
    "No colours (also by NO_COLOR)."
    url: Annotated[str | None, Parameter(group=_GROUP)] = None
    "The server (DAYFILL_URL)."
    team: Annotated[int | None, Parameter(group=_GROUP)] = None
    "Team id (DAYFILL_TEAM_ID)."
    profile: Annotated[str | None, Parameter(group=_GROUP)] = None
    "Table of config.toml to take settings from (DAYFILL_PROFILE)."
    timeout: Annotated[str, Parameter(group=_GROUP)] = "60m"
    "How long --wait waits: 90s, 60m, 2h, 0 = for ever."
    yes: Annotated[bool, Parameter(("--yes", "-y"), group=_GROUP, negative=(), show_default=False)] = False
    "Do not ask before something is taken away."

    def settings(self) -> ClientSettings:
        return read_client_settings(url=self.url, team_id=self.team, output=self.output, profile=self.profile)

    def printer(self, settings: ClientSettings) -> Printer:
        fields = tuple(name.strip() for name in (self.fields or "").split(",") if name.strip())
        return Printer(settings.output, fields, self.quiet or settings.quiet, self.no_color)

    def timeout_seconds(self) -> float | None:
        """Seconds to wait, None for ever."""
        found = re.fullmatch(r"(\d{1,9})([smh]?)", self.timeout, re.ASCII)
        if not found:
            raise usage(f"--timeout {self.timeout!r} is not a time span; write 90s, 60m, 2h or 0.")
        return float(int(found[1]) * _SECONDS[found[2] or "s"]) or None


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class LocalOptions:
    """Options of the commands that work on a data directory of this machine."""

    data_dir: Annotated[Path | None, Parameter(group=_GROUP)] = None
    "The installation's directory (DAYFILL_DATA_DIR), else ./dayfill-data."
    state: Annotated[str | None, Parameter(group=_GROUP)] = None
    "postgresql://... of the state (DAYFILL_STATE), else a file in that directory."
    output: Annotated[Output | None, Parameter(("--output", "-o"), group=_GROUP)] = None
    "How to print data; table on a terminal, else json."
    quiet: Annotated[bool, Parameter(("--quiet", "-q"), group=_GROUP, negative=(), show_default=False)] = False
    "No notes on stderr, errors only."
    no_color: Annotated[bool, Parameter(group=_GROUP, negative=(), show_default=False)] = False
    "No colours (also by NO_COLOR)."

    def settings(self) -> Settings:
        return read_settings(data_dir=self.data_dir, state=self.state)

    def printer(self) -> Printer:
        return Printer(self.output or read_client_settings().output, (), self.quiet, self.no_color)


DEFAULTS = Options()
LOCAL_DEFAULTS = LocalOptions()
"""Nothing said on the command line."""
