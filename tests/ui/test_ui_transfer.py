"""The page of a transfer: what it shows, what it costs, and what is done at it."""

from __future__ import annotations

import gzip
import re
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from html import unescape
from html.parser import HTMLParser

import pytest
from browsing import FROM_HERE, Browser

import seeds
from dayfill.domain.access import Role
from dayfill.errors import Permanent
from dayfill.ui.assets import ASSETS
from installation import Installation
from rig import Rig, ago, last

MARKUP = '<script>alert("1")</script>'
COLUMN = Permanent("SCHEMA", f"No column {MARKUP} here.")
SignedIn = Callable[[Role], Awaitable[Browser]]
HTMX = {**FROM_HERE, "HX-Request": "true"}


class Nodes(HTMLParser):
    """Counts the elements of a page."""

    count = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count += 1


@pytest.fixture
def rig(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Rig:
    return Rig.create(installation, monkeypatch)


async def failed(rig: Rig) -> tuple[int, int]:
    """A transfer and its FAILED backfill of ten days, two of which failed; the source is well again."""
    transfer = rig.transfer()
    rig.source.on(ago(1), ago(4), always=COLUMN)
    backfill = await rig.backfill(transfer, last(10))
    await rig.settle()
    rig.source.scripts.clear()
    return transfer, backfill


async def do(browser: Browser, path: str, **fields: str) -> str:
    """Send a form as a plain page does; returns what the page then says."""
    answer = await browser.submit(path, **fields)
    assert answer.status_code == 303, answer.text
    where = answer.headers["location"]
    await browser.open(where)
    return str(answer.next_request.url.params["toast"]) if answer.next_request else where


async def test_the_page_shows_each_day_and_each_cause(rig: Rig, browser: Browser) -> None:
    transfer, backfill = await failed(rig)
    page = (await browser.open(f"/transfers/{transfer}")).text
    assert f'data-start="{ago(9)}" data-states="lllllfllfl"' in page
    assert "Retry 2 failed days" in page and "Failing" in page
    assert f'href="/backfills/{backfill}"' in page
    assert "8 of 10" in page
    assert MARKUP not in page and "&lt;script&gt;" in page


async def test_its_tabs_lead_from_each_to_each(rig: Rig, browser: Browser) -> None:
    transfer, _ = await failed(rig)
    page = (await browser.open(f"/transfers/{transfer}")).text
    tabs = [unescape(one) for one in re.findall('<nav class="tabs".*?</nav>', page, re.DOTALL)]
    paths = re.findall(r'href="([^"]*)"', tabs[0])
    assert len(paths) == 6
    for path in paths:
        page = (await browser.open(path)).text
        [nav] = re.findall('<nav class="tabs".*?</nav>', page, re.DOTALL)
        assert re.findall(r'href="([^"]*)"', nav) == paths
        assert re.findall(r'href="([^"]*)" aria-current="page"', nav) == [path]
    for path in ("/runs", "/backfills", "/runs?transfer=77"):
        assert 'class="tabs"' not in (await browser.open(path)).text


async def test_a_transfer_without_any_day_offers_the_first_ones(installation: Installation, browser: Browser) -> None:
    transfer = await seeds.transfer(installation)
    page = (await browser.open(f"/transfers/{transfer.transfer_id}")).text
    assert "Nothing is loaded yet." in page
    assert f"dayfill backfill create {transfer.transfer_id} -30d yesterday --wait" in page


async def test_ten_thousand_days_stay_within_the_budget(rig: Rig, browser: Browser) -> None:
    transfer, first = rig.transfer(), date(1999, 1, 1)
    rows = [{"day": (first + timedelta(days=n)).isoformat(), "t": transfer, "s": "lllsf"[n % 5]} for n in range(10_000)]
    rig.db._writer.executemany(
        "INSERT INTO transfer_days (transfer_id, data_date, settled, row_count) VALUES (:t, :day, :s, 7)", rows
    )
    answer = await browser.open(f"/transfers/{transfer}", headers={"Accept-Encoding": "gzip"})
    nodes = Nodes()
    nodes.feed(answer.text)
    # Whatever a page of it may ever ask for, and not only what it names before a backfill runs.
    loaded = [*re.findall(r'="/static/[0-9a-f]+/([^"]+)"', answer.text), "calendar.js"]
    wire = sum(len(ASSETS[name].packed) for name in loaded)
    assert len(loaded) + 1 <= 8, loaded
    assert wire + len(gzip.compress(answer.content, 4)) <= 60_000
    assert len(answer.content) <= 24_576
    assert nodes.count <= 400, "the calendar adds up to 1,100"


async def test_one_cause_is_retried_by_one_form(rig: Rig, browser: Browser) -> None:
    transfer, backfill = await failed(rig)
    page = (await browser.open(f"/transfers/{transfer}")).text
    fingerprint = re.search(r'name="fingerprint" value="([0-9a-f]{16})"', page)
    assert fingerprint
    said = await do(browser, f"/transfers/{transfer}/retry", cause="SCHEMA", fingerprint=fingerprint[1])
    assert said == "Queued 2 failed days again."
    assert "No day has failed." in browser.page and f"Backfill #{backfill}" in browser.page
    await rig.settle()
    assert (await rig.get(backfill)).status == "COMPLETED"
    assert rig.installation.woken > 0


async def test_a_refusal_says_why_and_changes_nothing(rig: Rig, browser: Browser) -> None:
    transfer, _ = await failed(rig)
    await browser.open(f"/transfers/{transfer}")
    answer = await browser.submit(f"/transfers/{transfer}/retry", cause="AUTH")
    assert answer.status_code == 422 and "No failed day matches" in answer.text


async def test_a_script_gets_a_word_and_no_page(rig: Rig, browser: Browser) -> None:
    transfer, _ = await failed(rig)
    await browser.open(f"/transfers/{transfer}")
    answer = await browser.post(f"/transfers/{transfer}/runs", data={"csrf": browser.token()}, headers=HTMX)
    assert answer.status_code == 204
    assert '"text": "1 day queued, before all other work."' in answer.headers["hx-trigger"]
    parts = (await browser.open(f"/transfers/{transfer}/parts", headers=HTMX)).text
    assert parts.count("<hx-partial ") == 7 and "<html" not in parts


async def test_a_backfill_is_paused_resumed_and_cancelled(rig: Rig, browser: Browser) -> None:
    transfer = rig.transfer()
    backfill = await rig.backfill(transfer, last(10))
    await browser.open(f"/transfers/{transfer}")
    assert "Backfilling" in browser.page and "Pause" in browser.page
    assert await do(browser, f"/backfills/{backfill}/pause") == f"Backfill {backfill} is paused."
    assert "Resume" in browser.page
    assert await do(browser, f"/backfills/{backfill}/resume") == f"Backfill {backfill} goes on."
    await browser.open(f"/backfills/{backfill}/cancel")
    assert "<b>10 queued days</b> will not run" in browser.page
    said = await do(browser, f"/backfills/{backfill}/cancel")
    assert said == f"Backfill {backfill} is cancelled: 10 queued days will not run."
    acts = [row[0] for row in rig.installation.execute("SELECT action FROM audit WHERE actor = 'session'")]
    assert acts[-3:] == ["backfill.pause", "backfill.resume", "backfill.cancel"]
    await browser.open(f"/backfills/{backfill}/cancel")
    assert "nothing is left to cancel" in browser.page


async def test_a_day_shows_its_runs_and_how_to_look_at_it(rig: Rig, browser: Browser) -> None:
    transfer, backfill = await failed(rig)
    page = (await browser.open(f"/transfers/{transfer}/days/{ago(1)}")).text
    assert "Failed" in page and f'href="/backfills/{backfill}"' in page
    assert "&lt;script&gt;" in page and MARKUP not in page
    assert f"SELECT * FROM &#34;visits&#34; WHERE &#34;date&#34; = DATE &#39;{ago(1)}&#39; LIMIT 100;" in page
    await do(browser, f"/transfers/{transfer}/runs", day=str(ago(1)))
    await rig.settle()
    page = (await browser.open(f"/transfers/{transfer}/days/{ago(1)}", headers=HTMX)).text
    assert "Completed" in page and "Load this day again" in page and "<html" not in page


@pytest.mark.parametrize("day", ["2024-02-30", "today", "1900-01-01"])
async def test_a_day_that_cannot_be_is_no_page(rig: Rig, browser: Browser, day: str) -> None:
    assert (await browser.open(f"/transfers/{rig.transfer()}/days/{day}")).status_code == 404


async def test_the_table_counts_the_days_of_each_month(rig: Rig, browser: Browser) -> None:
    transfer, _ = await failed(rig)
    page = (await browser.open(f"/transfers/{transfer}/days")).text
    row = re.search(r'<th scope="row"><a[^>]*>2024-06</a></th>(.*?)</tr>', page, re.DOTALL)
    assert row and re.findall(r">(\d+)<", row[1]) == ["8", "0", "2", "0", "0", "0"]
    # Each number leads to its days, and they to their runs.
    links = re.findall(r'href="(/transfers/[^"]*month[^"]*)"', page)
    at = f"/transfers/{transfer}/days?month=2024-06"
    assert [unescape(link) for link in links] == [at, f"{at}&show=loaded", f"{at}&show=failed"]
    page = (await browser.open(f"{at}&show=failed")).text
    assert re.findall(r"/days/([\d-]+)\"", page) == [str(ago(4)), str(ago(1))]
    [runs] = re.findall(r'href="(/runs[^"]*)"', page)[-1:]
    page = (await browser.open(unescape(runs))).text
    assert len(re.findall(r'<tr id="run-', page)) == 2 and "The days" in page
    assert len(re.findall(r'<tr id="run-', (await browser.open(f"/runs?transfer={transfer}&month=2024-06")).text)) == 10
    assert "No run yet" in (await browser.open(f"/runs?transfer={transfer}&month=2024-05")).text
    assert (await browser.get(f"/runs.csv?transfer={transfer}&month=2024-06&show=failed")).text.count("FAILED") == 2
    assert len(re.findall(r"/days/[\d-]+\"", (await browser.open(at)).text)) == 10
    assert "No day of 2024-05" in (await browser.open(f"/transfers/{transfer}/days?month=2024-05")).text


@pytest.mark.parametrize(
    "query", ["month=2024-13", "month=x", "month=0001-01", "month=2024-06&show=odd", "month=2024-6"]
)
async def test_a_link_to_no_month_or_state_says_so(rig: Rig, browser: Browser, query: str) -> None:
    answer = await browser.open(f"/transfers/{rig.transfer()}/days?{query}")
    assert answer.status_code == 400 and "link" in answer.text


async def test_a_viewer_sees_why_a_button_does_nothing(
    rig: Rig, signed_in: Callable[[Role], Awaitable[Browser]]
) -> None:
    transfer, backfill = await failed(rig)
    viewer = await signed_in(Role.VIEWER)
    page = (await viewer.open(f"/transfers/{transfer}")).text
    assert "Your role VIEWER" in page
    assert not re.search(r"<button(?![^>]*disabled)[^>]*>(Run now|Retry|Backfill)", page)
    for path in (f"/transfers/{transfer}/runs", f"/transfers/{transfer}/retry", f"/backfills/{backfill}/cancel"):
        assert (await viewer.submit(path)).status_code == 403
    new = f"/transfers/{transfer}/backfills/new"
    assert (await viewer.submit(new, start="2024-06-01", end="2024-06-02")).status_code == 403


async def test_another_teams_transfer_is_not_there(rig: Rig, browser: Browser, installation: Installation) -> None:
    transfer, backfill = await failed(rig)
    _, key = await installation.user(await installation.team("Second"), Role.OWNER)
    stranger = Browser(installation)
    await stranger.sign_in(key)
    for path in ("", "/days", f"/days/{ago(1)}", "/backfills/new", "/parts"):
        assert (await stranger.open(f"/transfers/{transfer}{path}")).status_code == 404, path
    assert (await stranger.open(f"/backfills/{backfill}/cancel")).status_code == 404
    await stranger.open("/")
    for path in (f"/transfers/{transfer}/runs", f"/transfers/{transfer}/retry", f"/backfills/{backfill}/retry"):
        assert (await stranger.submit(path)).status_code == 404, path
