"""What is done with several transfers at once, and with the schedule of one."""

from __future__ import annotations

import pytest
from browsing import FROM_HERE, Browser, SignedIn
from scenes import loaded

import seeds
from dayfill.domain.access import Role
from installation import Installation


async def send(browser: Browser, do: str, *transfers: object) -> str:
    """Mark these in the list and press a button; returns what the page then says."""
    await browser.open("/transfers")
    fields = {"csrf": browser.token(), "do": do, "transfer": [str(one) for one in transfers]}
    answer = await browser.post("/transfers/bulk", data=fields, headers=FROM_HERE)
    assert answer.next_request is not None, answer.text
    return str(answer.next_request.url.params["toast"])


def states(made: Installation) -> list[str]:
    return [state for (state,) in made.execute("SELECT state FROM transfers ORDER BY transfer_id")]


async def test_several_transfers_are_paused_and_go_on(installation: Installation, browser: Browser) -> None:
    first, second, third = [(await seeds.transfer(installation, name)).transfer_id for name in ("A", "B", "C")]
    assert await send(browser, "pause", first, third, third) == "2 transfers paused."
    assert states(installation) == ["paused", "active", "paused"]
    assert await send(browser, "resume", first, second, third) == "3 transfers resumed."
    assert states(installation) == ["active"] * 3
    acts = installation.execute(
        "SELECT action, object FROM audit WHERE action LIKE 'transfer.%pause' ORDER BY audit_id"
    )
    assert acts[:2] == [("transfer.pause", f"transfer:{first}"), ("transfer.pause", f"transfer:{third}")]
    assert [action for action, _ in acts[2:]] == ["transfer.unpause"] * 3


async def test_one_that_refuses_stops_no_other_and_is_named(installation: Installation, browser: Browser) -> None:
    failing = await loaded(installation, "Ads", days=10, failed=2)
    healthy = await loaded(installation, "Flights", days=5, failed=0)
    said = await send(browser, "retry", healthy, failing, 999)
    assert said.startswith("1 transfer tried again, 2 days. Not Flights: ")
    assert "Not 999: it is gone, or another team has it." in said
    assert await send(browser, "run", failing, healthy) == "2 transfers started, 4 days."
    assert installation.woken


@pytest.mark.parametrize(
    "fields", [{}, {"do": "delete", "transfer": "1"}, {"do": "run"}, {"do": "run", "transfer": "x"}]
)
async def test_what_is_not_chosen_is_asked_for(browser: Browser, fields: dict[str, str]) -> None:
    await browser.open("/transfers")
    assert (await browser.submit("/transfers/bulk", **fields)).status_code == 400


async def test_who_may_change_nothing_sees_why(installation: Installation, signed_in: SignedIn) -> None:
    transfer = await seeds.transfer(installation)
    viewer = await signed_in(Role.VIEWER)
    await viewer.open("/transfers")
    assert 'value="pause" disabled title="Your role VIEWER' in viewer.page
    for path in ("/transfers/bulk", f"/transfers/{transfer.transfer_id}/pause"):
        assert (await viewer.submit(path, do="pause", transfer="1")).status_code == 403
    assert states(installation) == ["active"]


async def test_the_schedule_of_a_transfer_is_paused_at_its_page(installation: Installation, browser: Browser) -> None:
    at = f"/transfers/{(await seeds.transfer(installation)).transfer_id}"
    await browser.open(at)
    assert "dayfill transfer pause 1" in browser.page and "Resume schedule" not in browser.page
    await browser.submit(at + "/pause")
    await browser.open(at)
    assert states(installation) == ["paused"] and "Resume schedule</button>" in browser.page
    await browser.submit(at + "/resume")
    assert states(installation) == ["active"]


async def test_a_connection_is_tested(installation: Installation, browser: Browser) -> None:
    await seeds.transfer(installation, "Ads")
    [(source, connection_id)] = installation.execute("SELECT data_source_id, connection_id FROM connections")
    await browser.open("/connections")
    assert source == "FILES" and "This source has no login" in browser.page
    installation.execute("UPDATE connections SET data_source_id = 'DEMO_ADS'")
    await browser.open("/connections")
    assert f"/ds/login/{connection_id}/accounts" in browser.page and "This source has no login" not in browser.page
    answer = await browser.submit(f"/connections/{connection_id}/test")
    assert answer.next_request is not None and "it reaches 3 accounts." in answer.next_request.url.params["toast"]
    installation.execute("UPDATE connections SET revoked_time = 0")
    answer = await browser.post(
        f"/connections/{connection_id}/test", data={"csrf": browser.token()}, headers=FROM_HERE | {"HX-Request": "true"}
    )
    assert '<p class="problem">' in answer.text and "it was revoked at" in answer.text
    assert (await browser.submit("/connections/99/test")).status_code == 404


async def test_a_run_is_done_again_at_its_page(installation: Installation, browser: Browser) -> None:
    await loaded(installation, "Ads", days=3, failed=1)
    await browser.open("/runs/1")
    assert "Load it again</button>" in browser.page and "dayfill backfill create 1 2024-06-14" in browser.page
    part = (await browser.open("/runs/1", headers={"HX-Request": "true"})).text
    assert "data-page-title" in part and "<html" not in part


async def test_what_is_done_to_a_backfill_can_be_copied(installation: Installation, browser: Browser) -> None:
    await loaded(installation, "Ads", days=3, failed=1)
    page = (await browser.open("/backfills/1")).text
    assert "dayfill backfill retry 1" in page and "/x/v1/teams/1/backfills/1/retry" in page
    assert "dayfill backfill pause" not in page, "it has ended"
