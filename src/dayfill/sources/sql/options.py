"""What a person sets for an SQL source, read from the transfer's settings and checked."""

from __future__ import annotations

from dataclasses import dataclass

from dayfill.domain.reach import Reach
from dayfill.domain.secret import Secret
from dayfill.errors import Permanent, misconfigured
from dayfill.outgoing.authorities import TLS_MODES
from dayfill.sources import Setting, SourceConfig, kept_for, zone_of

ENGINES = ("postgresql", "mysql", "sqlite", "duckdb")
FILE_ENGINES = ("sqlite", "duckdb")
BOUNDS = ("date", "timestamp", "timestamptz")

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "engine", "Kind of database", "select", is_required=True, options=ENGINES, help_text="mysql is for MariaDB too."
    ),
    Setting("host", "Host", help_text="Name or address of the server; empty for a file."),
    Setting("port", "Port", help_text="Empty = 5432 for PostgreSQL, 3306 for MySQL."),
    Setting("database", "Database"),
    Setting("user", "User", help_text="One that may read only; its password belongs to the login."),
    Setting("tls", "TLS", "select", options=TLS_MODES, default=TLS_MODES[0]),
    Setting(
        "ca_certificate",
        "CA certificate",
        "textarea",
        help_text="As PEM, of the authority that issued the server's certificate, if it is not one of the well-known.",
    ),
    Setting(
        "path",
        "Path",
        help_text="The file of an SQLite or DuckDB database, in a folder that the administrator has opened.",
    ),
    Setting("table", "Table", help_text="Read a table or view: NAME or SCHEMA.NAME. Or set a query."),
    Setting(
        "query",
        "Query",
        "textarea",
        help_text="One SELECT with :start and :end, such as: SELECT * FROM orders WHERE day >= :start AND day < :end",
    ),
    Setting("date_column", "Date column", is_required=True, help_text="The column that holds a row's date or moment."),
    Setting(
        "bounds",
        "Type of :start and :end",
        "select",
        options=BOUNDS,
        default="date",
        help_text="The first day and the day after the last: as dates, as midnights, or as moments of the time zone.",
    ),
)


@dataclass(frozen=True, slots=True)
class Options:
    """The checked settings. One of table and query is set. date_column: None for a table without days."""

    engine: str
    fields: dict[str, str]
    password: Secret | None
    path: str
    table: str
    query: str
    date_column: str | None
    bounds: str
    zone: str
    reach: Reach


def read(config: SourceConfig, *, whole: bool) -> Options:
    """The options of this transfer. whole: the table has no days.

    Raises:
        Permanent: a setting is missing, unknown or contradicts another.
    """
    texts = {setting.setting_id: _text(config, setting.setting_id) for setting in SETTINGS}
    if texts["engine"] not in ENGINES:
        raise misconfigured(f"The setting engine is {texts['engine']!r}; it must be one of {', '.join(ENGINES)}.")
    if bool(texts["table"]) == bool(texts["query"]):
        raise misconfigured("Set either table or query.")
    if not texts["date_column"] and not whole:
        raise misconfigured("The setting date_column is missing: it says which day a row belongs to.")
    bounds = texts["bounds"] or BOUNDS[0]
    if bounds not in BOUNDS:
        raise misconfigured(f"The setting bounds is {bounds!r}; it must be one of {', '.join(BOUNDS)}.")
    if texts["engine"] in FILE_ENGINES and not texts["path"]:
        raise misconfigured("The setting path is missing: it names the file of the database.")
    return Options(
        engine=texts["engine"],
        fields={name: texts[name] for name in ("host", "port", "database", "user", "tls", "ca_certificate")},
        password=_password(config, texts["host"]),
        path=texts["path"],
        table=texts["table"],
        query=texts["query"],
        date_column=None if whole else texts["date_column"],
        bounds=bounds,
        zone=zone_of(config),
        reach=config.reach,
    )


def _password(config: SourceConfig, host: str) -> Secret | None:
    """The login's password, if that is for this server: who writes a transfer has not always given the password."""
    found = config.secrets.get(kept_for("password", config.settings))
    if found is None and config.secrets:
        raise Permanent(
            "AUTH",
            f"The login keeps no password for {host[:100]!r} with this port, TLS mode and CA certificate: type it"
            " again, in a new login for these.",
            fatal=True,
        )
    return found


def _text(config: SourceConfig, name: str) -> str:
    value = config.settings.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise misconfigured(f"The setting {name} must be a text, not {value!r}.")
    return str(value).strip()
