"""A new transfer: choose a source, say what to read, where to put it and when; all of it is made at once or nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from starlette.responses import Response

from dayfill.domain import source_settings
from dayfill.domain.access import Permission
from dayfill.domain.audit import Act
from dayfill.domain.destination import Destination, Wanted
from dayfill.domain.problem import Problem
from dayfill.domain.schedule import Schedule
from dayfill.domain.transfer import RESERVED_SETTINGS, Account, Configuration, SourceSetting, Table, Transfer, Value
from dayfill.domain.validation import ScheduleDraft, read_schedules
from dayfill.engine import audited, source_check, sources, table_groups, transfers
from dayfill.engine import destinations as destination_verbs
from dayfill.engine.source_check import Seen
from dayfill.engine.sources import Setting, Source
from dayfill.errors import Conflict, Exceeded, Refused, RequestError
from dayfill.store import boards, destinations
from dayfill.store.db import Tx
from dayfill.ui import answers, source_login
from dayfill.ui.visit import Visit

INTERVALS = {
    "daily": "Every day",
    "hourly": "Every hour",
    "weekly": "Every week, on Monday",
    "monthly": "Every month, on day 1",
    "": "Never, backfills only",
}
NEW = "new"
"""In place of the id of a destination; with a colon and its kind, where it is chosen."""
_SETTING = re.compile(r"data_source_settings(?:\[(\d+)\]|\.(\w+))")
_FIELDS = {"display_name": "name", "schema_id": "table", "destination_id": "destination", "accounts": "accounts"}


def named(setting_id: str) -> str:
    """The field of a setting: apart from the form's own fields, whatever a source calls its settings."""
    return f"from.{setting_id}"


