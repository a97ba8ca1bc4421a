"""What the pages of 10,000 days cost to open, as the browser counts it: no time, which a busy machine decides."""

from __future__ import annotations

from collections.abc import Callable

import houses
import pytest
from person import Person
from real_server import RealServer
from test_every_page import settled
from wire import Wire


@pytest.mark.parametrize(
    ("kind", "of", "at_least"), [("transfers", houses.ADS, 30_000), ("backfills", "backfill", 25_000)]
)
def test_ten_thousand_days_open_within_the_budget(
    long_house: RealServer, comes: Callable[..., Person], kind: str, of: str, at_least: int
) -> None:
    comes(long_house)  # who signs in has the scripts already
    me = comes(long_house)
    wire = Wire(me)
    settled(me, f"/{kind}/{long_house.ids[of]}")
    assert wire.requests + 1 <= 8, "with the stream of the worker"
    assert at_least < wire.size <= 60_000
    assert me.page.evaluate("() => document.querySelectorAll('*').length") <= 1_500
