"""The reference of sources says what the sources do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dayfill import sources
from dayfill.engine.sources import RESERVED
from dayfill.sources.demo_ads.script import FAILURES

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "sources.md").read_text("utf-8")


@pytest.mark.parametrize("kind", sorted(sources.KINDS))
def test_every_source_and_setting_is_described(kind) -> None:
    section = re.split(r"^## ", TEXT, flags=re.MULTILINE)
    described = next(part for part in section if part.startswith(kind))
    listed = re.findall(r"^\| `(\w+)` \|", described, re.MULTILINE)
    assert sorted(listed) == sorted(setting.setting_id for setting in sources.get(kind).settings)


def test_the_failing_days_are_those_of_the_reference() -> None:
    rows = dict(re.findall(r"^\| ([A-Z_]+) \| ([^|]+) \|", TEXT, re.MULTILINE))
    named = {
        offset: cause
        for cause, offsets in rows.items()
        for first, last in re.findall(r"(\d+)(?: to (\d+))?", offsets)
        for offset in range(int(first), int(last or first) + 1)
    }
    assert named == dict(FAILURES)


def test_an_unknown_source_is_refused_with_the_known_ones() -> None:
    with pytest.raises(sources.Permanent, match="known are DEMO_ADS, FILES, SQL"):
        sources.get("NOPE")


def test_the_settings_that_every_source_has_are_described() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", TEXT.split("## ")[0], re.MULTILINE)
    assert listed == [setting.setting_id for setting in RESERVED]
