"""What must always be true of the state, as queries that find what is not."""

from __future__ import annotations

from dayfill.store.db import Reader
from dayfill.store.queries import QUERIES

INVARIANTS = tuple(query for name, query in QUERIES.items() if name.startswith("invariant_"))
"""All of them; the sentence of a query is the rule."""


async def check(db: Reader) -> list[str]:
    """One line for each violation: the rule that is broken, and by what. A sound state gives an empty list.

    The caller passes a transaction where one snapshot for all rules matters.
    """
    violations: list[str] = []
    for invariant in INVARIANTS:
        violations += [f"{invariant.sentence} But: {row[0]}." for row in await db.all(invariant.name)]
    return violations
