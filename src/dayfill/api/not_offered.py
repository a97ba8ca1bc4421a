"""What the vendor offers and dayfill does not: lists are empty, no object is found, and a change says so (501)."""

from __future__ import annotations

from dayfill.api.parameters import flag
from dayfill.api.wire import Answer, Call, Handler
from dayfill.errors import Missing, NotOffered

_NO_LINKS: dict[str, None] = {"first": None, "prev": None, "next": None, "last": None}


async def custom_fields(call: Call) -> Answer:
    """An empty page; the total is told only to who asks for it."""
    pagination: dict[str, object] = {"links": _NO_LINKS}
    if flag(call, "include_total_count"):
        pagination["total_count"] = 0
    return Answer(200, {"items": []}, meta={"pagination": pagination})


async def custom_field_metadata(call: Call) -> Answer:
    return Answer(200, {"rules": {}, "functions": {"items": []}, "field_data_types": []})


async def items(call: Call) -> Answer:
    """Blends and account tags: an object with a list, not a list."""
    return Answer(200, {"items": []})


async def connectors(call: Call) -> Answer:
    flag(call, "include_configs")
    return Answer(200, {"count": 0, "connectors": []}, wrapped=False)


async def one(call: Call) -> Answer:
    """Any object.

    Raises:
        Missing: always.
    """
    raise Missing("There is no such object, for dayfill keeps none of its kind: use their empty list.")


def change(what: str) -> Handler:
    """A handler for every change of these."""

    async def refuse(call: Call) -> Answer:
        raise NotOffered(f"dayfill has no {what}; nothing was changed. Go on without.")

    return refuse
