"""How a kind of destination and its fields look on the wire, empty or filled in."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import UNSET, UnsetType

from dayfill.api.wire import Call
from dayfill.domain.destination import AUTH_METHOD
from dayfill.domain.transfer import Value
from dayfill.engine.destinations import Kind, KindField

ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' stroke='%23456' "
    "stroke-width='2'%3E%3Cellipse cx='12' cy='5' rx='8' ry='3'/%3E%3Cpath d='M4 5v14c0 4 16 4 16 0V5M4 12c0 4 16 4 "
    "16 0'/%3E%3C/svg%3E"
).replace(" ", "%20")
"""One drawing of a database for every kind, inside the URL: pages need no other server for it."""


class SetupSetting(msgspec.Struct, omit_defaults=True):
    id: str
    input_type: str
    is_required: bool
    label: str | UnsetType = UNSET
    value: Value | UnsetType = UNSET
    help_text: str | UnsetType = UNSET
    note: str | UnsetType = UNSET


class AuthMethod(msgspec.Struct):
    id: str
    title: str
    fields: list[SetupSetting]
    new_secret_field: SetupSetting
    is_default: bool


class DestinationType(msgspec.Struct):
    type: str
    title: str
    icon_url: str
    connection_check_url: str
    create_url: str
    update_url_template: str
    is_internal: bool
    settings: list[SetupSetting]
    auth_methods: list[AuthMethod]


def view(call: Call, kind: Kind) -> DestinationType:
    """A kind of destination as an empty form."""
    place = f"{call.base_url}/teams/{call.team_id}/destinations"
    return DestinationType(
        type=kind.kind,
        title=kind.title,
        icon_url=ICON,
        connection_check_url=f"{place}/test-connection",
        create_url=place,
        update_url_template=f"{place}/{{id}}",
        is_internal=False,
        settings=[_setting(field) for field in kind.fields],
        auth_methods=_auth_methods(kind),
    )


def filled_in(kind: Kind, fields: Mapping[str, Value], has_secrets: bool) -> list[SetupSetting]:
    """The form of one destination; the value of a secret is null, whatever is stored."""
    settings = []
    for field in kind.fields:
        setting = _setting(field)
        setting.value = None if field.is_secret else fields.get(field.field_id)
        if field.is_secret and has_secrets:
            setting.is_required = False
            setting.note = f"Stored and never shown; send new_{field.field_id} to replace it."
        settings.append(setting)
    return settings


def _setting(field: KindField) -> SetupSetting:
    shown_as = "password" if field.is_secret else "textarea" if field.is_long else "text"
    setting = SetupSetting(field.field_id, shown_as, field.is_required, field.label)
    if field.help_text:
        setting.help_text = field.help_text
    return setting


def _auth_methods(kind: Kind) -> list[AuthMethod]:
    secrets = [field for field in kind.fields if field.is_secret]
    if not secrets:
        return []
    first = secrets[0]
    new = SetupSetting(f"new_{first.field_id}", "password", False, f"New {first.label}")
    return [AuthMethod(AUTH_METHOD, "With stored secrets", [_setting(field) for field in secrets], new, True)]
