"""Checks a transfer's configuration without storing it; an invalid one is a 200 that names each fault."""

from __future__ import annotations

from typing import Any

import msgspec

from dayfill.api import configurations, transfers
from dayfill.api.configurations import TransferBody
from dayfill.api.wire import Answer, Call
from dayfill.domain.problem import Problem
from dayfill.engine import transfers as verbs

_FIELDS = {field.name: field for field in msgspec.structs.fields(TransferBody)}


class Fault(msgspec.Struct):
    field_id: str
    error_code: str


class Verdict(msgspec.Struct):
    is_valid: bool
    errors: list[Fault]


async def create(call: Call) -> Answer:
    """Would this configuration do for a new transfer?"""
    return await _judge(call, None)


async def update(call: Call) -> Answer:
    """Would this configuration do in place of the transfer's?"""
    transfer = await transfers.read(call, call.server.db)
    return await _judge(call, transfer.transfer_id)


async def _judge(call: Call, transfer_id: int | None) -> Answer:
    document = call.decode(dict[str, Any])
    found = _shape_problems(document)
    if not found:
        configuration, found = configurations.read(call.decode(TransferBody))
        found += await verbs.check(call.server.db, call.team_id, configuration, transfer_id)
    verdict = Verdict(not found, [Fault(problem.field_id, problem.error_code) for problem in found])
    return Answer(200, verdict, wrapped=False)


def _shape_problems(document: dict[str, Any]) -> list[Problem]:
    """What makes the body no configuration at all: on the other routes this is a 400."""
    found = [Problem(name[:100], "notAllowed", "") for name in document if name not in _FIELDS]
    for name, field in _FIELDS.items():
        if name not in document:
            if field.required:
                found.append(Problem(name, "isEmpty", ""))
            continue
        try:
            msgspec.convert(document[name], field.type)
        except msgspec.ValidationError:
            found.append(Problem(name, "isInvalid", ""))
    return found
