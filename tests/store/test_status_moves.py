"""No query moves the status of a backfill otherwise than the domain's table of moves allows."""

from __future__ import annotations

import pytest

import seeds
from dayfill.domain.backfill import MOVES, BackfillStatus
from dayfill.store.postgresql import PostgresDatabase
from dayfill.store.queries import QUERIES, of_postgresql
from installation import Installation

VALUES = {
    **{"now": 9, "user_id": 1, "inserted": 2, "claimed": 1, "ended": 0, "completed": 0, "failed": 0, "cancelled": 0},
    **{"rows": 0, "fatal_cause": None, "fatal_streak": 0, "stopped": 0, "cause": "", "retried": 0, "rest": 0},
}
CHANGES = [name for name, query in QUERIES.items() if "UPDATE backfills" in query.text]


async def moves_of(installation: Installation, query: str, wanted: str) -> set[tuple[str, str]]:
    """(from, to) of every status that the query changes; ``wanted`` is the status that it is given, if it takes one."""
    transfer = await seeds.transfer(installation)
    texts = of_postgresql() if isinstance(installation.db, PostgresDatabase) else QUERIES
    found = set()
    for number, status in enumerate(BackfillStatus, 1):
        backfill_id = installation.insert(
            "backfills",
            **{"team_id": installation.team_id, "transfer_id": transfer.transfer_id, "status": status.value},
            **{"range_start": f"2024-06-0{number}", "range_end": f"2024-06-0{number}", "total": 2, "priority": 3},
            **{"created_time": 1, "created_user_id": 1},
        )
        installation.execute(texts[query].text, **VALUES, backfill_id=backfill_id, status=wanted)
        rows = installation.execute("SELECT status FROM backfills WHERE backfill_id = :id", id=backfill_id)
        found |= {(status.value, str(moved)) for (moved,) in rows if moved != status}
    return found


@pytest.mark.parametrize("wanted", ["COMPLETED", "FAILED"])
@pytest.mark.parametrize("query", CHANGES)
async def test_a_query_moves_a_status_only_as_the_table_allows(
    installation: Installation, query: str, wanted: str
) -> None:
    allowed = {(current.value, target.value) for current, reachable in MOVES.items() for target in reachable}
    assert await moves_of(installation, query, wanted) <= allowed


MADE_BY = {
    "count_created": {("CREATED", "SCHEDULED")},
    "count_claimed": {("SCHEDULED", "RUNNING")},
    "reopen_backfill": {("FAILED", "RUNNING")},
    "cancel_backfill": {(status, "CANCELLED") for status in ("CREATED", "SCHEDULED", "RUNNING", "FAILED")},
    "finish_backfill": {("RUNNING", "COMPLETED")},
}


@pytest.mark.parametrize("query", MADE_BY)
async def test_each_of_these_queries_makes_its_moves(installation: Installation, query: str) -> None:
    assert await moves_of(installation, query, "COMPLETED") == MADE_BY[query]
