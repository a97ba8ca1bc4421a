"""The form of a transfer, new or changed: what was typed, how it is read, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dayfill.domain import source_settings
from dayfill.domain.audit import Act
from dayfill.domain.problem import Problem
from dayfill.domain.schedule import Schedule
from dayfill.domain.transfer import RESERVED_SETTINGS, Account, Configuration, SourceSetting, Value
from dayfill.domain.validation import ScheduleDraft, read_schedules
from dayfill.engine import source_check, sources
from dayfill.engine.source_check import Seen
from dayfill.engine.sources import Setting, Source
from dayfill.errors import Exceeded, Refused
from dayfill.store import boards
from dayfill.ui import answers, source_login, words
from dayfill.ui.visit import Visit

INTERVALS = {
    "daily": "Every day",
    "hourly": "Every hour",
    "weekly": "Every week",
    "monthly": "Every month",
    "": "Never, backfills only",
}
TIMING = {"interval": "daily", "hour": "6", "weekday": "1", "month_day": "1", "window": "7"}
"""The fields of a schedule, as they stand in a new form."""
_UNUSED = {
    "hourly": ("hour", "weekday", "month_day"),
    "daily": ("weekday", "month_day"),
    "weekly": ("month_day",),
    "monthly": ("weekday",),
}
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

    there: the configuration that is to be changed; where a field says what it says, it stays to the letter. seen: what
    the source answered to a check, if it was asked.
    """

    source: Source
    typed: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    seen: Seen | None = None
    there: Configuration | None = None

    @property
    def settings(self) -> Sequence[Setting]:
        return sources.settings_of(self.source)

    def value(self, name: str, default: object = "") -> str:
        """What a field shows."""
        return self.typed.get(name, "" if default is None else str(default))

    def is_checked(self, setting: Setting) -> bool:
        return named(setting.setting_id) in self.typed if self.typed else bool(setting.default)


def fields_of(source: Source, there: Configuration) -> dict[str, str]:
    """What the form says of a configuration, by field."""
    shown = {"name": there.display_name, "accounts": "\n".join(one.account_id for one in there.accounts)}
    values = source_settings.values_of(there.settings)
    for setting in sources.settings_of(source):
        value = values.get(setting.setting_id, setting.default)
        text = "" if value is None else str(value)
        if setting.input_type == "checkbox":
            text = "1" if value else ""
        elif setting.options and not text:  # as a browser chooses
            text = str(setting.default or setting.options[0])
        if text or setting.input_type != "checkbox":
            shown[named(setting.setting_id)] = text
    return shown | _timing_of(there.schedules)


def _timing_of(schedules: Sequence[Schedule]) -> dict[str, str]:
    if len(schedules) != 1:
        return TIMING | {"interval": ""}
    one = schedules[0]
    numbers = {"hour": one.hour, "weekday": one.weekday, "month_day": one.month_day, "window": one.refresh_window}
    return {"interval": one.interval.value} | {name: str(number) for name, number in numbers.items()}


async def typed(visit: Visit) -> dict[str, str]:
    """What was sent, by field."""
    return {name: value for name, value in (await visit.form()).items() if name != "csrf"}


async def shown(visit: Visit, draft: Draft, connection_id: int = 0) -> dict[str, object]:
    """What the templates of the form need. connection_id: the login that the transfer has."""
    return {
        "draft": draft,
        "logins": await source_login.choices(visit, draft.source.kind, connection_id),
        "secrets": {name: source_login.field(name) for name in sources.secrets_of(draft.source.kind)},
        "intervals": INTERVALS,
        "weekdays": words.WEEKDAYS,
        "timing": TIMING,
        "words": words,
        "reserved": RESERVED_SETTINGS,
        "has_reserved_problem": any(named(one) in draft.problems for one in RESERVED_SETTINGS),
        "active_backfills": await boards.count_active(visit.site.db, visit.team_id),
    }


