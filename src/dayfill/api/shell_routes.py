"""The routes of what dayfill does not offer. They need no scope, for the closed list of scopes has none for them."""

from __future__ import annotations

from dayfill.api import shells
from dayfill.api.wire import Handler, Route
from dayfill.domain.access import Permission

TEAM = "/teams/{team_id}"
FIELDS = TEAM + "/custom-fields"
BLENDS = TEAM + "/data-blending/blends"
TAGS = TEAM + "/account_tags"
CONNECTORS = TEAM + "/connector_builder/connectors"
CONNECTOR = CONNECTORS + "/{connector_identifier}"


def _reads(*routes: tuple[str, Handler]) -> tuple[Route, ...]:
    return tuple(Route("GET", path, handler, None, Permission.TEAM_VIEW) for path, handler in routes)


def _changes(what: str, *routes: tuple[str, str]) -> tuple[Route, ...]:
    handler = shells.change(what)
    return tuple(Route(method, path, handler, None, Permission.TRANSFER_EDIT) for method, path in routes)


SHELLS: tuple[Route, ...] = (
    *_reads(
        (FIELDS, shells.custom_fields),
        (FIELDS + "/metadata", shells.custom_field_metadata),
        (FIELDS + "/{custom_field_id}", shells.one),
        (BLENDS, shells.items),
        (BLENDS + "/{blend_id}", shells.one),
        (TAGS, shells.items),
        (TAGS + "/{tag_name}", shells.one),
        (CONNECTORS, shells.connectors),
        (CONNECTOR, shells.one),
        (CONNECTOR + "/logo", shells.one),
        (CONNECTOR + "/secrets", shells.one),
        (CONNECTOR + "/logs", shells.one),
        (CONNECTOR + "/logs/{log_id}", shells.one),
    ),
    *_changes(
        "custom fields",
        ("POST", FIELDS),
        ("PUT", FIELDS + "/{custom_field_id}"),
        ("DELETE", FIELDS + "/{custom_field_id}"),
    ),
    *_changes(
        "data blending",
        ("POST", BLENDS),
        ("PUT", BLENDS + "/{blend_id}"),
        ("DELETE", BLENDS + "/{blend_id}"),
    ),
    *_changes(
        "account tags",
        ("POST", TAGS),
        ("PUT", TAGS + "/{tag_name}"),
        ("DELETE", TAGS + "/{tag_name}"),
        ("PATCH", TAGS + "/{tag_name}/add"),
        ("PATCH", TAGS + "/{tag_name}/remove"),
    ),
    *_changes(
        "connector builder",
        ("POST", CONNECTORS),
        ("PUT", CONNECTOR),
        ("DELETE", CONNECTOR),
        ("POST", CONNECTOR + "/logo"),
        ("POST", CONNECTOR + "/secrets"),
        ("PUT", CONNECTOR + "/secrets/{secret_placeholder}"),
        ("DELETE", CONNECTOR + "/secrets/{secret_placeholder}"),
    ),
)
