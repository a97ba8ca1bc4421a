"""The PostgreSQL server of the tests keeps what it has said is kept, and leaves nothing behind."""

from __future__ import annotations

import pytest

from postgres_server import AnyServer, new_database, own_server, sql
from postgres_state import LARGE, PostgresStates

PAGE = 8192


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


@pytest.mark.parametrize("pages", [1, 2 * LARGE])
def test_a_state_that_was_used_is_given_out_again_as_if_it_were_new(
    pages: int, postgres_states: PostgresStates
) -> None:
    with postgres_states.one() as used:
        hands, name = used.hands(), "x" * (PAGE // 8)
        for _ in range(8 * pages):
            hands.execute("INSERT INTO teams (name, created_time) VALUES (:name, 0)", {"name": name})
        hands.execute(
            "INSERT INTO users (email, first_name, last_name, created_time) VALUES ('a@example.com', '', '', 0)", {}
        )
        (size,) = hands.execute("SELECT pg_relation_size('teams')", {})[0]
        assert (int(str(size)) >= LARGE * PAGE) == (pages > LARGE), "the other way to wipe it is not tried"
        hands.close()
    with postgres_states.one() as again:
        hands = again.hands()
        assert again.dsn == used.dsn
        assert hands.execute("SELECT (SELECT count(*) FROM teams), (SELECT count(*) FROM users)", {}) == [(0, 0)]
        assert hands.insert("INSERT INTO teams (name, created_time) VALUES ('First', 0)", {}) == 1
        hands.close()
