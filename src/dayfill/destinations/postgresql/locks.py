"""Loads kept apart: one at a time for a day, and alone while a table changes. The locks end with the transaction.

A load that stands still for ever, as a process that was stopped inside COPY does, would hold its locks for ever too. So
a later load of the same day ends its session: its days have been given to somebody else by then.
"""

from __future__ import annotations

from hashlib import blake2b

from dayfill.destinations.load import Request
from dayfill.outgoing.postgresql import Session

WAIT_SECONDS, IDLE_SECONDS = 30, 300
"""How long a load waits for another one, and how long it may leave its transaction alone."""


def begin(con: Session, request: Request, *, is_alone: bool) -> None:
    """Begin a transaction that holds the locks of a load.

    Raises:
        adbc_driver_manager.Error: with SQLSTATE 55P03, if others hold one of them for too long.
    """
    lock = "pg_advisory_xact_lock" if is_alone else "pg_advisory_xact_lock_shared"
    newest = max(request.days, key=lambda day: day.token)
    con.begin()
    # Row after row, and the days in the same order for all, or two loads could wait for each other.
    con.rows(
        "SELECT set_config('application_name', $1, true) || set_config('lock_timeout', $2, true)"
        " || set_config('idle_in_transaction_session_timeout', $3, true)"
        # Where an index leads to a dead row, it passes over that the next time; a bitmap of it visits the rows of every
        # earlier load of the day again, until the table is vacuumed.
        " || set_config('enable_bitmapscan', 'off', true)"
        # Rows that a policy hides would outlive their day: it is an error, and not a smaller table.
        " || set_config('row_security', 'off', true)"
        f" UNION ALL SELECT {lock}($4::bigint)::text"
        " UNION ALL SELECT pg_advisory_xact_lock(day)::text FROM unnest($5::bigint[]) AS day",
        f"dayfill:{newest.run_id}:{newest.token}",
        f"{WAIT_SECONDS}s",
        f"{IDLE_SECONDS}s",
        _key(request),
        _day_keys(request),
    )


def end_stuck(con: Session, request: Request) -> bool:
    """End the sessions of older loads that hold a day of this one; False if there is none."""
    found = con.rows(
        "SELECT pg_terminate_backend(locks.pid) FROM pg_locks AS locks JOIN pg_stat_activity AS activity USING (pid)"
        " WHERE locks.locktype = 'advisory' AND locks.granted AND locks.objsubid = 1"
        " AND locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND (locks.classid::bigint << 32) | locks.objid::bigint = ANY($1::bigint[])"
        " AND CASE WHEN activity.application_name ~ '^dayfill:[0-9]{1,18}:[0-9]{1,18}$'"
        " THEN split_part(activity.application_name, ':', 3)::bigint < $2::bigint END",
        _day_keys(request),
        min(day.token for day in request.days),
    )
    return any(ended for (ended,) in found)


def _day_keys(request: Request) -> list[int]:
    return sorted(_key(request, str(day.data_date)) for day in request.days)


def _key(request: Request, day: str = "") -> int:
    """A signed number of 64 bits for the tables of a transfer, or for one day of them."""
    text = f"dayfill\n{request.schema.lower()}\n{request.installation_id}\n{request.transfer_id}\n{day}"
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), signed=True)
