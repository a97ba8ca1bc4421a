"""Each rule of a configuration finds its fault, and a correct configuration has none."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dayfill.domain.schedule import Interval, Schedule
from dayfill.domain.source_settings import MAX_SETTINGS, SettingRule
from dayfill.domain.transfer import (
    MAX_DEADLINE_SECONDS,
    MAX_PARALLELISM,
    Account,
    Configuration,
    Partition,
    Segment,
    SourceSetting,
    Table,
    TableGroup,
)
from dayfill.domain.validation import MAX_SEGMENTS, Facts, ScheduleDraft, problems, read_schedules

RULES = (
    SettingRule("path", is_required=True),
    SettingRule("format", "select", options=("csv", "json")),
    SettingRule("strict", "checkbox"),
    SettingRule("timezone"),
    SettingRule("parallelism", numbers=(1, MAX_PARALLELISM)),
    SettingRule("deadline_seconds", numbers=(1, MAX_DEADLINE_SECONDS)),
)
GROUP = TableGroup(1, 1, "FILES", "Group", "", (Table("flights"),))
FACTS = Facts(settings=RULES, needs_accounts=False, has_destination=True, group=GROUP, name_is_taken=False)
RIGHT = Configuration("FILES", 1, 1, "Flights", settings=(SourceSetting("path", "/a.csv"),))


def found(configuration: Configuration = RIGHT, facts: Facts = FACTS) -> list[tuple[str, str]]:
    return [(problem.field_id, problem.error_code) for problem in problems(configuration, facts)]


def with_setting(field_id: str, value: object) -> Configuration:
    return replace(RIGHT, settings=(*RIGHT.settings, SourceSetting(field_id, value)))  # type: ignore[arg-type]


def test_a_correct_configuration_has_no_problem() -> None:
    assert found() == []
    rich = replace(
        RIGHT,
        schedules=(Schedule(Interval.HOURLY), Schedule(Interval.WEEKLY, 366, 23, 7)),
        accounts=(Account("user", 1, "a"),),
        segments=(Segment("user", 1, "s", "All"),),
        notification_recipients=("a@example.com",),
        settings=(
            *RIGHT.settings,
            SourceSetting("format", "csv"),
            SourceSetting("strict", False),
            SourceSetting("timezone", "Europe/Helsinki"),
            SourceSetting("parallelism", 32),
            SourceSetting("deadline_seconds", 86_400),
        ),
    )
    assert found(rich) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"display_name": "a" * 255},
        {"schedules": (Schedule(Interval.DAILY),) * 10},
        {"accounts": (Account("u" * 255, 1, "a" * 100),) * 500},
        {"segments": (Segment("u", 1, "s", "a" * 255),) * MAX_SEGMENTS},
        {"notification_recipients": ("a@b.c",) * 50},
    ],
)
def test_as_many_and_as_long_as_is_allowed(changes: dict[str, object]) -> None:
    assert found(replace(RIGHT, **changes)) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"data_source_id": ""}, ("data_source_id", "isEmpty")),
        ({"display_name": "  "}, ("display_name", "isEmpty")),
        ({"display_name": "a" * 256}, ("display_name", "tooLong")),
        ({"schedules": (Schedule(Interval.DAILY),) * 11}, ("schedule", "tooLong")),
        ({"schedules": (Schedule(Interval.DAILY, refresh_window=0),)}, ("schedule[0].refresh_window", "isInvalid")),
        ({"schedules": (Schedule(Interval.DAILY, refresh_window=367),)}, ("schedule[0].refresh_window", "isInvalid")),
        ({"schedules": (Schedule(Interval.DAILY, hour=24),)}, ("schedule[0].run_hour", "isInvalid")),
        ({"schedules": (Schedule(Interval.WEEKLY, weekday=8),)}, ("schedule[0].run_weekday", "isInvalid")),
        ({"schedules": (Schedule(Interval.MONTHLY, month_day=32),)}, ("schedule[0].run_day", "isInvalid")),
        ({"accounts": (Account("u", 1, ""),)}, ("accounts[0].account_id", "isEmpty")),
        ({"accounts": (Account("u", 1, "a" * 101),)}, ("accounts[0].account_id", "tooLong")),
        ({"accounts": (Account("u" * 256, 1, "a"),)}, ("accounts[0].data_source_username", "tooLong")),
        ({"accounts": (Account("u", 1, "a"),) * 501}, ("accounts", "tooLong")),
        ({"segments": (Segment("u", 1, "s", "a"),) * (MAX_SEGMENTS + 1)}, ("segments", "tooLong")),
        ({"segments": (Segment("u", 1, "", "All"),)}, ("segments[0].segment_id", "isEmpty")),
        ({"segments": (Segment("u", 1, "s", "a" * 256),)}, ("segments[0].segment_name", "tooLong")),
        ({"notification_recipients": ("nobody",)}, ("notification_recipients[0]", "isInvalid")),
        ({"notification_recipients": ("a@b.c",) * 51}, ("notification_recipients", "tooLong")),
        ({"settings": ()}, ("data_source_settings.path", "isEmpty")),
        ({"settings": (SourceSetting("path", ""),)}, ("data_source_settings.path", "isEmpty")),
    ],
)
def test_what_is_wrong_with_a_field(changes: dict[str, object], problem: tuple[str, str]) -> None:
    assert found(replace(RIGHT, **changes))[0] == problem  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field_id", "value", "problem"),
    [
        ("pth", "/a", ("data_source_settings[1].field_id", "notAllowed")),
        ("path", "/b", ("data_source_settings[1].field_id", "notUnique")),
        ("format", "xml", ("data_source_settings[1].value", "isInvalid")),
        ("strict", "yes", ("data_source_settings[1].value", "isInvalid")),
        ("timezone", "Mars/Base", ("data_source_settings[1].value", "isInvalid")),
        ("timezone", "Europe", ("data_source_settings[1].value", "isInvalid")),
        ("timezone", "../../etc/passwd", ("data_source_settings[1].value", "isInvalid")),
        ("timezone", 7, ("data_source_settings[1].value", "isInvalid")),
        ("parallelism", 0, ("data_source_settings[1].value", "isInvalid")),
        ("parallelism", 33, ("data_source_settings[1].value", "isInvalid")),
        ("parallelism", True, ("data_source_settings[1].value", "isInvalid")),
        ("parallelism", "4", ("data_source_settings[1].value", "isInvalid")),
        ("deadline_seconds", 86_401, ("data_source_settings[1].value", "isInvalid")),
    ],
)
def test_what_is_wrong_with_a_setting(field_id: str, value: object, problem: tuple[str, str]) -> None:
    assert found(with_setting(field_id, value)) == [problem]


WHOLE = replace(GROUP, tables=(Table("t", partition=Partition.NONE),))


def test_a_table_without_days_may_be_loaded_from_a_source_that_knows_such() -> None:
    assert found(facts=replace(FACTS, group=WHOLE)) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"settings": None}, ("data_source_id", "notFound")),
        ({"data_source_id": "DEMO_ADS"}, ("data_source_id", "notAllowed")),
        ({"group": None}, ("schema_id", "notFound")),
        ({"group": replace(GROUP, data_source_id="DEMO_ADS")}, ("schema_id", "notAllowed")),
        ({"group": WHOLE, "reads_whole": False}, ("schema_id", "notAllowed")),
        ({"taken_tables": ("flights",)}, ("schema_id", "notUnique")),
        ({"has_destination": False}, ("destination_id", "notFound")),
        ({"name_is_taken": True}, ("display_name", "notUnique")),
        ({"needs_accounts": True}, ("accounts", "isEmpty")),
    ],
)
def test_what_is_wrong_with_the_rest_of_the_world(changes: dict[str, object], problem: tuple[str, str]) -> None:
    assert found(facts=replace(FACTS, **changes)) == [problem]  # type: ignore[arg-type]


def test_so_many_settings_and_no_more() -> None:
    many = replace(RIGHT, settings=tuple(SourceSetting("unknown", 1) for _ in range(MAX_SETTINGS)))
    assert ("data_source_settings", "tooLong") not in found(many)
    assert ("data_source_settings", "tooLong") in found(replace(many, settings=(*many.settings, many.settings[0])))


def test_all_faults_are_named_at_once() -> None:
    wrong = replace(RIGHT, display_name="", settings=())
    assert found(wrong, replace(FACTS, has_destination=False)) == [
        ("destination_id", "notFound"),
        ("display_name", "isEmpty"),
        ("data_source_settings.path", "isEmpty"),
    ]


@pytest.mark.parametrize(
    ("draft", "schedule"),
    [
        (ScheduleDraft("hourly"), Schedule(Interval.HOURLY)),
        (ScheduleDraft("daily", 22, 3), Schedule(Interval.DAILY, 3, 22)),
        (ScheduleDraft("weekly", 1, 1, 7), Schedule(Interval.WEEKLY, 1, 1, 7)),
        (ScheduleDraft("monthly", 1, 1, None, 31), Schedule(Interval.MONTHLY, 1, 1, 1, 31)),
    ],
)
def test_a_draft_becomes_a_schedule(draft: ScheduleDraft, schedule: Schedule) -> None:
    assert read_schedules([draft]) == ((schedule,), [])


@pytest.mark.parametrize(
    ("draft", "problem"),
    [
        (ScheduleDraft(), ("schedule[1].run_interval", "isEmpty")),
        (ScheduleDraft("yearly"), ("schedule[1].run_interval", "isInvalid")),
        (ScheduleDraft("weekly"), ("schedule[1].run_weekday", "isEmpty")),
        (ScheduleDraft("monthly"), ("schedule[1].run_day", "isEmpty")),
        (ScheduleDraft("daily", -1), ("schedule[1].run_hour", "isInvalid")),
        (ScheduleDraft("daily", refresh_window=0), ("schedule[1].refresh_window", "isInvalid")),
    ],
)
def test_a_draft_that_is_no_schedule_is_left_out_and_named(draft: ScheduleDraft, problem: tuple[str, str]) -> None:
    schedules, faults = read_schedules([ScheduleDraft("daily"), draft])
    assert schedules == (Schedule(Interval.DAILY),)
    assert [(fault.field_id, fault.error_code) for fault in faults] == [problem]


@given(st.builds(ScheduleDraft, st.text() | st.sampled_from([*Interval]), *[st.integers() | st.none()] * 4))
def test_a_draft_that_is_read_obeys_the_rules(draft: ScheduleDraft) -> None:
    schedules, faults = read_schedules([draft])
    assert (len(schedules) == 1) == (not faults)
    assert found(replace(RIGHT, schedules=schedules)) == []
