"""The server is killed and started again while somebody looks: what is old is grey and dated, then it goes on."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable

import houses
import pytest
from furnished import NEWEST, ago
from person import Person
from playwright.sync_api import expect
from real_server import RealServer
from test_what_goes_wrong import api

Comes = Callable[..., Person]
GREY = "() => Number(getComputedStyle(document.querySelector('%s')).opacity) < 0.6"


@pytest.mark.parametrize("path, number", [("/transfers/{}", ".live-number"), ("/backfills", "#moving")])
def test_numbers_are_grey_and_dated_then_live_again(path: str, number: str, lively: RealServer, comes: Comes) -> None:
    me = comes(lively)
    transfer = lively.ids[houses.ADS]
    me.opens(path.format(transfer))
    expect(me.page.locator("#live")).to_have_text("live")
    api(lively, "POST", f"transfers/{transfer}/backfills", ago(29), NEWEST)
    me.sees(re.compile("[1-9] running"))
    me.expected += ["ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET"]
    lively.kill()
    me.page.wait_for_function(GREY % number)
    me.sees(re.compile(r"^reconnecting, as it was at \d\d:\d\d:\d\d$"), "#live")
    lively.start()
    expect(me.page.locator("#live")).to_have_text("live")
    expect(me.page.locator(number).first).to_have_css("opacity", "1")
    # What was under way goes on, and the page with it.
    me.sees("Completed")


def test_a_server_that_hangs_is_told_though_its_connection_lives(lively: RealServer, comes: Comes) -> None:
    me = comes(lively)
    me.opens(f"/transfers/{lively.ids[houses.ADS]}")
    expect(me.page.locator("#live")).to_have_text("live")
    assert lively.process is not None
    lively.process.send_signal(signal.SIGSTOP)
    me.page.wait_for_function(GREY % ".live-number")
    me.sees("reconnecting, as it was at", "#live")
    lively.process.send_signal(signal.SIGCONT)
    expect(me.page.locator("#live")).to_have_text("live")
    expect(me.page.locator(".live-number").first).to_have_css("opacity", "1")
