"""The routes of what dayfill does not offer. They need no scope, for the closed list of scopes has none for them."""

from __future__ import annotations

from dayfill.api import not_offered
from dayfill.api.routing import TEAM
from dayfill.api.wire import Handler, Route
from dayfill.domain.access import Permission

FIELDS = TEAM + "/custom-fields"
BLENDS = TEAM + "/data-blending/blends"
TAGS = TEAM + "/account_tags"
CONNECTORS = TEAM + "/connector_builder/connectors"
CONNECTOR = CONNECTORS + "/{connector_identifier}"


def _reads(*routes: tuple[str, Handler]) -> tuple[Route, ...]:
    return tuple(Route("GET", path, handler, None, Permission.TEAM_VIEW) for path, handler in routes)


def _changes(what: str, *routes: tuple[str, str]) -> tuple[Route, ...]:
    handler = not_offered.change(what)
    return tuple(Route(method, path, handler, None, Permission.TRANSFER_EDIT) for method, path in routes)


NOT_OFFERED: tuple[Route, ...] = (
    *_reads(
        (FIELDS, not_offered.custom_fields),
        (FIELDS + "/metadata", not_offered.custom_field_metadata),
        (FIELDS + "/{custom_field_id}", not_offered.one),
        (BLENDS, not_offered.items),
        (BLENDS + "/{blend_id}", not_offered.one),
        (TAGS, not_offered.items),
        (TAGS + "/{tag_name}", not_offered.one),
        (CONNECTORS, not_offered.connectors),
        (CONNECTOR, not_offered.one),
        (CONNECTOR + "/logo", not_offered.one),
        (CONNECTOR + "/secrets", not_offered.one),
        (CONNECTOR + "/logs", not_offered.one),
        (CONNECTOR + "/logs/{log_id}", not_offered.one),
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
