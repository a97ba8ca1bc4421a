"""Connections to PostgreSQL: to addresses that may be reached, with what the form says and nothing else."""

from __future__ import annotations

import socket
import struct
from concurrent.futures import ThreadPoolExecutor

import pytest

from dayfill import outgoing
from dayfill.domain.addresses import networks
from dayfill.domain.reach import NOTHING, Reach
from dayfill.domain.secret import Secret
from dayfill.errors import Permanent, Transient
from dayfill.outgoing import postgresql
from dayfill.outgoing.postgresql import Server
from postgres_server import PostgresServer

HERE = Reach(nets=networks(["127.0.0.0/8"]))


def server(reach: Reach = HERE, password: str = "", **fields: str) -> Server:
    named = {"host": "127.0.0.1", "database": "postgres", "user": "postgres", "tls": "disable"} | fields
    return Server.of(named, Secret(password), reach, "DESTINATION")


def refused(one: Server) -> Exception:
    with pytest.raises((Permanent, Transient)) as raised, postgresql.session(one):
        pass
    return raised.value


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"host": ""}, "host of the PostgreSQL server is missing"),
        ({"user": "a\0b"}, "user of the PostgreSQL server is missing or impossible"),
        ({"port": "65536"}, "port must be a number"),
        ({"port": "x"}, "port must be a number"),
        ({"tls": "allow"}, "no TLS mode 'allow'"),
        ({"host": "/var/run/postgresql"}, "host must be a name"),
        ({"host": "127.1"}, "a number but not an address"),
        ({"host": "a,b"}, "host must be a name"),
        ({"host": "db.example port=1"}, "host must be a name"),
    ],
)
def test_fields_that_cannot_be_are_named(fields: dict[str, str], says: str) -> None:
    with pytest.raises(Permanent, match=says):
        server(**fields)


def test_an_address_with_colons_is_told_apart_from_its_port() -> None:
    assert server(host="2001:DB8::1").shown == "PostgreSQL at [2001:db8::1]:5432"


def test_nothing_can_be_told_to_the_driver_by_a_value() -> None:
    told = server(user="x' host='evil", password="a\\' hostaddr=1.2.3.4").dsn("/known.pem")
    assert r"user='x\' host=\'evil'" in told and r"password='a\\\' hostaddr=1.2.3.4'" in told


def test_a_name_is_resolved_once_and_connected_to_by_all_its_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([["8.8.8.8", "1.1.1.1"], ["127.0.0.1"]])
    monkeypatch.setattr(outgoing, "addresses_of", lambda host, port: next(answers))
    told = server(NOTHING, host="DB.example.", tls="verify-full").dsn("/known.pem")
    assert "host='db.example.,db.example.' hostaddr='8.8.8.8,1.1.1.1'" in told
    assert "sslmode='verify-full'" in told and "sslrootcert='" in told and "passfile='/dev/null/none'" in told
    with pytest.raises(Permanent, match="connections may not go to"):
        server(NOTHING, host="DB.example.").dsn("/known.pem")


@pytest.mark.parametrize(("address", "port"), [("10.0.0.1", "5432"), ("8.8.8.8", "22"), ("169.254.169.254", "5432")])
def test_other_addresses_and_ports_are_not_reached(address: str, port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "addresses_of", lambda host, port: [address])
    with pytest.raises(Permanent, match="DAYFILL_ALLOW_NETS"):
        server(NOTHING, host="db.example", port=port).dsn("/known.pem")


def test_why_a_connection_fails_is_told_and_its_password_is_not(postgres: PostgresServer) -> None:
    here = {"port": postgres.address["port"]}
    gone = refused(server(port="1", password="canary"))
    assert isinstance(gone, Transient) and "cannot be reached: Connection refused" in gone.message
    for fields, says in (
        ({"database": "nowhere"}, 'database "nowhere" does not exist'),
        ({"user": "nobody"}, 'role "nobody" does not exist'),
        ({"tls": "require"}, "does not support SSL"),
    ):
        error = refused(server(password="canary", **here, **fields))
        assert isinstance(error, Permanent) and error.fatal
        assert says in error.message and "canary" not in error.message


def test_connections_are_kept_for_a_while_and_closed_then(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = server(port=postgres.address["port"])
    with postgresql.session(one) as first:
        first.begin()
        first.execute("CREATE TEMP TABLE kept AS SELECT 1")
    with postgresql.session(one, is_checked=True) as second:
        assert second is first
        assert second.rows("SELECT to_regclass('kept')::text") == [(None,)], "what was open was rolled back"
    monkeypatch.setattr(postgresql, "_IDLE_SECONDS", 0.0)
    assert postgresql._look() is False
    with postgresql.session(one) as third:
        assert third is not first
    postgresql.close_all()


def test_no_password_of_the_environment_is_sent_to_the_host_of_a_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "canary")
    with socket.create_server(("127.0.0.1", 0)) as asking, ThreadPoolExecutor(1) as pool:
        heard = pool.submit(_ask_for_a_password, asking)
        refused(server(port=str(asking.getsockname()[1])))
        assert b"user\0postgres" in heard.result() and b"canary" not in heard.result()


def _ask_for_a_password(asking: socket.socket) -> bytes:
    """All that a client says to a server that asks for its password in the clear."""
    with asking.accept()[0] as client:
        heard = client.recv(4096)
        client.sendall(b"R" + struct.pack("!ii", 8, 3))
        return heard + client.recv(4096)
