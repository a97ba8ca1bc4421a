"""A new transfer: choose a source, say what to read, where to put it and when; all of it is made at once or nothing."""

from __future__ import annotations

from starlette.responses import Response

from dayfill.domain.access import Permission
from dayfill.domain.audit import Act
from dayfill.domain.transfer import Configuration, Table, Transfer
from dayfill.engine import audited, sources, table_groups, transfers
from dayfill.engine import destinations as destination_verbs
from dayfill.errors import Refused, RequestError
from dayfill.store import boards, destinations
from dayfill.store.db import Tx
from dayfill.ui import answers, new_destination, source_login, transfer_form
from dayfill.ui.new_destination import NEW, Tried
from dayfill.ui.transfer_form import Draft, Wrong, by_field
from dayfill.ui.visit import Visit


async def page(visit: Visit) -> Response:
    """The kinds of sources; then the form of the chosen one."""
    chosen = visit.request.query_params.get("source", "")
    source = sources.find(chosen) if chosen else None
    if source is None:
        active = await boards.count_active(visit.site.db, visit.team_id)
        kinds = sources.all_kinds()
        title = "New transfer"
        return visit.page(
            "choose_source.html", title=title, kinds=kinds, is_unknown=bool(chosen), active_backfills=active
        )
    return await _form(visit, Draft(source))


async def check(visit: Visit) -> Response:
    """Ask the source, as it was typed, for its columns; the form again with these, or with what is wrong."""
    visit.needs(Permission.TRANSFER_EDIT)
    draft = await _typed(visit)
    if draft is None:
        return visit.to("/transfers/new")
    return await _form(visit, draft, await transfer_form.ask(visit, draft, "source.test", NEW))


async def check_destination(visit: Visit) -> Response:
    """Try to reach and write the destination, as it was typed; the form again with what came of it."""
    visit.needs(Permission.TRANSFER_EDIT)
    draft = await _typed(visit)
    if draft is None:
        return visit.to("/transfers/new")
    tried = await new_destination.check(visit, draft.typed)
    return await _form(visit, draft, 422 if tried.problem else 200, tried)


async def _typed(visit: Visit) -> Draft | None:
    """What was sent; None if no source there is was chosen."""
    typed = await transfer_form.typed(visit)
    source = sources.find(typed.get("source", ""))
    return Draft(source, typed) if source else None


async def create(visit: Visit) -> Response:
    """Make it; where that cannot be, the form again with what was typed and what is wrong."""
    visit.needs(Permission.TRANSFER_EDIT)
    draft = await _typed(visit)
    if draft is None:
        return visit.to("/transfers/new")
    try:
        async with visit.site.db.write() as tx:
            made = await _make(visit, tx, draft)
            await answers.record(visit, tx, Act("transfer.create", made.transfer_id, after=audited.transfer(made)))
    except Wrong as wrong:
        draft.problems = wrong.problems
        return await _form(visit, draft, 422)
    visit.site.changed()
    return visit.to(f"/transfers/{made.transfer_id}/backfills/new", "The transfer is made. Fill its first days.")


async def _form(visit: Visit, draft: Draft, status: int = 200, tried: Tried | None = None) -> Response:
    return visit.page(
        "new_transfer.html",
        status,
        title=f"New transfer from {draft.source.title}",
        destinations=await destinations.list_all(visit.site.db, visit.team_id),
        destination_kinds=destination_verbs.all_kinds(),
        new=NEW,
        tried=tried,
        **await transfer_form.shown(visit, draft),
    )


async def _make(visit: Visit, tx: Tx, draft: Draft) -> Transfer:
    site, typed = visit.site, draft.typed
    name, table = typed.get("name", "").strip(), typed.get("table", "").strip()
    schedules = transfer_form.schedules(draft)
    if not name:
        raise Wrong({"name": "Give the transfer a name."})
    try:
        tables = [Table(table)]
        group = await table_groups.create_beside(tx, site.seams, visit.team_id, draft.source.kind, name, tables)
    except RequestError as error:
        raise Wrong({"name" if error.code == "SCHEMA_NAME_DUPLICATE" else "table": error.description}) from None
    act = Act("table_group.create", group.schema_id, after=audited.table_group(group))
    await answers.record(visit, tx, act)
    destination_id = await new_destination.chosen_or_made(visit, tx, typed)
    settings = tuple(transfer_form.settings(draft))
    accounts = transfer_form.accounts(draft)
    wanted = Configuration(
        draft.source.kind, group.schema_id, destination_id, name, schedules, accounts, settings=settings
    )
    if found := await transfers.check(tx, visit.team_id, wanted):
        raise Wrong(by_field(found, settings))
    try:
        login = await source_login.connection_id(visit, tx, draft.source.kind, typed, destination_id)
    except Refused as error:
        raise Wrong({"login": error.description}) from None
    return await transfers.create(tx, site.seams, visit.team_id, visit.user_id, wanted, login)
