"""One day of a transfer: what the destination holds of it, its runs, and what it takes to load it again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from starlette.responses import Response

from dayfill.domain import sql
from dayfill.domain.days import FIRST_DAY, LAST_DAY, WHOLE, parse_day
from dayfill.domain.run import Run, RunStatus
from dayfill.domain.table_group import of_day
from dayfill.domain.transfer import Partition, Table, Transfer
from dayfill.errors import Missing
from dayfill.store import day_details, table_groups
from dayfill.ui import words
from dayfill.ui.copied import load_day
from dayfill.ui.health import fix
from dayfill.ui.transfer import known
from dayfill.ui.visit import Visit


async def page(visit: Visit) -> Response:
    """A drawer beside the calendar, or a page of its own."""
    transfer, wanted = await known(visit), _day(visit.request.path_params["date"])
    db, team_id, transfer_id = visit.site.db, visit.team_id, transfer.transfer_id
    group = await table_groups.get(db, team_id, transfer.configuration.schema_id)
    runs = await day_details.runs(db, team_id, transfer_id, wanted)
    return visit.page(
        "day.html",
        transfer=transfer,
        day=wanted,
        found=await day_details.day(db, team_id, transfer_id, wanted),
        runs=runs,
        before=rows_before(runs),
        words=words,
        fix=fix,
        looks=[look(table, date_column(transfer), wanted) for table in of_day(group.tables if group else (), wanted)],
        copied_as=load_day(str(visit.request.base_url), team_id, transfer_id, wanted),
    )


def _day(text: str) -> date:
    try:
        day = parse_day(text)
    except ValueError as error:
        raise Missing(f"{error}. Choose a day from the calendar.") from None
    if day != WHOLE and not FIRST_DAY <= day <= LAST_DAY:
        raise Missing(f"{day} is not a day that dayfill loads. Choose one from the calendar.")
    return day


def rows_before(runs: Sequence[Run]) -> int | None:
    """Rows of the reading before the last one; None if the day was read once or never."""
    read = [run.rows for run in runs if run.status is RunStatus.COMPLETED and run.rows is not None]
    return read[1] if len(read) > 1 else None


def date_column(transfer: Transfer) -> str:
    """The column that says of a row which day it is of."""
    named = [one.value for one in transfer.configuration.settings if one.field_id == "date_column"]
    return str(named[0]) if named and named[0] else "date"


def look(table: Table, column: str, day: date) -> str:
    """SQL by which a person looks at the day in the warehouse."""
    wanted = "" if table.partition is Partition.NONE else f" WHERE {sql.name(column)} = DATE '{day}'"
    return f"SELECT * FROM {sql.name(table.name)}{wanted} LIMIT 100;"
