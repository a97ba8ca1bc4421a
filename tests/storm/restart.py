"""``make restart``: how soon a server serves after a kill -9, and reads again what it was reading, with a long history.

The history is written straight into state and ledger: transfers whose ten thousand days were loaded time and again.
The successor is a new process, so its imports count too. Exit code 1 if it takes longer than it may.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import apsw
import arena
import duckdb
from arena import FIRST, LONG_DEADLINE, Arena, day
from sabotage import Sabotage
from servers import PATIENCE, template
from stamped import Habits
from weather import LEFT

from dayfill.destinations.duckdb import ledger
from dayfill.engine.content_hash import joined_hash

TRANSFERS, HISTORY_DAYS, DAYS = 10, 10_000, 40
SERVES_WITHIN, READS_WITHIN = 3.0, 2.0
"""Seconds from the start of the process."""
REAL_BACKOFF = 2.0
_QUERIES = '[{"table":"visits","status":"COMPLETED","rows":100,"duration":0.1,"error":null}]'
_BACKFILL = """
INSERT INTO backfills (team_id, transfer_id, range_start, range_end, status, priority, created_time, created_user_id,
  start_time, end_time, total, created, completed, rows_total)
VALUES (:team, :transfer, :first, :last, 'COMPLETED', 3, :now, 1, :now, :now, :days, :days, :days, 100 * :days)
"""
_RUNS = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :days)
INSERT INTO runs (team_id, transfer_id, backfill_id, data_date, run_type, cause_of_start, priority, status, attempts,
  token, created_time, queued_time, started_time, ended_time, row_count, content_hash, queries)
SELECT :team, :transfer, :backfill, date(:first, '+' || i || ' days'), 'Backfill', 'backfill', 3, 'COMPLETED', 1,
  :token + i, :now, :now, :now, :now, 100, :content, :queries
FROM n
"""
_DAYS = """
INSERT INTO transfer_days (transfer_id, data_date, settled, row_count, content_hash, token, run_id, settled_time)
SELECT transfer_id, data_date, 'l', row_count, content_hash, token, run_id, ended_time
FROM runs WHERE backfill_id = :backfill
"""


@dataclass(frozen=True)
class Measured:
    """Seconds from the start of the successor. read_again: for each day that the dead server was reading."""

    rows: int
    megabytes: float
    serving: float
    left: int
    read_again: list[float]


def restarted(folder: Path, rows: int) -> Measured:
    """Kill a server with so many run rows while it reads, start the next one, and let it do the rest."""
    made = arena.make(folder / "arena", *[("STAMPED_SINGLY", LONG_DEADLINE)] * TRANSFERS, days=DAYS)
    fill(made, rows)
    left = _killed_while_reading(made)
    before, began = len(made.events()), time.time()
    with template() as fresh:
        server = fresh.serve(made.data_dir, _sabotage(made, 0.0))
        assert server.ready(), server.said()
        made.port = server.port
        assert made.call("GET", "/readyz")[0] == 200
        serving = time.time() - began
        _until(lambda: not made.rows("SELECT 1 FROM backfills WHERE status IN ('CREATED', 'SCHEDULED', 'RUNNING')"))
        assert server.end(signal.SIGTERM) == 0, server.said()
    not_loaded = made.rows("SELECT * FROM transfer_days WHERE settled IS NOT 'l'")
    assert not not_loaded, f"{len(not_loaded)} days, so {not_loaded[:5]}"
    size = (made.data_dir / "state.sqlite").stat().st_size / 1e6
    ((count,),) = made.rows("SELECT count(*) FROM runs")
    return Measured(count, size, serving, len(left), [at - began for at in _read_again(made, before, left)])


def fill(made: Arena, rows: int) -> None:
    """So many completed runs, the days as the last of them left them, and the ledger that goes with it."""
    span = min(HISTORY_DAYS, rows // TRANSFERS)
    first = FIRST - timedelta(days=span)
    values: dict[str, object] = {"team": made.team_id, "first": str(first), "last": str(FIRST - timedelta(days=1))}
    values |= {"days": span, "now": int(time.time() * 1e6), "queries": _QUERIES}
    token, last = 1, {}
    with closing(apsw.Connection(str(made.data_dir / "state.sqlite"))) as connection:
        connection.execute("BEGIN")
        for _ in range(rows // span // TRANSFERS):
            for transfer_id in made.transfers:
                connection.execute(_BACKFILL, values | {"transfer": transfer_id})
                backfill_id = connection.last_insert_rowid()
                content = joined_hash(dict.fromkeys(made.tables[transfer_id], "c0ffee"))
                of_backfill = {"transfer": transfer_id, "backfill": backfill_id, "token": token, "content": content}
                connection.execute(_RUNS, values | of_backfill)
                last[transfer_id] = backfill_id, token
                token += span
        for backfill_id, _ in last.values():
            connection.execute(_DAYS, {"backfill": backfill_id})
        connection.execute("UPDATE installation SET last_token = ?", (token,))
        connection.execute("COMMIT")
    with duckdb.connect(str(made.warehouse)) as con:
        ledger.create(con, "main")
        for transfer_id, (_, first_token) in last.items():
            for name in made.tables[transfer_id]:
                con.execute(
                    "INSERT INTO _dayfill_days SELECT ?, ?, ?::DATE + i::INTEGER, ? + i, 1, 50, 'c0ffee', now()"
                    " FROM range(?) days(i)",
                    [transfer_id, name, first, first_token, span],
                )


def _killed_while_reading(made: Arena) -> set[tuple[int, str]]:
    """What the server was reading when it was killed."""
    with template() as first:
        server = first.serve(made.data_dir, _sabotage(made, 0.5))
        assert server.ready(), server.said()
        made.port = server.port
        for transfer_id in list(made.transfers)[:2]:
            span = {"range_start": str(day(0)), "range_end": str(day(DAYS - 1))}
            assert made.call("POST", f"~/transfers/{transfer_id}/backfills", span)[0] == 200
        _until(lambda: len(made.rows(LEFT)) >= 4)
        server.end(signal.SIGKILL)
    return set(made.rows(LEFT))


def _sabotage(made: Arena, delay: float) -> Sabotage:
    return Sabotage(Habits(trace=str(made.trace), delay=delay), backoff=REAL_BACKOFF)


def _read_again(made: Arena, before: int, left: set[tuple[int, str]]) -> Iterator[float]:
    """When each of these days was first read after so many events."""
    transfer_of = {name: transfer_id for transfer_id, names in made.tables.items() for name in names}
    missing = set(left)
    for event in made.events()[before:]:
        if event["what"] == "read":
            again = {(transfer_of[event["table"]], day) for day in event["days"]} & missing
            missing -= again
            yield from [event["at"]] * len(again)


def _until(done: Callable[[], object], patience: float = PATIENCE) -> None:
    end = time.monotonic() + patience
    while not done():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.01)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="dayfill-restart-"))
    try:
        found = restarted(folder, given.rows)
    finally:
        shutil.rmtree(folder)
    sys.stdout.write(
        f"{found.rows:,} runs, {found.megabytes:,.0f} MB of state, killed while {found.left} days were read\n"
        f"serves {found.serving:.2f} s after its start (at most {SERVES_WITHIN:g})\n"
        f"reads the first of them again after {min(found.read_again):.2f} s, the last after"
        f" {max(found.read_again):.2f} s (at most {READS_WITHIN:g})\n"
    )
    in_time = found.serving <= SERVES_WITHIN and max(found.read_again) <= READS_WITHIN
    return 0 if in_time and len(found.read_again) == found.left else 1


if __name__ == "__main__":
    sys.exit(main())
