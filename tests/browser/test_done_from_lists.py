"""What is done from lists and beside titles, by mouse and by keyboard alone: several transfers, a schedule, a login."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import houses
import pytest
from furnished import ago
from person import Person
from playwright.sync_api import expect
from real_server import RealServer

Comes = Callable[..., Person]
NAMES = (houses.ADS, houses.SHOP)


@pytest.fixture
def server(serves: Callable[..., RealServer]) -> Iterator[RealServer]:
    made = serves(houses.several)
    yield made
    made.kill()


def state(me: Person, server: RealServer, name: str, word: str) -> None:
    """The list says this of the transfer."""
    expect(me.page.locator(f"#transfer-{server.ids[name]} .word")).to_have_text(word)


def test_marked_transfers_are_retried_paused_and_resumed(server: RealServer, comes: Comes) -> None:
    me = comes(server)
    me.opens("/transfers")
    expect(me.page.locator("#live")).to_have_text("live")
    me.sees("Mark transfers to act on several at once.", "#bulk")
    for name in NAMES:
        state(me, server, name, "Failing")
        me.page.get_by_label(f"Mark {name}").check()
    me.sees("2 marked:", "#bulk")
    me.button("Retry failed days").click()
    me.sees("2 transfers tried again, 4 days.", "#toasts")
    for name in NAMES:
        state(me, server, name, "Healthy")
    # What is marked stays so while the list moves: the next thing is one click.
    me.sees("2 marked:", "#bulk")
    me.button("Pause schedule").click()
    me.sees("2 transfers paused.", "#toasts")
    for name in NAMES:
        state(me, server, name, "Paused")
    me.page.get_by_label(f"Mark {houses.SHOP}").uncheck()
    me.button("Resume schedule").click()
    me.sees("1 transfer resumed.", "#toasts")
    state(me, server, houses.ADS, "Healthy")
    state(me, server, houses.SHOP, "Paused")


def test_the_same_by_keyboard_alone(server: RealServer, comes: Comes) -> None:
    me = comes(server)
    me.opens("/transfers")
    expect(me.page.locator("#live")).to_have_text("live")
    for name in NAMES:
        me.tab_to(f"Mark {name}")
        me.press("Space")
    me.sees("2 marked:", "#bulk")
    me.tab_to("Run now")
    me.press("Enter")
    me.sees("2 transfers started, 14 days.", "#toasts")
    me.focused("Run now")
    me.tab_to("Pause schedule")
    me.press("Enter")
    me.sees("2 transfers paused.", "#toasts")
    for name in NAMES:
        state(me, server, name, "Paused")


def test_a_schedule_is_paused_and_goes_on(server: RealServer, comes: Comes) -> None:
    me = comes(server)
    me.opens(f"/transfers/{server.ids[houses.ADS]}")
    expect(me.page.locator("#live")).to_have_text("live")
    me.sees("next run 2024-06-16", "#next")
    me.button("Pause schedule").click()
    me.sees("The schedule is paused; backfills go on.", "#toasts")
    me.sees("Paused", "#word")
    expect(me.page.locator("#next")).not_to_be_visible()
    me.button("Resume schedule").click()
    me.sees("The schedule goes on at its next time.", "#toasts")
    me.sees("next run 2024-06-16", "#next")
    me.sees("Failing", "#word")
    # By keyboard: the button that takes its place has the focus.
    me.tab_to("Pause schedule")
    me.press("Enter")
    expect(me.button("Resume schedule")).to_be_visible()
    me.focused("Resume schedule")
    me.press("Enter")
    expect(me.button("Pause schedule")).to_be_visible()
    me.sees("Failing", "#word")


def test_a_login_and_a_destination_are_tested(server: RealServer, comes: Comes) -> None:
    me = comes(server)
    me.opens("/connections")
    me.button("Test DEMO_ADS-1").click()
    me.sees("The source accepts it; it reaches 3 accounts.")
    me.opens("/destinations")
    me.button("Test Warehouse").click()
    me.sees("Can be reached and written.")
    for path, name, says in (
        ("/connections", "Test DEMO_ADS-1", "accepts"),
        ("/destinations", "Test Warehouse", "Can"),
    ):
        me.opens(path)
        me.tab_to(name)
        me.press("Enter")
        me.sees(says, "[id^=tested-]")
        me.focused(name)


def test_from_the_table_to_a_day_and_its_runs(server: RealServer, comes: Comes) -> None:
    me = comes(server)
    me.opens(f"/transfers/{server.ids[houses.ADS]}")
    me.tab_to("Show as table")
    me.press("Enter")
    me.sees("Days by month", "h1")
    me.tab_to("2 failed in 2024-06")
    me.press("Enter")
    me.sees("2 failed days", "h1")
    me.tab_to(f"{ago(3)}")
    me.press("Enter")
    me.sees("TIMEOUT", "#drawer")
    me.press("Escape")
    me.focused(f"{ago(3)}")
    me.link("Failed runs of this month").click()
    expect(me.page.locator("#moving tbody tr")).to_have_count(2)
    me.link("The days").click()
    me.sees("2024-06", "h1")
