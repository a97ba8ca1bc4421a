"""Who is calling: finds the key of a request, checks it, and checks what it may do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from dayfill.api import bodies
from dayfill.api.addresses import address_of
from dayfill.api.server import Server
from dayfill.api.wire import Call, Route
from dayfill.domain.access import Caller, role_allows
from dayfill.engine.keys import recognise, refuse_use
from dayfill.errors import Denied, Malformed, Unauthenticated
from dayfill.store import keys


def presented_key(scope: Mapping[str, Any], body: bytes) -> str | None:
    """The key of a request: the Authorization header, or ``api_key`` in the ``json`` parameter or in the body.

    Raises:
        Malformed: two different keys.
    """
    headers = [_in_header(value) for name, value in scope["headers"] if name == b"authorization"]
    if len(headers) == 1 and headers[0] and not body and not scope["query_string"]:
        return headers[0]
    found = {key for key in (*headers, _query_key(scope["query_string"]), _body_key(body)) if key}
    if len(found) > 1:
        raise Malformed("The request carries two different API keys; send one.")
    return found.pop() if found else None


def _in_header(value: bytes) -> str:
    text = str(value, "latin-1").strip()
    return text[7:].lstrip() if text[:7].lower() == "bearer " else text


def _query_key(query_string: bytes) -> str | None:
    if b"json=" not in query_string:
        return None
    texts = parse_qs(query_string.decode("latin-1")).get("json", [])
    return _key_in(texts[0].encode()) if texts else None


def _body_key(body: bytes) -> str | None:
    return _key_in(body) if b"api_key" in body else None


def _key_in(text: bytes) -> str | None:
    try:
        document = bodies.parse(text, bodies.MAX_KEYS_OF_GROUP)  # no body may have more, whatever it is for
    except Malformed:
        # A text that cannot be read is reported after the checks of the key, by whoever needs it.
        return None
    key = document.get("api_key") if isinstance(document, dict) else None
    return key if isinstance(key, str) else None


async def authenticate(server: Server, scope: Mapping[str, Any], body: bytes) -> keys.Credential:
    """The key of a request: one keyed read, as the state is now, so a disabled key is dead at once.

    Raises:
        Unauthenticated: no key, or none of ours. Malformed: two keys.
    """
    text = presented_key(scope, body)
    if not text:
        raise Unauthenticated("Send an API key: Authorization: Bearer api_...", code="API_KEY_REQUIRED")
    if text.startswith("otok_"):
        raise Unauthenticated("OAuth tokens are not accepted here; send an API key.", code="ACCESS_TOKEN_INVALID")
    return await recognise(server.db, server.keyring, text)


def check_use(server: Server, scope: Mapping[str, Any], credential: keys.Credential) -> None:
    """Stop a key of ours that may not be used now, or not from there.

    Raises:
        Denied: it is disabled, has expired, or is not to be used from the client's address.
    """
    refuse_use(credential, server.seams.now(), lambda: address_of(scope, server.trusted_proxies))


async def still_allowed(call: Call) -> bool:
    """Whether a caller who was let in would be let in again now: for answers that take long."""
    credential = await keys.credential(call.server.db, call.caller.key_id)
    if credential is None:
        return False
    try:
        check_use(call.server, call.scope, credential)
        authorize(credential.caller, call.route, call.team_id)
    except Denied:
        return False
    return True


def authorize(caller: Caller, route: Route, team_id: int) -> None:
    """Both must allow it: the scope of the key, and the role of its user in the team.

    Raises:
        Denied: not a member (the same answer for a team that does not exist), scope missing, role too small.
    """
    role = caller.roles.get(team_id)
    if role is None:
        raise Denied(f"This API key does not reach team {team_id}; check the number, or ask an owner of that team.")
    _check_scope(caller, route)
    if not role_allows(role, route.permission):
        lacks = f"The role {role.value} in team {team_id} lacks the permission {route.permission.value}"
        raise Denied(f"{lacks}; ask an owner for a role that has it.")


def allowing(caller: Caller, route: Route) -> tuple[int, ...]:
    """For a path that names no team: all teams of the caller whose role allows it, oldest first; never none.

    Raises:
        Denied: in no team, scope missing, role too small in every team.
    """
    if not caller.roles:
        raise Denied("The user of this API key is in no team; ask an owner of one to add the user.")
    _check_scope(caller, route)
    teams = tuple(team_id for team_id in sorted(caller.roles) if role_allows(caller.roles[team_id], route.permission))
    if not teams:
        lacks = f"In no team does the user of this API key have the permission {route.permission.value}"
        raise Denied(f"{lacks}; ask an owner for a role that has it.")
    return teams


def _check_scope(caller: Caller, route: Route) -> None:
    if route.scope is not None and route.scope not in caller.scopes:
        text = f"This API key lacks the scope {route.scope}; ask an owner for a key that has it."
        raise Denied(text, code="ACCESS_DENIED_PERMISSIONS")
