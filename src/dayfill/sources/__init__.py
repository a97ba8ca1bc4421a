"""Where data comes from. One file per kind, found by its data source id; each kind meets the `Source` protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from hashlib import sha256
from importlib import import_module
from typing import Any, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa

from dayfill.domain.reach import NOTHING, Reach
from dayfill.domain.secret import Secret
from dayfill.domain.transfer import Account, Segment, Table, Value
from dayfill.errors import ConnectorError, Permanent, misconfigured
from dayfill.outgoing import is_url
from dayfill.outgoing.authorities import TLS_MODES

KINDS = {"FILES": "files", "SQL": "sql", "DEMO_ADS": "demo_ads"}
"""Data source id -> module of this package."""
PROMPT = frozenset({"FILES", "SQL"})
"""Sources whose rows come as fast as they are taken: a destination may keep its transaction open for them."""
SECRETS = {"SQL": ("password",)}
"""Data source id -> what a login at it keeps sealed, each for one server: a transfer's settings send it to no other."""
BOUND_TO = ("engine", "host", "port", "tls", "ca_certificate")
"""The settings that say which server that is and how it is known; of the engine only the port that it stands for."""
DEFAULT_PORTS = {"postgresql": 5432, "mysql": 3306}
"""Of the servers that a login's secret can be for."""


def kept_for(secret: str, settings: Mapping[str, object]) -> str:
    """The name under which a login keeps a secret for a server. settings: those of `BOUND_TO`, which may be empty.

    Whoever may change a transfer could else have the secret sent through another port or in the clear, or to whom a
    certificate of their own is believed.
    """
    engine, host, port, tls, pem = (str(settings.get(name) or "").strip() for name in BOUND_TO)
    server = (
        f"{host.lower()}:{port or DEFAULT_PORTS.get(engine, DEFAULT_PORTS['postgresql'])}, TLS {tls or TLS_MODES[0]}"
    )
    # A field of a form joins lines, and a certificate says the same.
    digest = sha256("".join(pem.split()).encode()).hexdigest()[:32]
    return f"{secret}@{server}, CA certificate {digest}" if pem else f"{secret}@{server}"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a source, as a form shows it. input_type: text, textarea (text of several lines), checkbox,
    select. options: of a select.

    numbers: the least and the greatest, if it is a whole number. writes: it makes the source write something, which a
    transfer may ask for and a query may not.
    """

    setting_id: str
    label: str
    input_type: str = "text"
    is_required: bool = False
    help_text: str = ""
    options: tuple[str, ...] = ()
    numbers: tuple[int, int] | None = None
    default: Value = None
    writes: bool = False


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """What a transfer says about its source, with credentials opened. reach: what of the machine it may open."""

    settings: Mapping[str, Value]
    accounts: tuple[Account, ...] = ()
    segments: tuple[Segment, ...] = ()
    zone: str = "UTC"
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    reach: Reach = NOTHING


@dataclass(frozen=True, slots=True)
class SourceAccount:
    """An account that a login reaches. group: under which heading lists show it; may be empty."""

    account_id: str
    name: str
    group: str = ""


class DaysRead(Protocol):
    """One reading of some days of one table.

    ``reader`` is lazy and can be read once; every row carries its day in ``date_column`` (date32), in any order.
    The other members are read after the reader is exhausted: ``complete`` is True only if the source itself said
    "that was all"; ``stated_rows`` is the total that the source names, if it does; ``failed_days`` are days that
    could not be read while the others could. Some rows of a failed day may have come before its fault was found:
    they are to be dropped. A reading that is let go before its end gives back what it holds.
    """

    reader: pa.RecordBatchReader
    date_column: str
    stated_rows: int | None

    @property
    def complete(self) -> bool: ...

    @property
    def failed_days(self) -> Mapping[date, ConnectorError]: ...


class Source(Protocol):
    """A kind of source: plain sync code without state of its own. Errors: `Transient` or `Permanent`, nothing else.

    category: one of Files, Data Warehouses, Analytics, Other. has_accounts: a transfer must name accounts.
    lists_accounts: the source can tell which accounts a login reaches, and its rows are theirs. reads_whole: it can be
    asked for a table without days (`Partition.NONE`): the day is then `WHOLE`, and so is that of every row, in a date
    column that the engine takes out again.
    """

    kind: str
    title: str
    description: str
    category: str
    settings: tuple[Setting, ...]
    has_accounts: bool
    lists_accounts: bool
    reads_whole: bool
    max_days_per_read: int

    def accounts(self, config: SourceConfig, deadline: float) -> Sequence[SourceAccount]:
        """All accounts that the login reaches; settings are of no transfer. deadline: seconds that it may take."""

    def check(self, config: SourceConfig, table: Table) -> None:
        """The source can be reached and has this table; no data is moved."""

    def schema(self, config: SourceConfig, table: Table) -> pa.Schema:
        """The columns of the table as they will be read, date column included."""

    def read_days(self, config: SourceConfig, table: Table, days: Sequence[date], deadline: float) -> DaysRead:
        """Read these days of one table. deadline: seconds that the whole reading may take."""


def zone_of(config: SourceConfig) -> str:
    """The zone of the account's days.

    Raises:
        Permanent: this machine knows none of that name.
    """
    try:
        return ZoneInfo(config.zone).key
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise misconfigured(f"There is no time zone {config.zone!r}.") from error


@cache
def get(kind: str) -> Source:
    """The source of this data source id.

    Raises:
        Permanent: no such kind.
    """
    if kind not in KINDS:
        raise Permanent("CONFIG", f"There is no data source {kind!r}; known are {', '.join(sorted(KINDS))}.")
    module: Any = import_module(f"dayfill.sources.{KINDS[kind]}")
    source: Source = module.SOURCE
    return source


def is_local(settings: Mapping[str, Value]) -> bool:
    """Whether a source reads a file of this machine, so that another one would find nothing there."""
    path = settings.get("path")
    return bool(path) and not is_url(str(path))
