"""Changes in one transaction, and the Idempotency-Key that makes a repeated request change nothing."""

from __future__ import annotations

import hashlib

import msgspec

from dayfill.api.wire import Answer, Call, Route
from dayfill.errors import Malformed, Refused
from dayfill.store import idempotency
from dayfill.store.db import Tx
from dayfill.store.idempotency import KeptAnswer, Place

LONGEST_KEY = 255


class _Kept(msgspec.Struct):
    """The part of an answer that is kept; the envelope is made anew, so its request_id is that of the request."""

    data: msgspec.Raw
    wrapped: bool
    meta: dict[str, object]


async def change(route: Route, call: Call, path: str) -> Answer:
    """Run a writing handler in its own transaction, once per Idempotency-Key.

    The kept answer is written in the transaction of the change: there is none without the other.

    Raises:
        Refused: the key was used with another body.
    """
    server, place = call.server, _place(route, call, path)
    async with server.db.write() as tx:
        if place and (kept := await _replay(tx, call, place)):
            return kept
        answer = await route.handler(call, tx)
        if place:
            await idempotency.keep(tx, place, _kept(call, answer), server.seams.now())
    server.changed()
    server.seams.failpoint("answer")
    return answer


def _place(route: Route, call: Call, path: str) -> Place | None:
    key = call.headers.get("idempotency-key")
    if key is None or route.method == "DELETE":
        return None
    if not 0 < len(key) <= LONGEST_KEY:
        raise Malformed(f"Idempotency-Key must have 1 to {LONGEST_KEY} characters.")
    return Place(call.caller.user_id, route.method, path, key)


async def _replay(tx: Tx, call: Call, place: Place) -> Answer | None:
    kept = await idempotency.find(tx, place, call.server.seams.now())
    if kept is None:
        return None
    if kept.body_hash != _hash(call.body):
        raise Refused(
            "This Idempotency-Key was used with another body; send a new key, or the same body.",
            code="IDEMPOTENCY_KEY_REUSED",
        )
    answer = msgspec.json.decode(kept.answer, type=_Kept)
    headers = {**msgspec.json.decode(kept.headers, type=dict[str, str]), "Idempotent-Replayed": "true"}
    return Answer(kept.status, answer.data, answer.wrapped, headers, answer.meta)


def _kept(call: Call, answer: Answer) -> KeptAnswer:
    encode = msgspec.json.encode
    content = encode({"data": answer.data, "wrapped": answer.wrapped, "meta": answer.meta})
    return KeptAnswer(_hash(call.body), answer.status, content, encode(answer.headers).decode())


def _hash(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()
