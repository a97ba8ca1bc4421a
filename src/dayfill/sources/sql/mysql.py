"""MySQL and MariaDB: rows are streamed from the server, in a transaction that may only read."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import pyarrow as pa

from dayfill import outgoing
from dayfill.errors import ConnectorError, Permanent, Transient, misconfigured
from dayfill.outgoing import authorities, streams
from dayfill.sources import DEFAULT_PORTS
from dayfill.sources.sql import lexicon, rows, statement
from dayfill.sources.sql.options import Options
from dayfill.sources.sql.statement import Dialect

try:
    import pymysql
    from pymysql.constants import FIELD_TYPE as KIND
    from pymysql.constants import FLAG
    from pymysql.converters import conversions
    from pymysql.cursors import SSCursor
except ModuleNotFoundError:  # it comes with an extra
    pymysql = None

_PORTS = frozenset((3306, 3307, 25060))
"""Of public addresses."""
_NO_PROTOCOL = (struct.error, AssertionError, LookupError, TypeError, ValueError)
"""What the driver lets out where a packet is not what it must be."""
_BINARY_CHARSET = 63
_LOGIN_ERRORS = (1044, 1045, 1049, 1142, 1698)
_LATE_ERRORS = (1317, 1969, 3024)
_LOST_ERRORS = (1040, 1053, 1158, 1159, 1160, 1161, 1205, 1213, 2002, 2003, 2006, 2013)


class Database:
    """One view of a database, for as long as a reading lasts."""

    def __init__(self, con: Any, shown: str, modes: str) -> None:
        self._con, self._shown = con, shown
        self.dialect = Dialect(lexicon.mysql(modes), quote="`", has_zones=False)

    def columns(self, sql: str) -> pa.Schema:
        """The columns of a query."""
        with _translated(self._shown), closing(self._con.cursor()) as cursor:
            cursor.execute(sql)
            return pa.schema([(field.name, _type(field)) for field in cursor._result.fields])

    @contextmanager
    def rows(self, sql: str, columns: pa.Schema) -> Iterator[pa.RecordBatchReader]:
        """The rows of a query, as they come."""
        cursor = self._con.cursor()
        with _translated(self._shown):
            cursor.execute(statement.with_whole_floats(sql, self.dialect, columns))

        def fetched(most: int) -> Sequence[Sequence[object]]:
            with _translated(self._shown):
                found: Sequence[Sequence[object]] = cursor.fetchmany(most)
                return found

        yield rows.reader(columns, fetched)
        with _translated(self._shown):
            cursor.close()  # not after an error: it would read the rest first


@contextmanager
def opened(options: Options, seconds: float) -> Iterator[Database]:
    """A view of the database in which nothing changes. seconds: how long a statement may take."""
    if pymysql is None:
        raise misconfigured(
            "MySQL and MariaDB need a driver: install dayfill[mysql] on the server and each node of a cluster."
        )
    fields = options.fields
    host, port = outgoing.plain_host(fields["host"].lower()), fields["port"] or str(DEFAULT_PORTS["mysql"])
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise misconfigured("The port must be a number from 1 to 65535.")
    tls = authorities.mode(fields["tls"])
    context = authorities.context(tls, authorities.own(fields["ca_certificate"], tls))
    shown = f"MySQL at {outgoing.host_and_port(host, port)}"
    with streams.connected(host, int(port), options.reach, _PORTS, shown) as stream:
        con = pymysql.connect(
            host=host,
            user=fields["user"],
            password=options.password.reveal() if options.password is not None else "",
            database=fields["database"] or None,
            ssl=context,
            ssl_disabled=context is None,
            charset="utf8mb4",
            read_timeout=max(seconds, 1),
            conv=conversions | {KIND.TIME: str, KIND.TIMESTAMP: conversions[KIND.DATETIME]},
            cursorclass=SSCursor,
            autocommit=True,
            defer_connect=True,
        )
        try:
            with _translated(shown):
                con.connect(stream)
                modes = _begin(con, seconds)
            yield Database(con, shown, modes)
        finally:
            con._force_close()


def _begin(con: Any, seconds: float) -> str:
    """Begin the transaction; returns the modes by which the server reads a query."""
    with closing(con.cursor()) as cursor:
        cursor.execute("SET time_zone = '+00:00'")
        if "MariaDB" in con.get_server_info():
            cursor.execute("SET max_statement_time = %s", (max(seconds, 0.001),))
        else:
            cursor.execute("SET max_execution_time = %s", (max(int(seconds * 1000), 1),))
        cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        cursor.execute("SELECT @@sql_mode")
        return str(cursor.fetchall()[0][0])


def _type(field: Any) -> pa.DataType:
    whole = {} if pymysql is None else {KIND.TINY: 8, KIND.SHORT: 16, KIND.INT24: 32, KIND.LONG: 32, KIND.LONGLONG: 64}
    code, is_unsigned = field.type_code, bool(field.flags & FLAG.UNSIGNED)
    if code in whole:
        return _INTEGERS[whole[code], is_unsigned]
    if code in (KIND.DECIMAL, KIND.NEWDECIMAL):
        precision = field.length - (field.scale > 0) - (not is_unsigned)
        if precision > 38:
            raise Permanent("SCHEMA", f"Column {field.name} has more than 38 digits: give it fewer in a query.")
        return pa.decimal128(precision, field.scale)
    plain = {
        KIND.FLOAT: pa.float32(),
        KIND.DOUBLE: pa.float64(),
        KIND.DATE: pa.date32(),
        KIND.NEWDATE: pa.date32(),
        KIND.DATETIME: pa.timestamp("us"),
        KIND.TIMESTAMP: pa.timestamp("us", "UTC"),
        KIND.YEAR: pa.int16(),
        KIND.TIME: pa.string(),
        KIND.JSON: pa.string(),
        KIND.NULL: pa.null(),
        KIND.BIT: pa.binary(),
        KIND.GEOMETRY: pa.binary(),
    }
    is_binary = field.charsetnr == _BINARY_CHARSET
    return plain.get(code, pa.binary() if is_binary else pa.string())


_INTEGERS = {
    **{(bits, False): of for bits, of in ((8, pa.int8()), (16, pa.int16()), (32, pa.int32()), (64, pa.int64()))},
    **{(bits, True): of for bits, of in ((8, pa.uint8()), (16, pa.uint16()), (32, pa.uint32()), (64, pa.uint64()))},
}


@contextmanager
def _translated(shown: str) -> Iterator[None]:
    try:
        yield
    except pymysql.MySQLError as error:
        raise _translate(error, shown) from None
    except RuntimeError:  # the driver's only one: a server's answer to a query was LOAD DATA LOCAL
        said = "asks for a file of this machine in place of an answer; it gets none. Is it the server that you mean?"
        raise Permanent("SOURCE", f"{shown} {said}", fatal=True) from None
    except _NO_PROTOCOL as error:
        said = f"sends what the driver cannot read ({type(error).__name__}): does MySQL or MariaDB answer there?"
        raise Transient("SOURCE", f"{shown} {said}") from None


def _translate(error: Exception, shown: str) -> ConnectorError:
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    said = str(error.args[-1])[:300] if error.args else type(error).__name__
    if code in _LOGIN_ERRORS:
        return Permanent("AUTH", f"{shown} refuses the login: {said}.", fatal=True)
    if "CERTIFICATE_VERIFY_FAILED" in said:
        why = said.partition("verify failed: ")[2].partition(" (_ssl")[0] or said
        return Permanent("AUTH", f"{shown} shows a certificate that is not trusted: {why}.", fatal=True)
    if code in _LATE_ERRORS or "timed out" in said:
        return Transient("TIMEOUT", "The query took longer than the deadline allows, or was ended by a person.")
    if code in _LOST_ERRORS or isinstance(error, pymysql.InterfaceError):
        return Transient("SOURCE", f"The connection to {shown} was lost, or refused: {said}.")
    if code == 1792:
        return misconfigured(f"{shown}: {said}: a query may only read.")
    if code // 1000 == 1:  # what the server says, and not the driver
        return Permanent("CONFIG", f"The query fails at {shown}: {said}.")
    return Transient("SOURCE", f"{shown}: {said}.")
