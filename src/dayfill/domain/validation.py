"""The rules of a transfer's configuration: what is wrong with it, field by field, all at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dayfill.domain import source_settings
from dayfill.domain.problem import Problem, filled, longer, outside
from dayfill.domain.schedule import Interval, Schedule
from dayfill.domain.source_settings import SettingRule
from dayfill.domain.transfer import Configuration, Partition, TableGroup

MAX_SCHEDULES, MAX_ACCOUNTS, MAX_SEGMENTS, MAX_RECIPIENTS = 10, 500, 500, 50
MAX_NAME, MAX_ID, MAX_SOURCE_ID = 255, 100, 50
MAX_REFRESH_WINDOW = 366
"""Days that one schedule may load again each time it fires."""

_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True)
class ScheduleDraft:
    """A schedule as a caller writes it; what is left out is None."""

    run_interval: str | None = None
    run_hour: int | None = None
    refresh_window: int | None = None
    run_weekday: int | None = None
    run_day: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules must know of the rest of the world.

    settings: rules of the source, None if there is no such source. group: the chosen table group, None if the team
    has none with this id. taken_tables: tables of the group that another transfer loads into the same warehouse.
    data_source_id: of the transfer that is being updated. has_login: the team can use the login that accounts and
    segments name, if they name one. reads_whole: the source can be asked for a table that has no days.
    """

    settings: Sequence[SettingRule] | None
    needs_accounts: bool
    has_destination: bool
    group: TableGroup | None
    name_is_taken: bool
    taken_tables: Sequence[str] = ()
    data_source_id: str | None = None
    has_login: bool = True
    reads_whole: bool = True


def read_schedules(drafts: Sequence[ScheduleDraft]) -> tuple[tuple[Schedule, ...], list[Problem]]:
    """Schedules, and what keeps others of the drafts from being one."""
    schedules, problems = [], []
    for position, draft in enumerate(drafts):
        found = list(_draft_problems(draft, f"schedule[{position}]"))
        problems += found
        if not found:
            schedules.append(
                Schedule(
                    Interval(draft.run_interval or ""),
                    1 if draft.refresh_window is None else draft.refresh_window,
                    draft.run_hour or 0,
                    draft.run_weekday or 1,
                    draft.run_day or 1,
                )
            )
    return tuple(schedules), problems


def problems(configuration: Configuration, facts: Facts) -> list[Problem]:
    """All that is wrong with a configuration, in the order of its fields; an empty list if nothing is."""
    return [
        *_source(configuration, facts),
        *_group(configuration, facts),
        *_destination(facts),
        *_name(configuration.display_name, facts.name_is_taken),
        *_schedules(configuration.schedules),
        *_accounts(configuration, facts.needs_accounts),
        *_logins(configuration, facts.has_login),
        *_settings(configuration, facts),
        *_recipients(configuration.notification_recipients),
    ]


def _draft_problems(draft: ScheduleDraft, place: str) -> Iterator[Problem]:
    intervals = [interval.value for interval in Interval]
    if not draft.run_interval:
        yield Problem(f"{place}.run_interval", "isEmpty", f"run_interval must be one of {', '.join(intervals)}.")
    elif draft.run_interval not in intervals:
        text = f"run_interval {draft.run_interval[:50]!r} must be one of {', '.join(intervals)}."
        yield Problem(f"{place}.run_interval", "isInvalid", text)
    elif draft.run_interval == Interval.WEEKLY and draft.run_weekday is None:
        text = "A weekly schedule needs run_weekday: send 1 (Monday) to 7 (Sunday)."
        yield Problem(f"{place}.run_weekday", "isEmpty", text)
    elif draft.run_interval == Interval.MONTHLY and draft.run_day is None:
        yield Problem(f"{place}.run_day", "isEmpty", "A monthly schedule needs run_day: send 1 to 31.")
    yield from outside(f"{place}.run_hour", draft.run_hour, 0, 23)
    yield from outside(f"{place}.refresh_window", draft.refresh_window, 1, MAX_REFRESH_WINDOW)
    yield from outside(f"{place}.run_weekday", draft.run_weekday, 1, 7)
    yield from outside(f"{place}.run_day", draft.run_day, 1, 31)


def _source(configuration: Configuration, facts: Facts) -> Iterator[Problem]:
    wanted = configuration.data_source_id
    if not wanted:
        yield Problem(
            "data_source_id",
            "isEmpty",
            "data_source_id is missing: GET .../transfers/available-sources lists what it can be.",
        )
    elif facts.settings is None:
        text = f"There is no data source {wanted[:MAX_SOURCE_ID]!r}; GET .../transfers/available-sources lists them."
        yield Problem("data_source_id", "notFound", text)
    elif facts.data_source_id not in (None, wanted):
        text = f"This transfer reads {facts.data_source_id}; for {wanted} create another transfer."
        yield Problem("data_source_id", "notAllowed", text)


