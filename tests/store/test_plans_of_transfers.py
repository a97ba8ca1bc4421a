"""The hot reads of transfers and schedules go through their index: SQLite is asked for its plan."""

import pytest

from dayfill.store.queries import QUERIES
from installation import Installation

STATES = ["sqlite"]


def plan(installation: Installation, query: str, **values: object) -> str:
    rows = installation.execute(f"EXPLAIN QUERY PLAN {QUERIES[query].text}", **values)
    return "\n".join(str(row[3]) for row in rows)


@pytest.mark.parametrize(
    ("query", "values", "index"),
    [
        ("due_schedules", {"now": 1, "limit": 20}, "SEARCH s USING INDEX schedules_due"),
        ("next_due", {}, "USING COVERING INDEX schedules_due"),
        ("list_transfers", {"team_id": 1}, "SEARCH t USING INDEX transfer_names"),
        ("list_transfers", {"team_id": 1}, "SEARCH r USING COVERING INDEX runs_by_creation"),
        ("transfer_named", {"team_id": 1, "display_name": "a"}, "USING INDEX transfer_names"),
        ("destination_named", {"team_id": 1, "display_name": "a"}, "USING INDEX destination_names"),
        ("list_destinations", {"team_id": 1}, "USING INDEX destination_names"),
        ("table_group_named", {"team_id": 1, "name": "a"}, "USING COVERING INDEX table_group_names"),
        ("list_table_groups", {"team_id": 1}, "USING INDEX table_group_names"),
        ("transfers_of_destination", {"destination_id": 1, "team_id": 1}, "USING INDEX transfers_of_destination"),
        (
            "connections_in_force",
            {"team_id": 1, "data_source_id": "FILES", "limit": 1},
            "USING INDEX connections_of_source",
        ),
        ("list_connections", {"team_id": 1, "limit": 1}, "USING INDEX connections_of_team"),
        ("table_owner", {"location": "a", "table_name": "b"}, "USING PRIMARY KEY"),
        ("release_tables", {"transfer_id": 1}, "owned_tables_of_transfer"),
        ("cancel_waiting_recurring_runs", {"transfer_id": 1, "now": 1}, "USING INDEX runs_waiting_alone"),
        (
            "stop_waiting_recurring_runs",
            {"transfer_id": 1, "message": "", "fingerprint": "", "now": 1},
            "USING INDEX runs_waiting_alone",
        ),
    ],
)
async def test_the_read_uses_its_index(
    installation: Installation, query: str, values: dict[str, object], index: str
) -> None:
    found = plan(installation, query, **values)
    assert index in found
    assert "SCAN t" not in found and "TEMP B-TREE" not in found


async def test_a_job_is_keyed_reads_alone(installation: Installation) -> None:
    found = plan(installation, "transfer_job", transfer_id=1).splitlines()
    assert len([line for line in found if "USING INTEGER PRIMARY KEY" in line]) == 4
    assert len([line for line in found if "INDEX transfers_with_rate" in line]) == 1
    assert len([line for line in found if "INDEX owned_tables_" in line]) == 2
    assert not [line for line in found if "SCAN" in line]
