"""What a new transfer can be made of: kinds of sources and destinations, and the choices for a pair of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from dayfill.api import destination_types, logins
from dayfill.api.accounts import MOST_LOGINS
from dayfill.api.configurations import License
from dayfill.api.datasource import ICON
from dayfill.api.destination_types import DestinationType
from dayfill.api.parameters import integer
from dayfill.api.wire import Answer, Call
from dayfill.domain.connection import Connection
from dayfill.domain.ids import LARGEST_SHORT_ID
from dayfill.domain.schedule import Interval
from dayfill.domain.transfer import Value
from dayfill.domain.validation import MAX_REFRESH_WINDOW
from dayfill.engine import accounts, sources
from dayfill.engine import destinations as destination_kinds
from dayfill.errors import Malformed, Missing
from dayfill.store import connections, destinations, table_groups


class SourceItem(msgspec.Struct):
    data_source_id: str
    service_name: str
    applicable_destinations: list[str]
    service_provider: str | None = None
    logo_url: str = ICON
    has_custom_fields: bool = False
    is_custom_connector: bool = False
    is_public_beta: bool = False
    is_released: bool = True
    is_internal: bool = False


class DestinationItem(msgspec.Struct):
    destination_id: int
    destination_name: str
    destination_type: str
    destination_label: str
    destination_icon_url: str = destination_types.ICON
    is_internal: bool = False
    details: list[dict[str, str]] = []


class Available(msgspec.Struct):
    data_sources: list[SourceItem]
    destinations: list[DestinationItem]
    destination_types: list[DestinationType]


class SettingView(msgspec.Struct):
    field_id: str
    label: str
    input_type: str
    is_required: bool
    help_text: str
    options: list[dict[str, str]]
    default_value: Value


class SourceView(msgspec.Struct):
    data_source_id: str
    service_name: str
    settings: list[SettingView]


class ScheduleOption(msgspec.Struct):
    run_interval: str
    min_refresh_window: int = 1
    max_refresh_window: int = MAX_REFRESH_WINDOW


class SchemaItem(msgspec.Struct):
    schema_id: int
    name: str


class LoginItem(msgspec.Struct):
    login_id: int
    username: str
    display_name: str


class AccountItem(msgspec.Struct):
    account_id: str
    name: str
    login_id: int


class Options(msgspec.Struct):
    """Logins are those in force, newest first. No source has segments so far."""

    data_source: SourceView
    schedule_options: list[ScheduleOption]
    schemas: list[SchemaItem]
    license: License
    logins: list[LoginItem]
    accounts: list[AccountItem]
    segments: list[dict[str, str]] = []


async def available(call: Call) -> Answer:
    kinds = destination_kinds.all_kinds()
    types = [kind.kind for kind in kinds]
    found = Available(
        [SourceItem(source.kind, source.title, types) for source in sources.all_kinds()],
        [
            DestinationItem(
                one.destination_id,
                one.display_name,
                one.destination_type,
                destination_kinds.kind_of(one.destination_type).title,
            )
            for one in await destinations.list_all(call.server.db, call.team_id)
        ],
        [destination_types.view(call, kind) for kind in kinds],
    )
    return Answer(200, found, wrapped=False)


async def options(call: Call) -> Answer:
    source_id = call.query.get("source_id")
    if not source_id:
        raise Malformed("The query parameter source_id is missing. Send the id of a data source, such as FILES.")
    destination_id = integer(call, "destination_id", lowest=1, highest=LARGEST_SHORT_ID)
    source = sources.find(source_id)
    if source is None:
        raise Missing("There is no such data source; list the available sources.")
    if await destinations.get(call.server.db, call.team_id, destination_id) is None:
        raise Missing("Destination not found; list those of the team.")
    groups = await table_groups.list_all(call.server.db, call.team_id)
    usable = await connections.in_force(call.server.db, call.team_id, source_id, MOST_LOGINS)
    found = Options(
        SourceView(source.kind, source.title, [_setting(setting) for setting in sources.settings_of(source)]),
        [ScheduleOption(interval.value) for interval in Interval],
        [SchemaItem(group.schema_id, group.name) for group in groups if group.data_source_id == source_id],
        License(),
        [LoginItem(one.connection_id, one.username, logins.name_of(one)) for one in usable],
        await _accounts(call, usable),
    )
    return Answer(200, found, wrapped=False)


async def _accounts(call: Call, usable: Sequence[Connection]) -> list[AccountItem]:
    """What each of the logins reaches.

    Raises:
        Refused, Busy: a source does not list the accounts of its login.
    """
    reached = await asyncio.gather(
        *(accounts.of_login(call.server.keyring, login, call.server.reaches.of(login.team_id)) for login in usable)
    )
    return [
        AccountItem(account.account_id, account.name, login.connection_id)
        for login, found in zip(usable, reached, strict=True)
        for account in found
    ]


def _setting(setting: sources.Setting) -> SettingView:
    return SettingView(
        setting.setting_id,
        setting.label,
        setting.input_type,
        setting.is_required,
        setting.help_text,
        [{"value": option, "label": option} for option in setting.options],
        setting.default,
    )
