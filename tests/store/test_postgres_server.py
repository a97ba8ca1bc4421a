"""The PostgreSQL server of the tests keeps what it has said is kept, and leaves nothing behind."""

from __future__ import annotations

from postgres_server import AnyServer, new_database, own_server, sql


def test_a_test_has_a_database_of_its_own_which_is_gone_after_it(postgres: AnyServer) -> None:
    with new_database(postgres) as first, new_database(postgres) as second:
        sql(first, "CREATE TABLE kept AS SELECT 1 AS n")
        assert sql(first, "SELECT n FROM kept") == "1"
        assert sql(second, "SELECT to_regclass('kept') IS NULL") == "t"
    assert sql(postgres.dsn(), "SELECT count(*) FROM pg_database WHERE datname LIKE 'test\\_%'") == "0"


def test_a_server_that_is_stopped_like_a_machine_without_power_comes_back() -> None:
    with own_server() as server:
        sql(server.dsn(), "CREATE TABLE kept AS SELECT 1 AS n")
        server.stop("immediate")
        server.start()
        assert sql(server.dsn(), "SELECT n FROM kept") == "1"
    assert not server.folder.exists()
