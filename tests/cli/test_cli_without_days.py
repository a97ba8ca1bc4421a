"""Tables without days, held against their source and their ledger by `dayfill verify` and `dayfill doctor`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import Command

from loaded import Loaded, day


@pytest.fixture
def made(tmp_path: Path, clean: None) -> Loaded:
    """Table pages beside table visits, loaded."""
    made = Loaded.make(tmp_path)
    [(tables,)] = made.in_state("SELECT tables FROM table_groups")
    [visits] = json.loads(str(tables))
    group = [visits, visits | {"name": "pages", "partition": "none"}]
    made.in_state("UPDATE table_groups SET tables = ?", json.dumps(group))
    made.refresh_whole()
    return made


def test_they_are_compared_with_their_source_and_with_what_the_table_holds(made: Loaded, command: Command) -> None:
    def found(*options: str) -> dict[str | None, str]:
        ran = command("verify", 1, "--data-dir", made.directory, *options)
        return {one["date"]: one["found"] for one in json.loads(ran.out)}

    assert found() == {None: "equal"} | {str(day(n)): "equal" for n in range(5)}
    made.in_warehouse("DELETE FROM pages WHERE n = 0")
    assert found()[None] == "the table differs from its ledger"
    assert None not in found("--from", str(day(0)))
    made.write_source(changed=[day(3)])
    assert found()[None] == "source and table both differ from the ledger"
    shown = command("verify", 1, "--data-dir", made.directory, "-o", "table")
    assert "1 source and table both differ from the ledger: tables without days" in shown.out


def test_the_doctor_finds_what_was_deleted_by_hand_and_a_refresh_heals_it(made: Loaded, command: Command) -> None:
    assert command("doctor", "--data-dir", made.directory).code == 0
    made.in_warehouse("DELETE FROM pages WHERE n = 0")
    ran = command("doctor", "--data-dir", made.directory)
    assert ran.code == 1 and "pages has 9 rows, its ledger says 10" in ran.out + ran.err
    assert "Such days: tables without days" in ran.out + ran.err
    assert command("doctor", "--repair", "--data-dir", made.directory).code == 0
    assert made.states() == "s" + "l" * 5
    made.refresh_whole()
    assert made.states() == "l" * 6 and command("doctor", "--data-dir", made.directory).code == 0