def _group(configuration: Configuration, facts: Facts) -> Iterator[Problem]:
    group = facts.group
    if group is None:
        text = f"This team has no table group with schema_id {configuration.schema_id}; GET /table/groups lists them."
        yield Problem("schema_id", "notFound", text)
        return
    if group.data_source_id != configuration.data_source_id:
        text = (
            f"Table group {group.name!r} belongs to {group.data_source_id}, not to {configuration.data_source_id}: "
            "choose another group."
        )
        yield Problem("schema_id", "notAllowed", text)
    whole = [table.name for table in group.tables if table.partition is Partition.NONE]
    if whole and not facts.reads_whole:
        text = (
            f"Table {whole[0]} has no days (table_partition none), and {group.data_source_id} is read by days alone: "
            "choose a table group whose tables have table_partition date."
        )
        yield Problem("schema_id", "notAllowed", text)
    if facts.taken_tables:
        tables = ", ".join(sorted(facts.taken_tables)[:10])
        text = (
            f"Another transfer already loads {tables} into this warehouse; a table has one transfer. Choose another "
            "group or destination."
        )
        yield Problem("schema_id", "notUnique", text)


def _destination(facts: Facts) -> Iterator[Problem]:
    if not facts.has_destination:
        text = "This team has no destination with this destination_id; GET .../destinations lists them."
        yield Problem("destination_id", "notFound", text)


def _name(name: str, is_taken: bool) -> Iterator[Problem]:
    if not name.strip():
        yield Problem("display_name", "isEmpty", "display_name is empty: name the transfer.")
    elif len(name) > MAX_NAME:
        yield Problem(
            "display_name", "tooLong", f"display_name has {len(name)} characters; {MAX_NAME} are allowed: shorten it."
        )
    elif is_taken:
        yield Problem(
            "display_name", "notUnique", f"Another transfer of this team is named {name!r}: choose another name."
        )


def _schedules(schedules: Sequence[Schedule]) -> Iterator[Problem]:
    if len(schedules) > MAX_SCHEDULES:
        text = f"There are {len(schedules)} schedules; {MAX_SCHEDULES} are allowed: leave some out."
        yield Problem("schedule", "tooLong", text)
    for position, schedule in enumerate(schedules):
        place = f"schedule[{position}]"
        yield from outside(f"{place}.run_hour", schedule.hour, 0, 23)
        yield from outside(f"{place}.refresh_window", schedule.refresh_window, 1, MAX_REFRESH_WINDOW)
        yield from outside(f"{place}.run_weekday", schedule.weekday, 1, 7)
        yield from outside(f"{place}.run_day", schedule.month_day, 1, 31)


def _accounts(configuration: Configuration, needs_accounts: bool) -> Iterator[Problem]:
    accounts, segments = configuration.accounts, configuration.segments
    if needs_accounts and not accounts:
        yield Problem("accounts", "isEmpty", "This data source needs at least one account: name one.")
    if len(accounts) > MAX_ACCOUNTS:
        yield Problem(
            "accounts",
            "tooLong",
            f"There are {len(accounts)} accounts; {MAX_ACCOUNTS} are allowed: make several transfers.",
        )
    if len(segments) > MAX_SEGMENTS:
        yield Problem(
            "segments",
            "tooLong",
            f"There are {len(segments)} segments; {MAX_SEGMENTS} are allowed: make several transfers.",
        )
    for position, account in enumerate(accounts):
        yield from filled(f"accounts[{position}].account_id", account.account_id, MAX_ID)
        yield from longer(f"accounts[{position}].data_source_username", account.data_source_username, MAX_NAME)
    for position, segment in enumerate(segments):
        yield from filled(f"segments[{position}].segment_id", segment.segment_id, MAX_ID)
        yield from longer(f"segments[{position}].data_source_username", segment.data_source_username, MAX_NAME)
        yield from longer(f"segments[{position}].segment_name", segment.segment_name, MAX_NAME)


def _logins(configuration: Configuration, has_login: bool) -> Iterator[Problem]:
    logins = configuration.logins
    if len(logins) > 1:
        named = ", ".join(map(str, logins[:10]))
        text = f"Accounts and segments name the logins {named}; a transfer reads through one: make one for each login."
        yield Problem("accounts", "notAllowed", text)
    elif not has_login:
        text = (
            f"This team has no login {logins[0]} at {configuration.data_source_id} that it could use; GET /ds/logins "
            "lists them, and 0 means that dayfill chooses."
        )
        yield Problem("accounts", "notFound", text)


def _settings(configuration: Configuration, facts: Facts) -> Iterator[Problem]:
    if facts.settings is not None:
        yield from source_settings.problems(configuration.settings, facts.settings)


def _recipients(recipients: Sequence[str]) -> Iterator[Problem]:
    if len(recipients) > MAX_RECIPIENTS:
        text = f"There are {len(recipients)} recipients; {MAX_RECIPIENTS} are allowed: leave some out."
        yield Problem("notification_recipients", "tooLong", text)
    for position, address in enumerate(recipients):
        if len(address) > MAX_NAME or not _ADDRESS.fullmatch(address):
            text = f"{address[:100]!r} is not an e-mail address: write one such as ada@example.com."
            yield Problem(f"notification_recipients[{position}]", "isInvalid", text)
