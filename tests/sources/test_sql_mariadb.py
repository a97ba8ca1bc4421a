"""What MariaDB holds arrives exactly; collected only where a server is installed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from certificates import authority
from databases import Source, mysql_source
from dayfill.errors import Permanent, Transient
from mariadb_server import AUTHORITY

DAY = date(2024, 3, 31)
NAIVE = datetime(2024, 3, 31, 23, 59, 59, 999999, UTC).replace(tzinfo=None)


@pytest.fixture
def mysql(mariadb: dict[str, str]) -> Iterator[Source]:
    with mysql_source(mariadb) as made:
        yield made


def test_a_value_of_mariadb_keeps_its_type(mysql: Source) -> None:
    mysql.run(
        "CREATE TABLE exact (day date, a tinyint, b smallint unsigned, c int unsigned, d bigint unsigned,"
        " e decimal(38,9), f decimal(5,2) unsigned, g double, h float, i datetime(6), k varchar(9), l blob, m json,"
        " n time, o year, p mediumint, q timestamp(6) NULL)",
        "SET time_zone = '+00:00'",
        "INSERT INTO exact VALUES ('2024-03-31', -128, 65535, 4294967295, 18446744073709551615,"
        " -99999999999999999999999999999.999999999, 999.99, 0.1, 16777215, '2024-03-31 23:59:59.999999', 'é', x'00ff',"
        " '[1]', '-30:00:00', 2024, -8388608, '2024-03-31 12:00:00.000001'), ('2024-03-31', NULL, NULL, NULL, NULL,"
        " NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    )
    rows = mysql.read([DAY], table="exact")
    assert [str(of) for of in rows.schema.types[1:]] == [
        *("int8", "uint16", "uint32", "uint64", "decimal128(38, 9)", "decimal128(5, 2)", "double", "float"),
        *("timestamp[us]", "string", "binary", "string", "string", "int16", "int32", "timestamp[us, tz=UTC]"),
    ]
    first, second = sorted(rows.drop_columns("day").to_pylist(), key=lambda row: row["a"] is None)
    assert list(first.values()) == [
        *(-128, 65535, 4294967295, 2**64 - 1, Decimal("-99999999999999999999999999999.999999999"), Decimal("999.99")),
        *(0.1, 16777215.0, NAIVE, "é", b"\x00\xff", "[1]", "-30:00:00", 2024, -8388608),
        datetime(2024, 3, 31, 12, 0, 0, 1, UTC),
    ]
    assert set(second.values()) == {None}


def test_what_mariadb_refuses_is_told(mysql: Source) -> None:
    mysql.run("CREATE TABLE odd (day date, wide decimal(50,2))", "INSERT INTO odd VALUES ('2024-03-31', 1)")
    with pytest.raises(Permanent, match="more than 38 digits"):
        mysql.read([DAY], table="odd")
    with pytest.raises(Permanent, match="refuses the login") as refused:
        mysql.read([DAY], table="odd", user="nobody")
    assert refused.value.cause == "AUTH" and "only-for-tests" not in refused.value.message
    with pytest.raises(Transient, match="cannot be reached"):
        mysql.read([DAY], table="odd", port="1")
    with pytest.raises(Permanent, match="port must be a number"):
        mysql.read([DAY], table="odd", port="x")


def test_mariadb_is_believed_by_whom_its_certificate_is_from(mysql: Source) -> None:
    mysql.run("CREATE TABLE seen (day date)", "INSERT INTO seen VALUES ('2024-03-31')")
    for tls in ("verify-full", "verify-ca"):
        rows = mysql.read([DAY], table="seen", tls=tls, ca_certificate=AUTHORITY.pem)
        assert rows.num_rows == 1
    assert mysql.read([DAY], query=CIPHER, types={"day": "DATE", "cipher": "STRING"}, tls="require")["cipher"][
        0
    ].as_py()
    for settings in ({}, {"ca_certificate": authority("others").pem}):
        with pytest.raises(Permanent, match="certificate that is not trusted") as refused:
            mysql.read([DAY], table="seen", tls="verify-full", **settings)
        assert refused.value.cause == "AUTH"


CIPHER = (
    "SELECT :start AS day, variable_value AS cipher FROM information_schema.session_status"
    " WHERE variable_name = 'ssl_cipher' AND :end > :start"
)
