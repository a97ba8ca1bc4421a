"""Whether a source can be read, as a form says or for a transfer that there is: it is asked for its columns."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from dayfill import sources
from dayfill.domain.reach import Reach
from dayfill.domain.run import MESSAGE_LENGTH
from dayfill.domain.secret import Secret
from dayfill.domain.source_settings import values_of, zone_of
from dayfill.domain.transfer import Account, SourceSetting, Table
from dayfill.engine.configs import source_config
from dayfill.errors import ConnectorError
from dayfill.secrets import Keyring, safe
from dayfill.sources import Source, SourceConfig
from dayfill.sources.types import data_type
from dayfill.store import transfers
from dayfill.store.db import Reader

MOST_TABLES = 10
"""Of one transfer that are asked for; tables that the source decides count as one, for it is asked the same."""

log = structlog.get_logger(__name__)


_ANY_TABLE = Table("checked")


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
    return await _columns(source, config, _ANY_TABLE)


async def test(db: Reader, keyring: Keyring, transfer_id: int, reach: Reach) -> str | None:
    """Why the source of a transfer cannot be read now, or None; outside any transaction, for it may take long.

    reach: of the transfer's team. The doors let it be made by `Trials`.
    """
    job = await transfers.job(db, transfer_id)
    try:
        config = source_config(job.source, keyring.open, reach)
    except ConnectorError as error:
        return safe(error.message, MESSAGE_LENGTH)
    alike = {replace(table, name=_ANY_TABLE.name): None for table in job.tables}
    for table in list(alike)[:MOST_TABLES]:
        if problem := (await _columns(sources.get(job.source.kind), config, table)).problem:
            return problem
    return None


async def _columns(source: Source, config: SourceConfig, table: Table) -> Seen:
    try:
        schema = await asyncio.to_thread(source.schema, config, table)
    except ConnectorError as error:
        return Seen(problem=safe(error.message, MESSAGE_LENGTH))
    except Exception as error:
        log.exception("source_check_failed", kind=source.kind)
        return Seen(
            problem=f"Unexpected {type(error).__name__} while the source was read; the server's log has the trace."
        )
    return Seen([(column.name, data_type(column.type)) for column in schema])
