"""The reference names every setting and every command, and nothing that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cyclopts import App
from house_tree import ROOT

from dayfill.cli import build_app
from dayfill.cli.exits import Exit
from dayfill.settings.keys import KNOWN

REFERENCE = ROOT / "docs" / "reference"


def headings(file: str) -> set[str]:
    return set(re.findall(r"^#{2,3} (.+)$", (REFERENCE / file).read_text("utf-8"), re.MULTILINE))


def commands(app: App, path: str = "dayfill") -> Iterator[str]:
    for name in app:
        if name.startswith("-"):
            continue
        verbs = list(commands(app[name], f"{path} {name}"))
        yield from verbs or [f"{path} {name}"]


def test_every_command_has_its_heading() -> None:
    assert headings("cli.md") == set(commands(build_app()))


def test_every_exit_code_has_its_meaning() -> None:
    rows = re.findall(r"^\| ([\d, ]+) \|", (REFERENCE / "cli.md").read_text("utf-8"), re.MULTILINE)
    assert {int(code) for row in rows for code in row.split(",")} == {int(code) for code in Exit}


def test_every_setting_has_its_heading() -> None:
    assert headings("settings.md") - {"Server", "Client"} == KNOWN


def test_every_decision_says_what_it_costs() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(path.name[:4]) for path in decisions] == list(range(1, len(decisions) + 1))
    for path in decisions:
        text = path.read_text("utf-8")
        assert all(f"**{part}" in text for part in ("Context", "Choice", "Cost")), path.name
