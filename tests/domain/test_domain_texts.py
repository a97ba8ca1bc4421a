"""What people read when a configuration, its settings or a table group is refused: the whole sentences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from dayfill.domain.problem import Problem, longer
from dayfill.domain.schedule import Interval, Schedule
from dayfill.domain.source_settings import SettingRule, number_of, zone_of
from dayfill.domain.table_group import faults
from dayfill.domain.transfer import Account, Configuration, Field, Partition, Segment, SourceSetting, Table, TableGroup
from dayfill.domain.validation import Facts, ScheduleDraft, problems, read_schedules

RULES = (
    SettingRule("path", is_required=True),
    SettingRule("format", "select", options=("csv", "json")),
    SettingRule("strict", "checkbox"),
    SettingRule("timezone"),
    SettingRule("parallelism", numbers=(1, 32)),
)
GROUP = TableGroup(1, 1, "FILES", "Group", "", (Table("flights"),))
FACTS = Facts(settings=RULES, needs_accounts=False, has_destination=True, group=GROUP, name_is_taken=False)
PATH = SourceSetting("path", "/a.csv")
RIGHT = Configuration("FILES", 5, 1, "Flights", settings=(PATH,))
WHOLE = replace(GROUP, tables=(Table("flights"), Table("planes", partition=Partition.NONE)))
LONG = "a" * 256


def said(found: Iterable[Problem]) -> list[str]:
    return [f"{one.field_id} {one.error_code}: {one.text}" for one in found]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"data_source_id": ""},
            "data_source_id isEmpty: data_source_id is missing: GET .../transfers/available-sources lists what "
            "it can be.",
        ),
        ({"display_name": " "}, "display_name isEmpty: display_name is empty: name the transfer."),
        ({"display_name": LONG}, "display_name tooLong: display_name has 256 characters; 255 are allowed: shorten it."),
        (
            {"schedules": (Schedule(Interval.DAILY),) * 11},
            "schedule tooLong: There are 11 schedules; 10 are allowed: leave some out.",
        ),
        (
            {"schedules": (Schedule(Interval.DAILY, hour=24),)},
            "schedule[0].run_hour isInvalid: run_hour must lie between 0 and 23, not 24.",
        ),
        (
            {"schedules": (Schedule(Interval.DAILY, hour=-1),)},
            "schedule[0].run_hour isInvalid: run_hour must lie between 0 and 23, not -1.",
        ),
        (
            {"schedules": (Schedule(Interval.WEEKLY, weekday=0),)},
            "schedule[0].run_weekday isInvalid: run_weekday must lie between 1 and 7, not 0.",
        ),
        (
            {"schedules": (Schedule(Interval.MONTHLY, month_day=0),)},
            "schedule[0].run_day isInvalid: run_day must lie between 1 and 31, not 0.",
        ),
        (
            {"accounts": (Account("u", 1, "a"),) * 501},
            "accounts tooLong: There are 501 accounts; 500 are allowed: make several transfers.",
        ),
        (
            {"segments": (Segment("u", 1, "s", "S"),) * 501},
            "segments tooLong: There are 501 segments; 500 are allowed: make several transfers.",
        ),
        (
            {"accounts": (Account("u", 1, ""),)},
            "accounts[0].account_id isEmpty: accounts[0].account_id is empty: fill it in.",
        ),
        (
            {"segments": (Segment("u", 1, "s", LONG),)},
            "segments[0].segment_name tooLong: segments[0].segment_name has 256 characters; 255 are allowed: "
            "shorten it.",
        ),
        (
            {"segments": (Segment(LONG, 1, "s", "S"),)},
            "segments[0].data_source_username tooLong: segments[0].data_source_username has 256 characters; 255 are"
            " allowed: shorten it.",
        ),
        (
            {"notification_recipients": ("a@example.com",) * 51},
            "notification_recipients tooLong: There are 51 recipients; 50 are allowed: leave some out.",
        ),
        (
            {"notification_recipients": ("a@example.com", "b" * 300)},
            f"notification_recipients[1] isInvalid: '{'b' * 100}' is not an e-mail address: write one such as "
            "ada@example.com.",
        ),
        (
            {"settings": (PATH, SourceSetting("x" * 101, 1))},
            f"data_source_settings[1].field_id notAllowed: There is no setting '{'x' * 100}'; known are path, "
            "format, strict, timezone, parallelism.",
        ),
        (
            {"settings": (PATH, PATH)},
            "data_source_settings[1].field_id notUnique: The setting path is given twice: keep one.",
        ),
        ({"settings": ()}, "data_source_settings.path isEmpty: The setting path is missing: set it."),
        (
            {"settings": (PATH, SourceSetting("format", "xml"))},
            "data_source_settings[1].value isInvalid: The setting format must be one of csv, json.",
        ),
        (
            {"settings": (PATH, SourceSetting("strict", "yes"))},
            "data_source_settings[1].value isInvalid: The setting strict must be true or false.",
        ),
        (
            {"settings": (PATH, SourceSetting("timezone", "Mars"))},
            "data_source_settings[1].value isInvalid: The setting timezone must name an IANA time zone such as"
            " Europe/Helsinki, not 'Mars'.",
        ),
        (
            {"settings": (PATH, SourceSetting("parallelism", 33))},
            "data_source_settings[1].value isInvalid: The setting parallelism must be a whole number from 1 to 32.",
        ),
        (
            {"settings": (PATH, SourceSetting("parallelism", True))},
            "data_source_settings[1].value isInvalid: The setting parallelism must be a whole number from 1 to 32.",
        ),
    ],
)
def test_of_a_configuration(changes: dict[str, object], text: str) -> None:
    facts = replace(FACTS, group=None) if changes.get("data_source_id") == "" else FACTS
    found = said(problems(replace(RIGHT, **changes), facts))  # type: ignore[arg-type]
    assert [one for one in found if not one.startswith("schema_id")] == [text]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"group": None},
            "schema_id notFound: This team has no table group with schema_id 5; GET /table/groups lists them.",
        ),
        (
            {"group": replace(GROUP, data_source_id="DEMO_ADS")},
            "schema_id notAllowed: Table group 'Group' belongs to DEMO_ADS, not to FILES: choose another group.",
        ),
        (
            {"group": WHOLE, "reads_whole": False},
            "schema_id notAllowed: Table planes has no days (table_partition none), and FILES is read by days alone:"
            " choose a table group whose tables have table_partition date.",
        ),
        (
            {"taken_tables": frozenset({"b", "a"})},
            "schema_id notUnique: Another transfer already loads a, b into this warehouse; a table has one "
            "transfer. Choose another group or destination.",
        ),
        (
            {"has_destination": False},
            "destination_id notFound: This team has no destination with this destination_id; GET .../destinations"
            " lists them.",
        ),
        (
            {"name_is_taken": True},
            "display_name notUnique: Another transfer of this team is named 'Flights': choose another name.",
        ),
        ({"needs_accounts": True}, "accounts isEmpty: This data source needs at least one account: name one."),
        (
            {"settings": None},
            "data_source_id notFound: There is no data source 'FILES'; GET .../transfers/available-sources lists them.",
        ),
        (
            {"data_source_id": "DEMO_ADS"},
            "data_source_id notAllowed: This transfer reads DEMO_ADS; for FILES create another transfer.",
        ),
    ],
)
def test_of_what_is_around_it(changes: dict[str, object], text: str) -> None:
    assert said(problems(RIGHT, replace(FACTS, **changes))) == [text]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("draft", "text"),
    [
        (ScheduleDraft(), "run_interval isEmpty: run_interval must be one of hourly, daily, weekly, monthly."),
        (
            ScheduleDraft("y" * 51),
            f"run_interval isInvalid: run_interval '{'y' * 50}' must be one of hourly, daily, weekly, monthly.",
        ),
        (
            ScheduleDraft("weekly"),
            "run_weekday isEmpty: A weekly schedule needs run_weekday: send 1 (Monday) to 7 (Sunday).",
        ),
        (ScheduleDraft("monthly"), "run_day isEmpty: A monthly schedule needs run_day: send 1 to 31."),
        (ScheduleDraft("daily", 24), "run_hour isInvalid: run_hour must lie between 0 and 23, not 24."),
        (
            ScheduleDraft("daily", refresh_window=367),
            "refresh_window isInvalid: refresh_window must lie between 1 and 366, not 367.",
        ),
        (
            ScheduleDraft("weekly", run_weekday=8),
            "run_weekday isInvalid: run_weekday must lie between 1 and 7, not 8.",
        ),
        (ScheduleDraft("monthly", run_day=32), "run_day isInvalid: run_day must lie between 1 and 31, not 32."),
    ],
)
def test_of_a_schedule(draft: ScheduleDraft, text: str) -> None:
    wrong = ScheduleDraft("yearly")
    schedules, found = read_schedules([wrong, draft])
    assert schedules == ()
    assert said(found)[1:] == [f"schedule[1].{text}"]


@pytest.mark.parametrize(
    ("name", "prefix", "tables", "text"),
    [
        (" ", "", [Table("t")], "The table group's name must have 1 to 255 characters."),
        (LONG, "", [Table("t")], "The table group's name must have 1 to 255 characters."),
        ("g", "P" * 60, [Table("t")], f"The prefix '{'P' * 50}' is longer than 15 characters: shorten it."),
        ("g", "", [], "A table group needs at least one table: describe one."),
        (
            "g",
            "",
            [Table("1" * 81)],
            f"The name of table '{'1' * 80}' cannot be used: it must start with a letter or an underscore, hold only"
            " A-Z, a-z, 0-9 and underscores, at most 63 with its prefix, and not start with _dayfill.",
        ),
        ("g", "", [Table("t"), Table("T")], "Two tables are named T; case makes no difference. Rename one."),
        ("g", "", [Table("t", (Field("", "n", "DATE"),))], "A field of table t has no field_id: name it."),
        (
            "g",
            "",
            [Table("t", (Field("a", "n", "DATE"), Field("b", "N", "DATE")))],
            "Two columns of table t are named N: rename one.",
        ),
        (
            "g",
            "",
            [Table("t", (Field("a", "n", "Z" * 51),))],
            f"Field a of table t has data_type '{'Z' * 50}'; known are STRING, INTEGER, FLOAT, BOOLEAN, DATE,"
            " TIMESTAMP, TIMESTAMPTZ and DECIMAL(p,s).",
        ),
        (
            "g",
            "",
            [Table("t", (Field("a", "n", "DATE"),)), Table("u", (Field("a", "m", "DATE"),))],
            "Field a is described in two different ways: choose one.",
        ),
        (
            "g",
            "",
            [Table("t", (Field("a", "1" * 81, "DATE"),))],
            f"The name of column '{'1' * 80}' of table t cannot be used: it must start with a letter or an underscore,"
            " hold only A-Z, a-z, 0-9 and underscores, at most 63 with its prefix, and not start with _dayfill.",
        ),
    ],
)
def test_of_a_table_group(name: str, prefix: str, tables: list[Table], text: str) -> None:
    assert [one for _, one in faults(name, prefix, tables)] == [text]


def test_the_longest_that_is_allowed() -> None:
    assert said(longer("x", "aaa", 3)) == []
    assert said(longer("x", "aaaa", 3)) == ["x tooLong: x has 4 characters; 3 are allowed: shorten it."]


def test_reserved_settings_have_defaults() -> None:
    settings = [SourceSetting("timezone", "Asia/Tokyo"), SourceSetting("parallelism", 9), SourceSetting("path", "x")]
    assert (zone_of(settings), zone_of([]), zone_of([SourceSetting("timezone", "")])) == ("Asia/Tokyo", "UTC", "UTC")
    assert (number_of(settings, "parallelism", 4), number_of([], "parallelism", 4)) == (9, 4)
    assert number_of(settings, "path", 4) == 4


def test_what_is_just_allowed() -> None:
    full = replace(
        RIGHT,
        display_name="n" * 255,
        schedules=(Schedule(Interval.DAILY),) * 10,
        accounts=(Account("u", 1, "a"),) * 500,
        segments=(Segment("u", 1, "s", "S"),) * 500,
        notification_recipients=("a" * 243 + "@example.com",) * 50,
    )
    assert said(problems(full, FACTS)) == []
    assert faults("g" * 255, "P" * 15, [Table("t")]) == []
    for value in (1, 32, "", None):
        settings = (PATH, SourceSetting("parallelism", value))
        assert said(problems(replace(RIGHT, settings=settings), FACTS)) == []
    for field_id in ("format", "strict", "timezone"):
        for value in ("", None):
            assert said(problems(replace(RIGHT, settings=(PATH, SourceSetting(field_id, value))), FACTS)) == []
    many = (PATH, *(SourceSetting(f"s{n}", 1) for n in range(200)))
    rules = (*RULES, *(SettingRule(f"s{n}") for n in range(200)))
    text = "data_source_settings tooLong: There are 201 settings; 200 are allowed: leave some out."
    assert said(problems(replace(RIGHT, settings=many), replace(FACTS, settings=rules))) == [text]
    assert said(problems(replace(RIGHT, settings=many[:-1]), replace(FACTS, settings=rules))) == []
