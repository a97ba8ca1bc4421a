"""Signing in, by a link that counts once or with an API key; signing out; looking at another team."""

from __future__ import annotations

from starlette.responses import Response

from dayfill.domain.audit import Actor
from dayfill.engine import audit, keys, sessions
from dayfill.errors import Denied, Exceeded, Malformed, Unauthenticated
from dayfill.ui import cookies
from dayfill.ui.visit import Visit

LONGEST_KEY = 200


def local_path(text: str) -> str:
    """Where to go on to: a path of ours; whatever could lead elsewhere becomes the first page."""
    is_ours = text.startswith("/") and not text.startswith(("//", "/\\"))
    return text if is_ours and text.isprintable() and "\\" not in text else "/"


async def page(visit: Visit) -> Response:
    query = visit.request.query_params
    where, link = local_path(query.get("next", "/")), query.get("link", "")
    if visit.signed_in is not None and not link:
        return visit.to(where)
    return visit.page("sign_in.html", where=where, link=link, has_ended="ended" in query, problem="")


async def sign_in(visit: Visit) -> Response:
    """A session of its own for whoever shows a link or a key; nothing of the session before goes on."""
    form = await visit.form()
    where, link, key = local_path(form.get("next", "/")), form.get("link", ""), form.get("api_key", "").strip()
    try:
        token = await (_by_link(visit, link) if link else _by_key(visit, key))
    except (Unauthenticated, Denied) as error:
        status = 401 if isinstance(error, Unauthenticated) else 403
        return _again(visit, status, where, error.description)
    except Exceeded as error:
        response = _again(visit, 429, where, f"Too many tries from your address. Try again in {error.retry_after} s.")
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    response = visit.to(where)
    cookies.sign_in(visit.site, response, token)
    return response


def _again(visit: Visit, status: int, where: str, problem: str) -> Response:
    return visit.page("sign_in.html", status, where=where, link="", has_ended=False, problem=problem)


async def _by_link(visit: Visit, link: str) -> str:
    site = visit.site
    try:
        async with site.db.write() as tx:
            user_id = await sessions.use_link(tx, site.seams, link)
            return await sessions.begin(tx, site.seams, user_id, _as(visit, user_id), visit.signed_in)
    except Unauthenticated as error:
        raise site.refuse(visit.request.scope, error) from None


async def _by_key(visit: Visit, key: str) -> str:
    site = visit.site
    try:
        if not 0 < len(key) <= LONGEST_KEY:
            raise Unauthenticated("Enter an API key of yours: it begins with api_.")
        credential = await keys.recognise(site.db, site.keyring, key)
        keys.refuse_use(credential, site.seams.now(), lambda: site.address_of(visit.request.scope))
    except (Unauthenticated, Denied) as error:
        raise site.refuse(visit.request.scope, error) from None
    site.used_keys.add(credential.caller.key_id)
    async with site.db.write() as tx:
        user_id = credential.caller.user_id
        actor = _as(visit, user_id, credential.caller.key_id)
        return await sessions.begin(tx, site.seams, user_id, actor, visit.signed_in)


def _as(visit: Visit, user_id: int, key_id: str | None = None) -> Actor:
    address = visit.site.address_of(visit.request.scope) or None
    return Actor("session", user_id, key_id, address, visit.request_id)


async def sign_out(visit: Visit) -> Response:
    async with visit.site.db.write() as tx:
        team_id, act = await sessions.end(tx, visit.session.session_id)
        await audit.record(tx, visit.actor, team_id, act, visit.site.seams.now())
    response = visit.to("/sign-in")
    cookies.sign_out(visit.site, response)
    return response


async def turn(visit: Visit) -> Response:
    """Look at another team, from its first page on: what is open belongs to the team before."""
    text = (await visit.form()).get("team_id", "")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Malformed("Choose one of your teams.")
    async with visit.site.db.write() as tx:
        act = await sessions.turn(tx, visit.session, int(text))
        await audit.record(tx, visit.actor, int(text), act, visit.site.seams.now())
    return visit.to("/")
