"""What can be mended in a state without losing anything: what follows from the runs is counted anew.

Everything else that breaks a rule is for a person, or for a backup.
"""

from __future__ import annotations

from dayfill.store.db import Tx
from dayfill.store.queries import QUERIES

REPAIRS = tuple(query for name, query in QUERIES.items() if name.startswith("repair_"))
"""In the order in which they are made; the sentence says what has been done."""


async def repair(tx: Tx) -> list[str]:
    """Mend what can be mended; one line for each thing done, nothing for a sound state."""
    counts = [(query.sentence, await tx.run(query.name)) for query in REPAIRS]
    return [f"{sentence} Number: {count:,}." for sentence, count in counts if count]
