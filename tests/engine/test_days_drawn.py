"""The days of a transfer as one text, which the live pages draw: the same as row by row, gaps between them too."""

from __future__ import annotations

from datetime import date

import seeds
from dayfill.domain.days import DayRange, vector
from dayfill.engine import backfills
from dayfill.store import days
from installation import Installation
from worker import claim_some, finish, materialise_all, refused

FIRST = date(2024, 6, 1)


async def test_the_text_is_the_vector_of_the_rows(installation: Installation) -> None:
    db, transfer = installation.db, (await seeds.transfer(installation)).transfer_id
    assert await days.drawn(db, installation.team_id, transfer) == (None, "", 0)
    assert await days.drawn(db, await installation.team("Second"), transfer) is None
    for span in (DayRange(FIRST, date(2024, 6, 4)), DayRange(date(2024, 6, 8), date(2024, 6, 10))):
        async with db.write() as tx:
            who = installation.team_id, installation.user_id
            await backfills.create(tx, installation.server.seams, *who, transfer, span, max_days=10)
        await materialise_all(installation)
        [newest, *_] = orders = await claim_some(installation, 2)
        await finish(installation, orders, {newest.data_date: refused()})
        found = await days.states(db, installation.team_id, transfer)
        assert found is not None and found.span is not None
        drawn = (found.span.start, vector(found.span, found.states), found.version)
        assert await days.drawn(db, installation.team_id, transfer) == drawn
        assert drawn[1] == ("qqlf" if span.start == FIRST else "qqlf...qlf")
