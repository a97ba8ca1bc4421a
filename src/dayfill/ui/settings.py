"""The team and oneself: members, API keys, limits, who did what, where one is signed in."""

from __future__ import annotations

from datetime import timedelta

from starlette.responses import Response

from dayfill.domain.access import SCOPES, Permission, Role
from dayfill.domain.audit import Act
from dayfill.engine import audited, members, sessions
from dayfill.engine import keys as key_verbs
from dayfill.errors import Conflict, Denied, Malformed, Missing, Refused
from dayfill.store import allowances, audit, boards, keys, teams
from dayfill.store.audit import NEWEST, Filter
from dayfill.ui import answers
from dayfill.ui.visit import Visit

AUDIT_PAGE = 50
READING = frozenset(scope for scope in SCOPES if scope.endswith("_read")) | {"ds_queries_run"}
REACHES = {
    "read": ("Read everything", READING),
    "write": ("Read and change", SCOPES - {"team_manage"}),
    "manage": ("Everything, keys and members too", SCOPES),
}
"""What a new key may do, in three steps; single scopes are chosen at the command line or the API."""
LIFETIMES = {"90": "90 days", "365": "One year", "": "Never"}


async def page(visit: Visit) -> Response:
    return await _page(visit)


async def _page(visit: Visit, status: int = 200, **more: object) -> Response:
    site, may_manage = visit.site, visit.may(Permission.TEAM_MANAGE)
    before = visit.request.query_params.get("audit", "")
    if before and not (before.isascii() and before.isdigit() and len(before) < 19):
        raise Malformed("This link to older rows of the audit log is damaged. Start again from the newest.")
    people = await teams.members(site.db, visit.team_id)
    listed = await keys.page(site.db, visit.team_id)
    entries = []
    if may_manage:
        entries = await audit.page(site.db, visit.team_id, Filter(), int(before or NEWEST), AUDIT_PAGE + 1)
    values: dict[str, object] = {
        "people": people,
        "emails": {one.user_id: one.email for one in people},
        "keys": [one for one in listed if may_manage or one.user_id == visit.user_id],
        "allowance": await allowances.get(site.db, visit.team_id, site.seams.now()),
        "sessions": await sessions.listed(site.db, site.seams, visit.user_id),
        "entries": entries[:AUDIT_PAGE],
        "older": entries[AUDIT_PAGE - 1].audit_id if len(entries) > AUDIT_PAGE else None,
        "is_later": bool(before),
        "roles": [one.value for one in Role],
        "reaches": REACHES,
        "lifetimes": LIFETIMES,
        "now": site.seams.now(),
        "new_key": "",
        "problems": {},
        "typed": {},
        "active_backfills": await boards.count_active(site.db, visit.team_id),
    }
    return visit.page("settings.html", status, title="Settings", **{**values, **more})


async def add_member(visit: Visit) -> Response:
    """Add somebody; where that cannot be, the form again with what was typed."""
    form, site = await visit.form(), visit.site
    try:
        async with site.db.write() as tx:
            role = _role(form.get("role", ""))
            member = await members.add(tx, site.seams, visit.team_id, form.get("email", ""), role, manager=visit.caller)
            act = Act("member.add", member.user_id, after=audited.member(member))
            await answers.record(visit, tx, act)
    except (Refused, Conflict, Denied) as error:
        return await _page(visit, 422, problems={"email": error.description}, typed=dict(form))
    return visit.to("/settings", f"{member.email} is a member now: print a link with dayfill sign-in-link.")


async def change_member(visit: Visit) -> Response:
    """Give a member another role, or take them out."""
    form, site, user_id = await visit.form(), visit.site, visit.path_id("user_id")
    async with site.db.write() as tx:
        before = await members.read(tx, visit.team_id, user_id)
        if form.get("do") == "remove":
            await members.remove(tx, visit.team_id, user_id, visit.caller)
            act = Act("member.remove", user_id, audited.member(before))
            text = f"{before.email} is in this team no longer."
        else:
            role = _role(form.get("role", ""))
            after = await members.set_role(tx, site.seams, visit.team_id, user_id, role, visit.caller)
            act = Act("member.role", user_id, audited.member(before), audited.member(after))
            text = f"{before.email} is {role.value} now."
        await answers.record(visit, tx, act)
    return visit.to("/settings", text)


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise Refused("Choose one of the roles.") from None


async def create_key(visit: Visit) -> Response:
    """A key for oneself, shown on the page that answers and never again."""
    form, site = await visit.form(), visit.site
    reach, lifetime = form.get("reach", ""), form.get("lifetime", "90")
    if reach not in REACHES or lifetime not in LIFETIMES:
        raise Malformed("Choose what the key may do and how long it lasts.")
    expires = site.seams.now() + timedelta(days=int(lifetime)) if lifetime else None
    try:
        async with site.db.write() as tx:
            new = await key_verbs.create(
                tx,
                site.seams,
                site.keyring,
                visit.team_id,
                visit.user_id,
                scopes=REACHES[reach][1],
                description=form.get("description", "").strip(),
                expires_time=expires,
            )
            await answers.record(visit, tx, Act("key.create", new.key.api_key_id, after=audited.api_key(new.key)))
    except Refused as error:
        return await _page(visit, 422, problems={"description": error.description}, typed=dict(form))
    return await _page(visit, new_key=new.text)


async def disable_key(visit: Visit) -> Response:
    """End a key of one's own, or of somebody whom one manages."""
    api_key_id = visit.request.path_params["api_key_id"]
    async with visit.site.db.write() as tx:
        key = await key_verbs.read(tx, visit.team_id, api_key_id)
        if key.user_id != visit.user_id:
            visit.needs(Permission.TEAM_MANAGE)
        disabled = await key_verbs.disable(tx, visit.team_id, api_key_id, visit.caller)
        act = Act("key.disable", api_key_id, audited.api_key(key), audited.api_key(disabled))
        await answers.record(visit, tx, act)
    return visit.to("/settings", f"The key {key.key_start}… is disabled.")


async def end_session(visit: Visit) -> Response:
    """Sign oneself out somewhere else."""
    session_id = visit.path_id("session_id")
    mine = {one.session_id for one in await sessions.listed(visit.site.db, visit.site.seams, visit.user_id)}
    if session_id not in mine:
        raise Missing("You have no such session; it may have ended already. Look at the list again.")
    async with visit.site.db.write() as tx:
        _, act = await sessions.end(tx, session_id)
        await answers.record(visit, tx, act)
    return visit.to("/settings", "That browser is signed out.")
