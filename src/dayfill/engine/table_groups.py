"""What can be done with a table group: create it, or import it from an exported description."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dayfill.domain import table_group as rules
from dayfill.domain.transfer import Table, TableGroup
from dayfill.engine import sources
from dayfill.errors import Refused
from dayfill.seams import Seams
from dayfill.store import table_groups
from dayfill.store.db import Tx

VERSION = 1
"""The version of exported descriptions that this server writes and reads."""


async def create(
    tx: Tx, seams: Seams, team_id: int, data_source_id: str, name: str, table_prefix: str, tables: Sequence[Table]
) -> TableGroup:
    """A new table group; ``tables`` are named without the prefix, and names are kept as they are.

    Raises:
        Refused: an unknown source, a name in use, or names and types that no destination could carry.
    """
    sources.known(data_source_id, code="SCHEMA_SOURCE_INVALID")
    named = tuple(replace(table, name=table_prefix + table.name) for table in tables)
    for code, text in rules.faults(name, table_prefix, named):
        raise Refused(text, code=code)
    if await table_groups.named(tx, team_id, name) is not None:
        text = f"This team already has a table group named {name!r}; choose another name."
        raise Refused(text, code="SCHEMA_NAME_DUPLICATE")
    schema_id = await table_groups.insert(tx, team_id, data_source_id, name, table_prefix, named, seams.now())
    return TableGroup(schema_id, team_id, data_source_id, name, table_prefix, named)


async def create_beside(
    tx: Tx, seams: Seams, team_id: int, data_source_id: str, name: str, tables: Sequence[Table]
) -> TableGroup:
    """A new table group for a transfer of this name, by the first free one of the names that it may have.

    Raises:
        Refused: see `create`; all of many names are in use.
    """
    for free in rules.names_beside(name):
        if await table_groups.named(tx, team_id, free) is None:
            break
    return await create(tx, seams, team_id, data_source_id, free, "", tables)


async def import_(
    tx: Tx,
    seams: Seams,
    team_id: int,
    version: int,
    data_source_id: str,
    name: str,
    table_prefix: str,
    tables: Sequence[Table],
) -> TableGroup:
    """A new table group from an exported description; prefix and table names become UPPER_SNAKE.

    Raises:
        Refused: see `create`; also a description of another version.
    """
    if version != VERSION:
        raise Refused(
            f"The description has version {version}; known is {VERSION}: send a description of that.",
            code="IMPORT_VERSION_INVALID",
        )
    formed = [replace(table, name=rules.table_name(table.name)) for table in tables]
    return await create(tx, seams, team_id, data_source_id, name.strip(), rules.prefix(table_prefix), formed)