async def ask(visit: Visit, draft: Draft, action: str, identity: int | str) -> int:
    """Ask the source, as it was typed, for its columns: the draft says these, or what is wrong; returns the status.

    action, identity: as the audit log names it.
    """
    wanted, site = tuple(settings(draft)), visit.site
    if found := list(source_settings.problems(wanted, sources.rules_of(draft.source))):
        draft.problems = by_field(found, wanted)
        return 422
    reach = site.reaches.of(visit.team_id)
    try:
        secrets = await source_login.secrets(visit, draft.source.kind, draft.typed)
    except Refused as error:
        draft.problems = {"login": error.description}
        return 422
    try:
        draft.seen = await site.trials.run(
            visit.team_id, lambda: source_check.look(draft.source, wanted, accounts(draft), reach, secrets)
        )
    except Exceeded as error:
        draft.seen = Seen(problem=error.description)
    tried = {"data_source_id": draft.source.kind, "success": not draft.seen.problem}
    async with site.db.write() as tx:
        await answers.record(visit, tx, Act(action, identity, after=tried))
    return 422 if draft.seen.problem else 200


def accounts(draft: Draft) -> tuple[Account, ...]:
    """Those that were said; of one that is there already, all that is known of it."""
    there = draft.there.accounts if draft.there else ()
    if not draft.source.has_accounts:
        return there
    wanted = [text for line in draft.typed.get("accounts", "").splitlines() if (text := line.strip())]
    if wanted == [one.account_id for one in there]:
        return there
    known = {one.account_id: one for one in there}
    return tuple(known.get(one) or Account(account_id=one) for one in wanted)


def settings(draft: Draft) -> Sequence[SourceSetting]:
    """What was said; what was left empty is as it is by default, what was left as it was is that to the letter."""
    known = {one.setting_id for one in draft.settings}
    found = {one.field_id: one for one in draft.there.settings if one.field_id in known} if draft.there else {}
    was = fields_of(draft.source, draft.there) if draft.there else None
    for setting in draft.settings:
        setting_id, name = setting.setting_id, named(setting.setting_id)
        text, old = lines(draft.typed.get(name, "")), found.get(setting_id)
        if was is not None and text == lines(was.get(name, "")):
            continue
        if setting.input_type == "checkbox" or text:
            value: Value = name in draft.typed if setting.input_type == "checkbox" else _value(setting, text)
            found[setting_id] = SourceSetting(setting_id, value, old.group if old else "")
        else:
            found.pop(setting_id, None)
    return list(found.values())


def lines(text: str) -> str:
    """As it was before a browser sent it."""
    return text.replace("\r\n", "\n").strip()


def _value(setting: Setting, text: str) -> Value:
    return int(text) if setting.numbers and text.isascii() and text.isdigit() and len(text) < 16 else text


def schedules(draft: Draft) -> tuple[Schedule, ...]:
    """Those that were said.

    Raises:
        Wrong: they are none.
    """
    said = {name: draft.typed.get(name, usual).strip() for name, usual in TIMING.items()}
    there = draft.there.schedules if draft.there else ()
    if len(there) > 1 or (draft.there and said == _timing_of(there)):
        return there
    interval = said.pop("interval")
    if not interval:
        return ()
    said |= {name: TIMING[name] for name in _UNUSED.get(interval, ())}
    if not all(text.isascii() and text.isdigit() and len(text) < 5 for text in said.values()):
        raise Wrong({"schedule": "Hour and days must be whole numbers."})
    hour, weekday, month_day, window = map(int, said.values())
    made, problems = read_schedules([ScheduleDraft(interval, hour, window, weekday, month_day)])
    if problems:
        raise Wrong({"schedule": " ".join(one.text for one in problems)})
    return made


def by_field(found: Sequence[Problem], wanted: Sequence[SourceSetting]) -> dict[str, str]:
    """Sentences by the field that they belong beside."""
    problems: dict[str, str] = {}
    for one in found:
        match = _SETTING.match(one.field_id)
        if match:
            name = named(match[2] or wanted[int(match[1])].field_id)
        else:
            name = _FIELDS.get(one.field_id, "schedule" if one.field_id.startswith("schedule") else "all")
        problems[name] = f"{problems[name]} {one.text}" if name in problems else one.text
    return problems
