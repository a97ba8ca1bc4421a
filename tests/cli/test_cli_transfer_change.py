"""`dayfill transfer change`: what is named changes, all else stays."""

from __future__ import annotations

from typing import Any

import pytest
from answering import Answering
from command_line import Command

import seeds
from dayfill.cli.transfer_body import changed
from dayfill.domain.schedule import Interval, Schedule
from dayfill.domain.transfer import SourceSetting
from installation import Installation

DAILY = {"run_interval": "daily", "run_hour": 6, "refresh_window": 3}
SHOWN = {
    "transfer_id": 3,
    "display_name": "Weather",
    "schema_id": 9,
    "destination_id": 5,
    "accounts": [],
    "segments": [],
    "schedule": [DAILY],
    "data_source": {
        "data_source_id": "FILES",
        "settings": [
            {"field_id": "path", "value": "/data/old.csv", "group": ""},
            {"field_id": "delimiter", "value": ";", "group": ""},
        ],
    },
    "notification_recipients": [{"email": "ann@example.com"}],
    "x": {"state": "active"},
}


@pytest.fixture
def change(command: Command, server: Answering) -> Any:
    """change(*words): the body that is sent."""
    server.bare("GET", "/teams/7/transfers/3", SHOWN)
    server.bare("PUT", "/teams/7/transfers/3", {"transfer_id": 3, "transfer_name": "Weather"})

    def send(*words: str) -> Any:
        ran = command("transfer", "change", "3", *words)
        assert ran.code == 0, ran.err
        return server.bodies("PUT")[-1]

    return send


def test_settings_and_name_change_and_nothing_else(change: Any) -> None:
    sent = change("--set", "path=/data/new.csv", "--set", "header:=false", "--unset", "delimiter", "--name", "Rain")
    assert sent == {
        "data_source_id": "FILES",
        "schema_id": 9,
        "destination_id": 5,
        "display_name": "Rain",
        "schedule": [DAILY],
        "accounts": [],
        "segments": [],
        "data_source_settings": [
            {"field_id": "path", "value": "/data/new.csv", "group": ""},
            {"field_id": "header", "value": False},
        ],
        "notification_recipients": ["ann@example.com"],
    }


@pytest.mark.parametrize(
    ("words", "schedule"),
    [
        (["--refresh-window", "7"], [{**DAILY, "refresh_window": 7}]),
        (["--schedule", "weekly", "--weekday", "5"], [{**DAILY, "run_interval": "weekly", "run_weekday": 5}]),
        (["--schedule", "none"], []),
    ],
)
def test_of_the_schedule_only_what_is_said(change: Any, words: list[str], schedule: list[Any]) -> None:
    assert change(*words)["schedule"] == schedule


@pytest.mark.parametrize(
    ("schedules", "words", "says"),
    [
        ([], ["--hour", "4"], "Say how often with --schedule."),
        ([DAILY, DAILY], ["--hour", "4"], "by PUT of the API"),
        ([DAILY], ["--schedule", "none", "--hour", "4"], "leave them out"),
        ([DAILY], ["--unset", "header"], "Set are path, delimiter: name one of them."),
    ],
)
def test_what_cannot_be_changed_is_told_and_nothing_sent(
    command: Command, server: Answering, schedules: list[Any], words: list[str], says: str
) -> None:
    server.bare("GET", "/teams/7/transfers/3", SHOWN | {"schedule": schedules})
    ran = command("transfer", "change", "3", *words)
    assert (ran.code, server.bodies("PUT")) == (64, [])
    assert says in ran.err


async def test_a_server_takes_what_was_made_of_its_own_answer(installation: Installation) -> None:
    settings = (SourceSetting("path", "/data/old.csv"), SourceSetting("delimiter", ";"))
    made = await seeds.transfer(installation, "Weather", schedules=(Schedule(Interval.DAILY, 3, 6),), settings=settings)
    client, place = installation.client(), f"/teams/{installation.team_id}/transfers/{made.transfer_id}"
    before = (await client.get(place)).json()
    answer = await client.put(place, json=changed(before, "Rain", {"path": "/data/new.csv"}, ["delimiter"]))
    assert answer.status_code == 200, answer.text
    after = (await client.get(place)).json()
    assert after["data_source"]["settings"] == [{"field_id": "path", "value": "/data/new.csv", "group": ""}]
    assert {key: one for key, one in after.items() if before[key] != one}.keys() == {"display_name", "data_source"}
