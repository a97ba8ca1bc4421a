"""A PostgreSQL server and who signs in, and what libpq is told of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dayfill import outgoing
from dayfill.domain.reach import Reach
from dayfill.domain.secret import Secret
from dayfill.errors import misconfigured
from dayfill.outgoing import authorities

DEFAULT_PORT = 5432
_PORTS = frozenset((5432, 5433, 6432, 6543, 25060, 25061, 26257))
"""Of public addresses: the server's own, those of poolers, and those that providers give."""
_CONNECT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Server:
    """A database and who signs in. cause: of errors, SOURCE or DESTINATION. authorities: PEM, empty: the well-known."""

    host: str
    port: int
    database: str
    user: str
    password: Secret | None
    tls: str
    reach: Reach = field(repr=False)
    cause: str
    authorities: str = field(default="", repr=False)

    @classmethod
    def of(cls, fields: Mapping[str, object], password: Secret | None, reach: Reach, cause: str) -> Server:
        """From the fields of a form: host, port, database, user, tls, ca_certificate.

        Raises:
            Permanent: cause CONFIG; one of them is missing, or impossible.
        """
        text = {name: str(fields.get(name) or "").strip() for name in ("host", "database", "user")}
        for name, value in text.items():
            if not value or "\0" in value:
                raise misconfigured(f"The {name} of the PostgreSQL server is missing or impossible.")
        port, tls = str(fields.get("port") or DEFAULT_PORT), authorities.mode(str(fields.get("tls") or ""))
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
            raise misconfigured("The port must be a number from 1 to 65535.")
        own = authorities.own(str(fields.get("ca_certificate") or ""), tls)
        host = outgoing.plain_host(text["host"].lower())
        return cls(host, int(port), text["database"], text["user"], password, tls, reach, cause, own)

    @property
    def shown(self) -> str:
        return f"PostgreSQL at {outgoing.host_and_port(self.host, self.port)}"

    def dsn(self, known: str) -> str:
        """What libpq is told, so that nothing of the environment or a home counts. known: file of the authorities."""
        addresses = outgoing.checked(self.host, self.port, self.reach, _PORTS, self.shown, self.cause)
        told = {
            "host": ",".join([self.host] * len(addresses)),
            "hostaddr": ",".join(addresses),
            "port": str(self.port),
            "dbname": self.database,
            "user": self.user,
            "password": self.password.reveal() if self.password is not None else "",  # or PGPASSWORD would be sent
            "passfile": "/dev/null/none",
            "sslmode": self.tls,
            "sslrootcert": known if self.tls.startswith("verify") else "",
            "sslcertmode": "disable",
            "gssencmode": "disable",
            "connect_timeout": str(_CONNECT_SECONDS),
            "keepalives_idle": "30",
            "tcp_user_timeout": "60000",
            "client_encoding": "UTF8",
            "application_name": "dayfill",
        }
        return " ".join(f"{name}={_quoted(value)}" for name, value in told.items() if value or name == "password")


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
