"""Changes in one transaction: with their row in the audit log, and the Idempotency-Key that lets none happen twice."""

from __future__ import annotations

import hashlib

import msgspec

from dayfill.api.wire import Answer, Call, Route
from dayfill.domain.audit import Act
from dayfill.engine import audit
from dayfill.errors import Malformed, Refused
from dayfill.store import idempotency
from dayfill.store.db import Reader
from dayfill.store.idempotency import KeptAnswer, Place

LONGEST_KEY = 255


class _Kept(msgspec.Struct):
    """The part of an answer that is kept; the envelope is made anew, so its request_id is that of the request."""

    data: msgspec.Raw
    wrapped: bool
    meta: dict[str, object]


async def change(route: Route, call: Call, path: str) -> Answer:
    """Run a writing handler in its own transaction, once per Idempotency-Key.

    The kept answer and the row of the audit log are written in the transaction of the change: there is none without
    the others. A replay changes nothing, so it leaves no row.

    Raises:
        Refused: the key was used with another body. RuntimeError: the handler does not say what it has done.
    """
    server, place = call.server, _place(route, call, path)
    async with server.db.write() as tx:
        if place and (kept := await _replay(tx, call, place)):
            return kept
        answer = await route.handler(call, tx)
        act = _act(route, answer)
        await audit.record(tx, call.actor, act.team_id or call.team_id, act, server.seams.now())
        if place:
            await idempotency.keep(tx, place, _kept(call, answer), server.seams.now())
    server.changed()
    server.seams.failpoint("answer")
    return answer


async def attempt(route: Route, call: Call, path: str) -> Answer:
    """Run a handler that changes nothing, outside of any transaction; if it reaches out of the server, tell so.

    A repeat by Idempotency-Key reaches nowhere and leaves no row. Of equal attempts at once each leaves its row, for
    each was made, and all hear the answer of the first one to end.

    Raises:
        Refused, RuntimeError: see `change`.
    """
    server, place = call.server, _place(route, call, path)
    if place and (kept := await _replay(server.db, call, place)):
        return kept
    answer = await route.handler(call)
    if route.tries:
        await note(call, _act(route, answer))
    if place is None:
        return answer
    async with server.db.write() as tx:
        if kept := await _replay(tx, call, place):
            return kept
        await idempotency.keep(tx, place, _kept(call, answer), server.seams.now())
    return answer


def _act(route: Route, answer: Answer) -> Act:
    if answer.act is None:
        raise RuntimeError(f"{route.method} {route.path} does something and does not say what in Answer.act.")
    return answer.act


async def note(call: Call, act: Act) -> None:
    """Write down what left the state as it is: a test of a destination, a refused attempt."""
    async with call.server.db.write() as tx:
        await audit.record(tx, call.actor, call.team_id, act, call.server.seams.now())


def _place(route: Route, call: Call, path: str) -> Place | None:
    key = call.headers.get("idempotency-key")
    if key is None:
        return None
    if not 0 < len(key) <= LONGEST_KEY:
        raise Malformed(
            f"The header Idempotency-Key must have 1 to {LONGEST_KEY} characters. Send another, such as a UUID."
        )
    # Whoever has left a team must not be told again what was made there; a path may not name it.
    place = path if "{team_id}" in route.path else f"{path} team {call.team_id}"
    return Place(call.caller.user_id, route.method, place, key)


async def _replay(db: Reader, call: Call, place: Place) -> Answer | None:
    kept = await idempotency.find(db, place, call.server.seams.now())
    if kept is None:
        return None
    if kept.body_hash not in (_hash(call), hashlib.sha256(call.body).digest()):  # the latter by older versions
        raise Refused(
            "This Idempotency-Key was used with another body; send a new key, or the same body.",
            code="IDEMPOTENCY_KEY_REUSED",
        )
    answer = msgspec.json.decode(kept.answer, type=_Kept)
    headers = {**msgspec.json.decode(kept.headers, type=dict[str, str]), "Idempotent-Replayed": "true"}
    return Answer(kept.status, answer.data, answer.wrapped, headers, answer.meta)


def _kept(call: Call, answer: Answer) -> KeptAnswer:
    encode = msgspec.json.encode
    data = answer.data if answer.kept is None else answer.kept
    content = encode({"data": data, "wrapped": answer.wrapped, "meta": answer.meta})
    return KeptAnswer(_hash(call), answer.status, content, encode(answer.headers).decode())


def _hash(call: Call) -> bytes:
    """Keyed: a body may hold a password, which whoever has the state alone could otherwise find by trying."""
    return call.server.keyring.fingerprint(call.body)
