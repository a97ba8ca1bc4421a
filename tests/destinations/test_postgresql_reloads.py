"""A day that is loaded again and again on PostgreSQL, between two vacuums."""

from __future__ import annotations

import time
from collections.abc import Callable

from warehouse import Warehouse, a_day, close_all, postgresql_warehouse, stamped

ROWS, LOADS = 10_000, 9


def visited(warehouse: Warehouse) -> tuple[int, int]:
    """Blocks of the table that were looked at so far, and that it has; asked once all sessions have told theirs."""
    close_all()
    others = "SELECT 1 AS one FROM pg_stat_activity WHERE application_name = 'dayfill' AND pid <> pg_backend_pid()"
    while warehouse.ask(others).num_rows:
        time.sleep(0.01)
    (row,) = warehouse.ask(
        "SELECT heap_blks_hit + heap_blks_read AS visited, pg_relation_size(relid) / 8192 AS blocks"
        " FROM pg_statio_user_tables WHERE relname = 'visits' AND schemaname = current_schema()"
    ).to_pylist()
    return int(row["visited"]), int(row["blocks"])


def test_the_next_load_of_a_day_does_not_visit_the_rows_of_all_earlier_ones(
    postgres_warehouses: Callable[[], str],
) -> None:
    warehouse, seen = postgresql_warehouse(postgres_warehouses()), []
    warehouse.load(a_day(stamped(1, ROWS)))
    warehouse.ask("ALTER TABLE visits SET (autovacuum_enabled = off)")
    for token in range(2, LOADS + 1):
        warehouse.load(a_day(stamped(token, ROWS), token=token))
        seen.append(visited(warehouse))
    (first, _), (second, _), *_, (last_but_one, _), (last, blocks) = seen
    of_a_day = blocks / LOADS
    assert last - last_but_one < second - first + of_a_day, seen


def test_an_index_of_another_kind_is_used_where_somebody_has_put_that_in_the_place_of_ours(
    postgres_warehouses: Callable[[], str],
) -> None:
    """BRIN, a hundredth of the size, gives nothing but bitmaps: without them each load read the whole table."""
    warehouse = postgresql_warehouse(postgres_warehouses())
    for offset, count in enumerate((ROWS, ROWS, ROWS, 1)):
        warehouse.load(a_day(stamped(1, count, offset), offset))
    query = "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND tablename = 'visits'"
    (index,) = warehouse.ask(query).to_pylist()
    warehouse.ask(f"DROP INDEX {index['indexname']}")
    warehouse.ask("CREATE INDEX small ON visits USING brin (data_date) WITH (pages_per_range = 4)")
    warehouse.ask("ANALYZE visits")
    before, blocks = visited(warehouse)
    warehouse.load(a_day(stamped(2, 1, 3), 3, token=2))
    after, _ = visited(warehouse)
    assert after - before < blocks / 2, (after - before, blocks)
