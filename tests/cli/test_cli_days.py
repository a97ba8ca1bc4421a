"""`dayfill days`: the calendar and the list."""

from __future__ import annotations

import json

from answering import Answering
from command_line import Command

PATH = "/x/v1/teams/7/transfers/3/days"


def answer(server: Answering, start: str, states: str) -> None:
    server.on("GET", PATH, {"start_date": start, "end_date": start, "version": 1, "states": states, "counts": {}})


def test_the_list_has_every_day_with_its_state(command: Command, server: Answering) -> None:
    answer(server, "2023-12-30", "lsfrq.")
    assert json.loads(command("days", "3").out) == [
        {"date": "2023-12-30", "state": "loaded"},
        {"date": "2023-12-31", "state": "stale"},
        {"date": "2024-01-01", "state": "failed"},
        {"date": "2024-01-02", "state": "running"},
        {"date": "2024-01-03", "state": "queued"},
        {"date": "2024-01-04", "state": "missing"},
    ]
    chosen = command("days", "3", "--state", "failed", "--state", "missing", "-o", "ndjson").out.splitlines()
    assert [json.loads(line)["date"] for line in chosen] == ["2024-01-01", "2024-01-04"]


def test_the_calendar_has_a_year_a_block_a_weekday_a_row_and_shapes(command: Command, server: Answering) -> None:
    answer(server, "2023-12-30", "lsfrq.")
    lines = command("days", "3", "-o", "table").out.splitlines()
    assert lines[0].startswith("2024 Jan")
    rows = {line[:3]: line[5:] for line in lines[1:8]}
    assert [rows[day][0] for day in ("Mon", "Tue", "Wed", "Thu")] == list("×◆·□")  # noqa: RUF001  the shape of a failed day
    assert lines[8].startswith("2023 Jan")
    assert (lines[14][-1], lines[15][-1]) == ("█", "◩")  # Saturday and Sunday, the last days of 2023
    counts = [line.split()[1:] for line in lines[16:]]
    assert counts == [
        ["1", "loaded"],
        ["1", "stale", "2023-12-31"],
        ["1", "failed", "2024-01-01"],
        ["1", "running"],
        ["1", "queued"],
        ["1", "missing", "2024-01-04"],
    ]


def test_the_window_is_asked_of_the_server(command: Command, server: Answering) -> None:
    answer(server, "2013-01-01", "l")
    command("days", "3", "--year", "2013")
    command("days", "3", "--from", "2013-02", "--to", "2013-03")
    command("days", "3", "--from", "-3d")
    assert server.asked[0].target == f"{PATH}?from=2013-01-01&to=2013-12-31"
    assert server.asked[1].target == f"{PATH}?from=2013-02-01&to=2013-03-31"
    assert server.asked[2].target.startswith(f"{PATH}?from=20")


def test_a_transfer_without_days_is_an_empty_list(command: Command, server: Answering) -> None:
    answer(server, "2013-01-01", "")
    assert json.loads(command("days", "3").out) == []
    assert "No day" in command("days", "3", "-o", "table").err
