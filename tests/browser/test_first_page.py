"""What the page of 10,000 days costs to open, as the browser counts it: no time, which a busy machine decides."""

from __future__ import annotations

from collections.abc import Callable

import houses
from person import Person
from real_server import RealServer
from test_every_page import settled
from wire import Wire


def test_ten_thousand_days_open_within_the_budget(long_house: RealServer, comes: Callable[..., Person]) -> None:
    comes(long_house)  # who signs in has the scripts already
    me = comes(long_house)
    wire = Wire(me)
    settled(me, f"/transfers/{long_house.ids[houses.ADS]}")
    assert wire.requests + 1 <= 8, "with the stream of the worker"
    assert 30_000 < wire.size <= 60_000
    assert me.page.evaluate("() => document.querySelectorAll('*').length") <= 1_500