class Wrong(Exception):
    """What was typed cannot be made: undoes what had been begun."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(*problems.values())
        self.problems = problems


@dataclass(slots=True)
class Draft:
    """What was typed, by field; problems: what is wrong with it, by field, ``all`` for what belongs to none.

    seen: what the source answered to a check, if it was asked.
    """

    source: Source
    typed: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    seen: Seen | None = None

    @property
    def settings(self) -> Sequence[Setting]:
        return sources.settings_of(self.source)

    def value(self, name: str, default: object = "") -> str:
        """What a field shows."""
        return self.typed.get(name, "" if default is None else str(default))

    def is_checked(self, setting: Setting) -> bool:
        return named(setting.setting_id) in self.typed if self.typed else bool(setting.default)


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
    settings, site = tuple(_settings(draft)), visit.site
    if found := list(source_settings.problems(settings, sources.rules_of(draft.source))):
        draft.problems = _by_field(found, settings)
        return await _form(visit, draft, 422)
    reach = site.reaches.of(visit.team_id)
    try:
        secrets = await source_login.secrets(visit, draft.source.kind, draft.typed)
    except Refused as error:
        draft.problems = {"login": error.description}
        return await _form(visit, draft, 422)
    try:
        draft.seen = await site.trials.run(
            visit.team_id, lambda: source_check.look(draft.source, settings, _accounts(draft), reach, secrets)
        )
    except Exceeded as error:
        draft.seen = Seen(problem=error.description)
    tried = {"data_source_id": draft.source.kind, "success": not draft.seen.problem}
    async with site.db.write() as tx:
        await answers.record(visit, tx, Act("source.test", NEW, after=tried))
    return await _form(visit, draft, 422 if draft.seen.problem else 200)


async def _typed(visit: Visit) -> Draft | None:
    """What was sent; None if no source there is was chosen."""
    typed = await visit.form()
    source = sources.find(typed.get("source", ""))
    return Draft(source, {name: value for name, value in typed.items() if name != "csrf"}) if source else None


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


async def _form(visit: Visit, draft: Draft, status: int = 200) -> Response:
    return visit.page(
        "new_transfer.html",
        status,
        title=f"New transfer from {draft.source.title}",
        draft=draft,
        logins=await source_login.choices(visit, draft.source.kind),
        secrets={name: source_login.field(name) for name in sources.secrets_of(draft.source.kind)},
        destinations=await destinations.list_all(visit.site.db, visit.team_id),
        destination_kinds=destination_verbs.all_kinds(),
        new=NEW,
        intervals=INTERVALS,
        reserved=RESERVED_SETTINGS,
        has_reserved_problem=any(named(one) in draft.problems for one in RESERVED_SETTINGS),
        active_backfills=await boards.count_active(visit.site.db, visit.team_id),
    )


async def _make(visit: Visit, tx: Tx, draft: Draft) -> Transfer:
    site, typed = visit.site, draft.typed
    name, table = typed.get("name", "").strip(), typed.get("table", "").strip()
    schedules, wrong = _schedules(typed)
    if wrong:
        raise Wrong({"schedule": " ".join(one.text for one in wrong)})
    if not name:
        raise Wrong({"name": "Give the transfer a name."})
    try:
        tables = [Table(table)]
        group = await table_groups.create_beside(tx, site.seams, visit.team_id, draft.source.kind, name, tables)
    except RequestError as error:
        raise Wrong({"name" if error.code == "SCHEMA_NAME_DUPLICATE" else "table": error.description}) from None
    act = Act("table_group.create", group.schema_id, after=audited.table_group(group))
    await answers.record(visit, tx, act)
    destination_id = await _destination(visit, tx, typed)
    settings = tuple(_settings(draft))
    wanted = Configuration(
        draft.source.kind, group.schema_id, destination_id, name, schedules, _accounts(draft), settings=settings
    )
    if found := await transfers.check(tx, visit.team_id, wanted):
        raise Wrong(_by_field(found, settings))
    try:
        login = await source_login.connection_id(visit, tx, draft.source.kind, typed, destination_id)
    except Refused as error:
        raise Wrong({"login": error.description}) from None
    return await transfers.create(tx, site.seams, visit.team_id, visit.user_id, wanted, login)


async def _destination(visit: Visit, tx: Tx, typed: Mapping[str, str]) -> int:
    """The chosen one, or a new one in the same transaction."""
    chosen, site = typed.get("destination", ""), visit.site
    word, _, kind_id = chosen.partition(":")
    if word != NEW:
        return int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) < 19 else 0
    try:
        kind = destination_verbs.kind_of(kind_id)
        fields: dict[str, object] = {}
        for one in kind.fields:
            text = typed.get(f"to.{kind_id}.{one.field_id}", "")
            if text := text if one.is_secret else text.strip():
                fields[one.field_id] = text
        wanted = Wanted(kind.kind, typed.get("destination_name", "").strip(), fields)
        destination_verbs.refuse_out_of_reach(wanted, site.reaches.of(visit.team_id))
        made: Destination = await destination_verbs.create(tx, site.seams, site.keyring, visit.team_id, wanted)
    except RequestError as error:
        raise Wrong({"destination_name" if isinstance(error, Conflict) else "destination": error.description}) from None
    await answers.record(visit, tx, Act("destination.create", made.destination_id, after=audited.destination(made)))
    return made.destination_id


def _accounts(draft: Draft) -> tuple[Account, ...]:
    lines = draft.typed.get("accounts", "").splitlines()
    return tuple(Account(account_id=one.strip()) for one in lines if one.strip())


def _settings(draft: Draft) -> Sequence[SourceSetting]:
    """What was said; what was left empty is as it is by default."""
    found = []
    for setting in draft.settings:
        if setting.input_type == "checkbox":
            found.append(SourceSetting(setting.setting_id, named(setting.setting_id) in draft.typed))
        elif text := draft.typed.get(named(setting.setting_id), "").strip():
            is_number = isinstance(setting.default, int) or setting.setting_id == "requests_per_minute"
            value: Value = int(text) if is_number and text.isascii() and text.isdigit() and len(text) < 16 else text
            found.append(SourceSetting(setting.setting_id, value))
    return found


def _schedules(typed: Mapping[str, str]) -> tuple[tuple[Schedule, ...], Sequence[Problem]]:
    interval, hour, window = (typed.get(name, "").strip() for name in ("interval", "hour", "window"))
    if not interval:
        return (), []
    if not all(text.isascii() and text.isdigit() and len(text) < 5 for text in (hour, window)):
        return (), [Problem("schedule", "isInvalid", "Hour and days must be whole numbers.")]
    return read_schedules([ScheduleDraft(interval, int(hour), int(window), 1, 1)])


def _by_field(found: Sequence[Problem], settings: Sequence[SourceSetting]) -> dict[str, str]:
    """Sentences by the field that they belong beside."""
    problems: dict[str, str] = {}
    for one in found:
        match = _SETTING.match(one.field_id)
        if match:
            name = named(match[2] or settings[int(match[1])].field_id)
        else:
            name = _FIELDS.get(one.field_id, "schedule" if one.field_id.startswith("schedule") else "all")
        problems[name] = f"{problems[name]} {one.text}" if name in problems else one.text
    return problems
