"""What must always be true of the state, and between it and the warehouses' ledgers, as queries that find what is not.

I12 compares two moments (counters never fall, a final status never leaves but by a retry), so no query can say it; the
model of the tests does. Of I10 the queries hold what one moment shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

import msgspec

from dayfill.store.db import Reader, Values, micros
from dayfill.store.queries import QUERIES, Query

INVARIANTS = tuple(query for name, query in QUERIES.items() if name.startswith("invariant_"))
"""Those over the state alone; the sentence of a query is the rule, and begins with its number."""
LEDGER_INVARIANTS = tuple(query for name, query in QUERIES.items() if name.startswith("ledger_i"))
"""Those between the state and the ledger of one transfer."""
RULES = tuple(sorted({query.sentence.partition(":")[0] for query in INVARIANTS}, key=lambda rule: int(rule[1:])))
"""The numbers of the rules over the state alone."""
GRACE_SECONDS = 90
"""How long after its deadline a run may still be RUNNING: the dispatcher gives up after 30 s, then records."""


class LedgerDay(msgspec.Struct, frozen=True, array_like=True):
    """One day of a transfer in its warehouse's ledger, over all its tables.

    least_token differs from token where the tables were loaded by different attempts, and is 0 where one has no row.
    content_hash: the tables' hashes, joined as a run joins them.
    """

    data_date: date
    least_token: int
    token: int
    run_id: int
    row_count: int
    content_hash: str


async def check(
    db: Reader,
    *,
    owner: str = "",
    now: datetime | None = None,
    ledgers: Mapping[int, Sequence[LedgerDay]] | None = None,
) -> list[str]:
    """One line for each violation: the rule that is broken, and by what. A sound state gives an empty list.

    The caller passes a transaction or a snapshot, so that all rules see one moment. owner: the incarnation of the
    dispatcher that is alive, "" if nobody knows. now: None where the clock may have jumped. ledgers: transfer id ->
    the days of its ledger, for those whose warehouse could be read.
    """
    of_state = {"owner": owner, "now": micros(now) or 0, "grace": GRACE_SECONDS}
    violations = await _violations(db, INVARIANTS, of_state)
    for transfer_id, days in (ledgers or {}).items():
        rows = msgspec.json.encode(days).decode()
        violations += await _violations(db, LEDGER_INVARIANTS, {"transfer_id": transfer_id, "ledger": rows})
    return violations


def rule_of(violation: str) -> str:
    """The number of the rule that a line of `check` is about."""
    return violation.partition(":")[0]


async def _violations(db: Reader, rules: Iterable[Query], values: Values) -> list[str]:
    return [f"{rule.sentence} But: {row[0]}." for rule in rules for row in await db.all(rule.name, **values)]
