"""Table groups of the vendor's contract: list, export, import."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from dayfill.api.bodies import MAX_BODY_BYTES
from dayfill.api.wire import Answer, Call
from dayfill.domain.audit import Act
from dayfill.domain.table_group import snake
from dayfill.domain.transfer import Field, Partition, Table, TableGroup
from dayfill.engine import audited
from dayfill.engine import table_groups as verbs
from dayfill.errors import Missing, Refused
from dayfill.store import table_groups
from dayfill.store.db import Tx

MOST = 1_000
"""Table groups in one list."""
MOST_FIELDS = 10_000
"""In one table group, each counted once."""


class Enclosure(msgspec.Struct):
    href: str


class Links(msgspec.Struct):
    enclosure: Enclosure


class GroupItem(msgspec.Struct):
    group_id: str
    schema_id: int
    name: str
    links: Links
    kind: str = msgspec.field(default="table_group", name="@type")


class GroupHead(msgspec.Struct):
    """What an export says of the group itself; in an import the group_id is ignored."""

    group_name: str
    ds_id: str
    table_prefix: str = ""
    group_id: str | UnsetType = UNSET


class TableView(msgspec.Struct):
    """A table, without the prefix in its name; fields are ids, none of them means that the source decides."""

    table_name: str
    table_partition: str = Partition.DATE.value
    report_type: str | UnsetType | None = UNSET
    fields: list[str] = []


class FieldView(msgspec.Struct):
    """A column; without a target_name it takes the lower_snake form of its id."""

    field_id: str
    data_type: str
    field_name: str = ""
    display_name: str = ""
    target_name: str = ""


class Description(msgspec.Struct):
    """A table group as it travels between installations."""

    version: int
    group: GroupHead
    tables: list[TableView] = []
    fields: list[FieldView] = []


async def list_(call: Call) -> Answer:
    """Those of every team of the caller: the path names none."""
    db = call.server.db
    found = [group for team_id in call.teams for group in await table_groups.list_all(db, team_id)]
    return Answer(200, [_item(call, group) for group in found[:MOST]])


async def export(call: Call) -> Answer:
    group = await _read(call)
    version = call.query.get("version", str(verbs.VERSION))
    if version != str(verbs.VERSION):
        raise Refused(
            f"Exports have version {verbs.VERSION}, not {version[:20]!r}: leave it out.", code="IMPORT_VERSION_INVALID"
        )
    return Answer(200, _description(group), wrapped=False)


async def import_(call: Call, tx: Tx) -> Answer:
    body = call.decode(Description)
    head = body.group
    group = await verbs.import_(
        tx,
        call.server.seams,
        call.team_id,
        body.version,
        head.ds_id,
        head.group_name,
        head.table_prefix,
        _tables(body),
    )
    _refuse_what_no_import_takes(group)
    act = Act("table_group.import", group.schema_id, after=audited.table_group(group))
    return Answer(201, _item(call, group), act=act)


def _refuse_what_no_import_takes(group: TableGroup) -> None:
    """An export names all keys and so may be longer than what was imported; it must be importable all the same.

    Raises:
        Refused: a table group that is too large for that.
    """
    described = _description(group)
    if len(described.fields) > MOST_FIELDS:
        text = f"There are {len(described.fields):,} fields; {MOST_FIELDS:,} are allowed: make several groups of them."
        raise Refused(text, code="IMPORT_FIELDS_INVALID")
    size = len(msgspec.json.encode(described))
    if size > MAX_BODY_BYTES:
        text = (
            f"An export of this table group would have {size:,} bytes, and no request may have more than "
            f"{MAX_BODY_BYTES:,}: make several groups of it."
        )
        raise Refused(text, code="IMPORT_TOO_LARGE")


async def _read(call: Call) -> TableGroup:
    for team_id in call.teams:
        group = await table_groups.get(call.server.db, team_id, call.path["group_id"])
        if group is not None:
            return group
    raise Missing("Table group not found; list those of the team.", code="TABLE_GROUP_NOT_FOUND")


def _item(call: Call, group: TableGroup) -> GroupItem:
    href = f"{call.base_url}/table/group/tg_{group.schema_id}/export?version={verbs.VERSION}"
    return GroupItem(f"tg_{group.schema_id}", group.schema_id, group.name, Links(Enclosure(href)))


def _description(group: TableGroup) -> Description:
    fields = {field.field_id: field for table in group.tables for field in table.fields}
    return Description(
        verbs.VERSION,
        GroupHead(group.name, group.data_source_id, group.table_prefix, f"tg_{group.schema_id}"),
        [
            TableView(
                table.name.removeprefix(group.table_prefix),
                table.partition.value,
                table.report_type or UNSET,
                [field.field_id for field in table.fields],
            )
            for table in group.tables
        ],
        [
            FieldView(one.field_id, one.data_type, one.field_name, one.display_name, one.target_name)
            for one in fields.values()
        ],
    )


def _tables(body: Description) -> list[Table]:
    """The tables of a description.

    Raises:
        Refused: a field that is described twice or not at all, a partition that there is not.
    """
    fields: dict[str, Field] = {}
    for view in body.fields:
        if view.field_id in fields:
            raise Refused(
                f"Field {view.field_id[:100]!r} is described twice; describe it once.", code="IMPORT_FIELD_DUPLICATE"
            )
        target = view.target_name or snake(view.field_id)
        fields[view.field_id] = Field(
            view.field_id, target, view.data_type.strip().upper(), view.field_name, view.display_name
        )
    return [_table(table, fields) for table in body.tables]


def _table(view: TableView, fields: dict[str, Field]) -> Table:
    unknown = [field_id for field_id in view.fields if field_id not in fields]
    if unknown:
        text = f"Table {view.table_name[:80]!r} needs {unknown[0][:100]!r} under fields: describe it there."
        raise Refused(text, code="IMPORT_FIELD_UNKNOWN")
    if view.table_partition not in list(Partition):
        given = view.table_partition[:20]
        text = f"Table {view.table_name[:80]!r} has table_partition {given!r}; it must be date or none."
        raise Refused(text, code="SCHEMA_TABLE_PARTITION_INVALID")
    picked = tuple(fields[field_id] for field_id in view.fields)
    return Table(view.table_name, picked, Partition(view.table_partition), view.report_type or None)
