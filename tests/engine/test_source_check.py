"""A look at a source before a transfer of it is made: its columns, or why there are none; nothing is raised."""

from __future__ import annotations

import pyarrow as pa
from structlog.testing import capture_logs

from dayfill.domain.secret import Secret
from dayfill.domain.transfer import Account, SourceSetting, Table
from dayfill.engine.source_check import Seen, look
from dayfill.errors import Permanent
from dayfill.sources import SourceConfig
from reaching import TEMP

KEPT = {"password@db.example": Secret("canary")}
SETTINGS = (SourceSetting("path", "/srv/days.csv"), SourceSetting("timezone", "Asia/Tokyo"))


class Asked:
    """A source that tells its columns, or raises; notes how it was asked."""

    kind = "FILES"

    def __init__(self, raises: Exception | None = None) -> None:
        self.raises, self.config = raises, SourceConfig({})

    def schema(self, config: SourceConfig, table: Table) -> pa.Schema:
        self.config = config
        if self.raises is not None:
            raise self.raises
        return pa.schema([("day", pa.date32()), ("price", pa.decimal128(9, 2))])


async def test_it_is_asked_as_the_transfer_would_ask_and_within_the_teams_reach() -> None:
    source = Asked()
    seen = await look(source, SETTINGS, [Account(account_id="a")], TEMP, KEPT)  # type: ignore[arg-type]
    assert seen == Seen([("day", "DATE"), ("price", "DECIMAL(9,2)")])
    assert (source.config.zone, source.config.reach, source.config.secrets) == ("Asia/Tokyo", TEMP, KEPT)
    assert (source.config.settings["path"], source.config.accounts) == ("/srv/days.csv", (Account(account_id="a"),))


async def test_what_the_source_says_is_told_and_what_it_lets_slip_is_not() -> None:
    with capture_logs() as logged:
        said = await look(Asked(Permanent("SOURCE", "There is no file.")), SETTINGS, [], TEMP, {})  # type: ignore[arg-type]
        slipped = await look(Asked(KeyError("canary")), SETTINGS, [], TEMP, {})  # type: ignore[arg-type]
    assert said == Seen(problem="There is no file.")
    assert slipped.problem.startswith("Unexpected KeyError while") and "canary" not in slipped.problem
    assert [one["event"] for one in logged] == ["source_check_failed"]
