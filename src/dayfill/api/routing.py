"""Finds the route of a path: a tree of segments, literal before id, so the cost does not grow with the table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from dayfill.api.wire import Route
from dayfill.domain.ids import LARGEST_ID
from dayfill.errors import Missing

TEAM = "/teams/{team_id}"
MOUNTS = ("", "/v1", "/v2", "/enterprise/v2", "/v1/v1")
"""Prefixes under which clients expect the vendor's routes."""
_ENDS = {tuple(mount.split("/")[1:]): mount.count("/") + 1 for mount in MOUNTS}
_STARTS = frozenset(mount.split("/")[1] for mount in MOUNTS if mount)
ROOT_ONLY = "x"
"""First segment of the extension, which is at the root alone."""

TEXTS = frozenset(
    {
        *("data_source_id", "link_id", "custom_field_id", "blend_id", "tag_name"),
        *("connector_identifier", "log_id", "secret_placeholder", "api_key_id"),
    }
)
"""Ids that are not numbers, or of objects that never exist; they are only compared, so any text is allowed."""

_NUMBER = re.compile(r"[1-9][0-9]{0,18}")


@dataclass(slots=True)
class Node:
    literals: dict[str, Node] = field(default_factory=dict)
    parameter: Node | None = None
    routes: dict[str, Route] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    template: str = ""


class Match(NamedTuple):
    """Routes by method at one path, with the texts of its ids. template: their path in the table."""

    routes: Mapping[str, Route]
    template: str
    names: tuple[str, ...]
    values: tuple[str, ...]
    mount: str
    path: str

    def ids(self) -> dict[str, int]:
        """The ids of the path that are numbers.

        Raises:
            Missing: a text that cannot be an id, so that no such object can exist.
        """
        found = zip(self.names, self.values, strict=True)
        return {name: identifier(name, value) for name, value in found if name not in TEXTS}

    def texts(self) -> dict[str, str]:
        """The ids of the path that are texts; mostly there are none."""
        if TEXTS.isdisjoint(self.names):
            return {}
        found = zip(self.names, self.values, strict=True)
        return {name: value for name, value in found if name in TEXTS}


def identifier(name: str, text: str) -> int:
    # group_id is the one id that the contract writes with a prefix: tg_<schema_id>.
    digits = text.removeprefix("tg_") if name == "group_id" else text
    if _NUMBER.fullmatch(digits):
        number = int(digits)
        if number <= LARGEST_ID and (name != "group_id" or text != digits):
            return number
    raise Missing(f"There is nothing at this path: {text[:50]!r} is not a {name}; a list gives one.")


def tree(routes: Iterable[Route]) -> Node:
    """The tree of a route table.

    Raises:
        ValueError: two routes for one method and path, or one place with two names for its id.
    """
    root = Node()
    for route in routes:
        node, names = root, []
        for segment in route.path.split("/")[1:]:
            if segment.startswith("{"):
                names.append(segment[1:-1])
                node.parameter = node = node.parameter or Node()
            else:
                node = node.literals.setdefault(segment, Node())
        if route.method in node.routes or (node.names and node.names != tuple(names)):
            raise ValueError(f"{route.method} {route.path} is in the table twice")
        node.names, node.template = tuple(names), route.path
        node.routes[route.method] = route
    return root


def find(root: Node, path: str) -> Match | None:
    """The routes at a path, its mount stripped once; None if there are none."""
    segments = path.split("/")
    if path[:1] != "/":
        return None  # a target without its first slash, which some servers hand over as it came
    mount_end = _mount_end(segments)
    if mount_end > 1 and len(segments) > mount_end and segments[mount_end] == ROOT_ONLY:
        return None
    node, values = root, []
    for segment in segments[mount_end:]:
        following = node.literals.get(segment)
        if following is None:
            following = node.parameter
            if following is None or not segment:
                return None
            values.append(segment)
        node = following
    if not node.routes:
        return None
    mount = "/".join(segments[:mount_end])
    return Match(node.routes, node.template, node.names, tuple(values), mount, path[len(mount) :])


def _mount_end(segments: list[str]) -> int:
    """How many segments belong to the mount, the empty one before the first slash included."""
    if segments[1] not in _STARTS:
        return 1
    return _ENDS.get(tuple(segments[1:3])) or _ENDS.get(tuple(segments[1:2]), 1)
