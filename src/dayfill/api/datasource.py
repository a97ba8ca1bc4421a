"""What there is to know of one data source: what it can do, and which settings its transfers have."""

from __future__ import annotations

import msgspec

from dayfill.api.wire import Answer, Call
from dayfill.domain.transfer import Value
from dayfill.engine import sources
from dayfill.errors import Missing

ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' stroke='%23456' "
    "stroke-width='2'%3E%3Cpath d='M4 20V10M10 20V4M16 20v-8M22 20H2'/%3E%3C/svg%3E"
).replace(" ", "%20")
"""One drawing of a chart for every source, inside the URL: pages need no other server for it."""


class Option(msgspec.Struct):
    option_id: str
    label: str


class SettingView(msgspec.Struct):
    """A setting of the source's transfers; ``default_value`` is a text, whatever the value is."""

    setting_id: str
    type: str
    label: str
    help_text: str | None
    default_value: str | None
    options: list[Option]
    is_value_required: bool
    context: str = "reportConfiguration"


class AccountLabels(msgspec.Struct):
    singular: str = "account"
    plural: str = "accounts"


class Details(msgspec.Struct):
    """A data source. Every source is read day by day, none has segments or report types, none asks for a sign-in."""

    id: str
    name: str
    description: str
    categories: list[str]
    has_account_list: bool
    account_labels: AccountLabels | None
    common_settings: list[SettingView]
    marketing_name: str | None = None
    logo_url: str = ICON
    products: tuple[str, ...] = ("API", "DWH")
    status: str = "Released"
    tags: tuple[str, ...] = ()
    is_premium: bool = False
    is_authentication_required: bool = False
    has_fields: bool = True
    has_segments: bool = False
    has_report_type_selection: bool = False
    is_date_range_required: bool = True
    is_custom_data_import: bool = False
    min_metrics: int | None = None
    max_metrics: int | None = None
    min_dimensions: int | None = None
    max_dimensions: int | None = None
    report_type_header_label: str = ""
    report_types: tuple[str, ...] = ()


async def get(call: Call) -> Answer:
    source = sources.find(call.texts["data_source_id"])
    if source is None:
        raise Missing("There is no such data source; list the available sources.")
    details = Details(
        id=source.kind,
        name=source.title,
        description=source.description,
        categories=[source.category],
        has_account_list=source.lists_accounts,
        account_labels=AccountLabels() if source.lists_accounts else None,
        common_settings=[_setting(setting) for setting in sources.settings_of(source)],
    )
    return Answer(200, details)


def _setting(setting: sources.Setting) -> SettingView:
    return SettingView(
        setting.setting_id,
        setting.input_type,
        setting.label,
        setting.help_text or None,
        _text(setting.default),
        [Option(option, option) for option in setting.options],
        setting.is_required,
    )


def _text(value: Value) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)
