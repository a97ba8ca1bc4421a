"""The settings of a transfer: read by whoever sees it, changed by whoever may; what the source is asked and when."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import msgspec
from starlette.responses import Response

from dayfill.domain.access import Permission
from dayfill.domain.audit import Act
from dayfill.domain.transfer import Configuration, Transfer
from dayfill.engine import audited, lookups, sources
from dayfill.engine import transfers as verbs
from dayfill.errors import Refused
from dayfill.store import destinations, table_groups
from dayfill.store.db import Tx
from dayfill.ui import answers, source_login, transfer_form
from dayfill.ui.transfer import known
from dayfill.ui.transfer_form import Draft, Wrong, by_field
from dayfill.ui.visit import Visit

CHANGED = (
    "Somebody else has changed this transfer since you opened it; nothing of yours was saved. Its timeline tells what"
    " they changed. Save once more to put what stands here in its place."
)


async def page(visit: Visit) -> Response:
    """The form, filled in."""
    transfer = await known(visit)
    configuration = transfer.configuration
    source = sources.known(configuration.data_source_id)
    fields = transfer_form.fields_of(source, configuration)
    typed = fields | {"login": str(transfer.connection_id), "version": version(transfer)}
    return await _form(visit, transfer, Draft(source, typed, there=configuration))


async def check(visit: Visit) -> Response:
    """Ask the source, as it was typed, for its columns; the form again with these, or with what is wrong."""
    visit.needs(Permission.TRANSFER_EDIT)
    transfer = await known(visit)
    draft = await _typed(visit, transfer)
    return await _form(
        visit, transfer, draft, await transfer_form.ask(visit, draft, "transfer.test", transfer.transfer_id)
    )


async def change(visit: Visit) -> Response:
    """Save it; where that cannot be, the form again with what was typed and what is wrong."""
    visit.needs(Permission.TRANSFER_EDIT)
    transfer = await known(visit)
    draft = await _typed(visit, transfer)
    try:
        async with visit.site.db.write() as tx:
            before = await lookups.transfer(tx, visit.team_id, transfer.transfer_id)
            after = await _change(visit, tx, draft, before)
            act = Act("transfer.update", transfer.transfer_id, audited.transfer(before), audited.transfer(after))
            await answers.record(visit, tx, act)
    except Wrong as wrong:
        draft.problems = wrong.problems
        return await _form(visit, await known(visit), draft, 422)
    visit.site.changed()
    return visit.to(f"/transfers/{transfer.transfer_id}?saved=1")


def version(transfer: Transfer) -> str:
    """Another one after every change of what the form shows."""
    shown = msgspec.json.encode((transfer.configuration, transfer.connection_id))
    return hashlib.sha256(shown).hexdigest()[:32]


async def _typed(visit: Visit, transfer: Transfer) -> Draft:
    source = sources.known(transfer.configuration.data_source_id)
    return Draft(source, await transfer_form.typed(visit), there=transfer.configuration)


async def _form(visit: Visit, transfer: Transfer, draft: Draft, status: int = 200) -> Response:
    db, team_id, configuration = visit.site.db, visit.team_id, transfer.configuration
    group = await table_groups.get(db, team_id, configuration.schema_id)
    return visit.page(
        "transfer_settings.html",
        status,
        transfer=transfer,
        tables=group.tables if group else (),
        destination=await destinations.get(db, team_id, configuration.destination_id),
        **await transfer_form.shown(visit, draft, transfer.connection_id),
    )


async def _change(visit: Visit, tx: Tx, draft: Draft, before: Transfer) -> Transfer:
    """All of it, or nothing.

    Raises:
        Wrong: somebody else was first, or what was typed cannot be.
    """
    site, typed = visit.site, draft.typed
    if typed.get("version") != (current := version(before)):
        draft.typed = {**typed, "version": current}
        raise Wrong({"all": CHANGED})
    draft.there = before.configuration
    wanted = _wanted(draft, before.configuration)
    if found := await verbs.check(tx, visit.team_id, wanted, before.transfer_id):
        raise Wrong(by_field(found, wanted.settings))
    try:
        where = wanted.data_source_id, typed, wanted.destination_id
        login = await source_login.connection_id(visit, tx, *where)
    except Refused as error:
        raise Wrong({"login": error.description}) from None
    if login is not None and login != before.connection_id:
        wanted = _through(wanted, login)
    return await verbs.update(tx, site.seams, visit.team_id, before.transfer_id, wanted, login)


def _wanted(draft: Draft, there: Configuration) -> Configuration:
    """What is there, with what was said in place of what the form shows."""
    name = draft.typed.get("name", "")
    if name != there.display_name and not (name := name.strip()):
        raise Wrong({"name": "Give the transfer a name."})
    schedules = transfer_form.schedules(draft)
    accounts, settings = transfer_form.accounts(draft), tuple(transfer_form.settings(draft))
    return replace(there, display_name=name, schedules=schedules, accounts=accounts, settings=settings)


def _through(wanted: Configuration, login: int) -> Configuration:
    """Accounts and segments that name a login name this one now."""
    accounts = tuple(replace(one, login_id=login) if one.login_id else one for one in wanted.accounts)
    segments = tuple(replace(one, login_id=login) if one.login_id else one for one in wanted.segments)
    return replace(wanted, accounts=accounts, segments=segments)
