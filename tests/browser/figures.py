"""What the page of a transfer of 10,000 days costs: ``make test-ui ARGS="tests/browser/figures.py -s"`` prints it.

Beside each figure stands the bar that it is held to on a machine that does nothing else; no test asserts a time.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator

import houses
import pytest
from furnished import ago
from person import Person
from real_server import RealServer
from test_every_page import settled
from test_what_goes_wrong import api
from wire import ALONE, Wire

SECONDS = 60
FRAMES = """() => { window.frames = 0; window.moved = new Map();
  const frame = () => { window.frames++; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
  document.addEventListener("told", ({detail}) => detail.d && requestAnimationFrame(() => {
    for (const token of detail.d.split(" ")) window.moved.set(parseInt(token.slice(0, -1), 16), Date.now());
    window.changes = (window.changes ?? 0) + detail.d.split(" ").length; }));
}"""
"""Count frames, and note when each day was last drawn anew."""
GREY = "() => document.body.classList.contains('is-old')"
Comes = Callable[..., Person]


def say(name: str, value: str, bar: str) -> None:
    sys.stdout.write(f"\n  {name:<72}{value:>14}   {bar}")


@pytest.fixture(scope="session")
def paced_house(serves: Callable[..., RealServer]) -> Iterator[RealServer]:
    """Days that are loaded at once, 250 a second: each is claimed and loaded, which makes 500 changes."""
    yield serves(houses.quick, PACE="250")


@pytest.mark.parametrize("is_working", [True, False], ids=["backfill at work", "at rest"])
def test_first_page(is_working: bool, long_house: RealServer, paced_house: RealServer, comes: Comes) -> None:
    server = long_house if is_working else paced_house
    paints = []
    for _ in range(5):
        me = comes(server)
        wire = Wire(me)
        settled(me, f"/transfers/{server.ids[houses.ADS]}")
        paint = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
        paints.append(me.page.wait_for_function(paint).json_value())
    what = f"first page, 10,000 days, {'a backfill at work' if is_working else 'at rest'}"
    say(f"{what}: requests, with the worker's stream", f"{wire.requests + 1}", "at most 8")
    say(f"{what}: on the wire", f"{wire.size / 1000:.1f} kB", "at most 60 kB")
    nodes = me.page.evaluate("() => document.querySelectorAll('*').length")
    say(f"{what}: elements", f"{nodes:,}", "at most 1,500")
    say(f"{what}: first paint", f"{statistics.median(paints):.0f} ms", "at most 400 ms")


@pytest.mark.timeout(300)
def test_a_minute_of_500_changes_a_second(paced_house: RealServer, comes: Comes) -> None:
    me, transfer = comes(paced_house), paced_house.ids[houses.ADS]
    me.page.add_init_script(ALONE)
    wire = Wire(me)
    settled(me, f"/transfers/{transfer}")
    me.page.evaluate(FRAMES)
    began, late, loaded = time.time(), [], wire.size
    last = api(paced_house, "POST", f"transfers/{transfer}/backfills", ago(9_959), ago(0))
    alone = iter(range(9_999, 9_960, -1))
    while time.time() - began < SECONDS:
        me.page.wait_for_timeout(2_500)
        day = next(alone)
        api(paced_house, "POST", f"transfers/{transfer}/backfills", ago(day), ago(day))
        sent = time.time() * 1000
        drawn = me.page.wait_for_function("(at) => window.moved.get(at)", arg=9_999 - day).json_value()
        late.append(drawn - sent)
    seconds = time.time() - began
    frames, changes = me.page.evaluate("() => [window.frames, window.changes]")
    stream, parts = (count / seconds / 1000 for count in (wire.streamed, wire.size - loaded))
    say("changes drawn", f"{changes / seconds:.0f} a second", "about 500")
    say("frames", f"{frames / seconds:.0f} a second", "at least 55")
    say("from the commit of a change to the screen, median", f"{statistics.median(late):.0f} ms", "at most 1,000 ms")
    say("the same, the latest", f"{max(late):.0f} ms", "at most 1,000 ms")
    say("on the wire: the stream", f"{stream:.1f} kB/s", "")
    say("the same, and the parts that are read again", f"{stream + parts:.1f} kB/s", "at most 10 kB/s")
    assert last


def test_how_soon_a_killed_server_is_told(lively: RealServer, comes: Comes) -> None:
    me = comes(lively)
    me.expected += ["ERR_", "htmx"]
    settled(me, f"/transfers/{lively.ids[houses.ADS]}")
    lively.kill()
    began = time.time()
    me.page.wait_for_function(GREY)
    say("from kill -9 to grey and dated numbers", f"{1000 * (time.time() - began):.0f} ms", "at most 2,000 ms")
