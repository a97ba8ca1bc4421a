"""Whether a source can be read as a form says, before a transfer is made of it: it is asked for its columns."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from dayfill.domain.reach import Reach
from dayfill.domain.run import MESSAGE_LENGTH
from dayfill.domain.secret import Secret
from dayfill.domain.source_settings import values_of, zone_of
from dayfill.domain.transfer import Account, SourceSetting, Table
from dayfill.errors import ConnectorError
from dayfill.secrets import safe
from dayfill.sources import Source, SourceConfig
from dayfill.sources.types import data_type

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a source answered. columns: name and type. problem: why it cannot be read, empty if it can."""

    columns: Sequence[tuple[str, str]] = ()
    problem: str = ""


async def look(
    source: Source,
    settings: Sequence[SourceSetting],
    accounts: Sequence[Account],
    reach: Reach,
    secrets: Mapping[str, Secret],
) -> Seen:
    """The columns that days of it would have; outside any transaction, for it may take long. No row is loaded.

    settings: as they were checked by their rules. reach: of the team. secrets: what its login keeps. An error that is
    not a `ConnectorError` is shown by its name only; its text goes to the log.
    """
    config = SourceConfig(values_of(settings), tuple(accounts), zone=zone_of(settings), secrets=secrets, reach=reach)
    try:
        schema = await asyncio.to_thread(source.schema, config, Table("checked"))
    except ConnectorError as error:
        return Seen(problem=safe(error.message, MESSAGE_LENGTH))
    except Exception as error:
        log.exception("source_check_failed", kind=source.kind)
        return Seen(
            problem=f"Unexpected {type(error).__name__} while the source was read; the server's log has the trace."
        )
    return Seen([(column.name, data_type(column.type)) for column in schema])
