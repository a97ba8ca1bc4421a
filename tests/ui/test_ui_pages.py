"""The pages show what is true, to whom it may be shown, and everything that somebody typed as text."""

from __future__ import annotations

import csv
import re
from datetime import timedelta
from urllib.parse import quote

import pytest
from browsing import FROM_HERE, Browser
from scenes import EVIL, LAST, SHOWN, loaded, named, waiting

import seeds
from dayfill.domain.access import Role
from dayfill.ui import overview
from installation import Installation
from worker import claim_some, finish

LISTS = ["/", "/transfers", "/backfills", "/runs", "/destinations", "/connections"]


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


async def shown(browser: Browser, path: str) -> str:
    answer = await browser.open(path)
    assert answer.status_code == 200, answer.text
    return text_of(answer.text)


@pytest.mark.parametrize("path", LISTS)
async def test_a_page_without_anything_says_what_to_do(path: str, browser: Browser) -> None:
    assert re.search("dayfill (demo|destination)|No (backfill|run|connections)", await shown(browser, path))
    assert "Mark transfers" not in browser.page and "Find by name" not in browser.page
    if path in ("/", "/transfers", "/destinations", "/connections"):
        assert 'href="/transfers/new"' in browser.page, "the first step is a click away"


async def test_the_overview_says_in_one_sentence_how_all_is(installation: Installation, browser: Browser) -> None:
    failing = await loaded(installation, "Ads", days=30, failed=3)
    assert "0 of 1 transfer is healthy, 1 needs you." in await shown(browser, "/")
    await loaded(installation, "Flights", failed=0)
    await named(installation, "Young")
    page = await shown(browser, "/")
    assert "1 of 3 transfers is healthy, 1 needs you, 1 empty." in page
    assert "Ads Failing 3 failed days" in page
    assert "The columns do not fit." in page
    assert f'href="/transfers/{failing}#causes"' in browser.page
    await waiting(installation, failing)
    await finish(installation, await claim_some(installation, 2))
    installation.pass_time(minutes=1)
    page = await shown(browser, "/")
    assert "40 % 2 of 5 loaded 0 failed 0 running 3 queued" in page
    assert "45 s to 3 min left at 2 days/min" in page
    assert 'title="Backfills at work">1<' in browser.page


async def test_who_needs_somebody_is_found_beyond_the_first_ones(
    installation: Installation, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "MOST_TRANSFERS", 2)
    for name, failed in (("A", 0), ("B", 1), ("C", 0), ("Z", 2)):
        await loaded(installation, name, days=3, failed=failed)
    page = await shown(browser, "/")
    assert "1 of the first 2 of 4 transfers is healthy, 2 of all need you." in page
    assert "B Failing 1 failed day" in page and "Z Failing 2 failed days" in page
    monkeypatch.setattr(overview, "MOST_NEEDS", 1)
    await browser.open("/")
    [more] = re.findall(r'1 more transfer needs you: see <a href="([^"]*)"', browser.page)
    await browser.open(more)
    assert re.findall(r'aria-label="Mark (\w+)"', browser.page) == ["B", "Z"]
    assert 'value="needs" selected' in browser.page
    installation.execute("UPDATE transfers SET state = 'paused'")
    assert "No transfer needs somebody" in await shown(browser, more)


async def test_the_list_of_transfers_counts_their_days(installation: Installation, browser: Browser) -> None:
    await loaded(installation, "Ads", days=30, failed=3)
    page = await shown(browser, "/transfers")
    assert "90 % 27 of 30 3 2024-06-11" in page
    assert f"{LAST - timedelta(days=28)} to 2024-06-15: 26 loaded, 3 failed, 1 missing" in browser.page
    installation.execute("UPDATE transfer_days SET settled = 'l'")
    assert "27 of 30" in await shown(browser, "/transfers"), "counted once for each version of the days"
    installation.execute("UPDATE transfers SET days_version = days_version + 1")
    assert "100 % 30 of 30 0 2024-06-14" in await shown(browser, "/transfers")


async def test_the_picture_of_a_transfer_that_is_over_ends_with_its_last_day(
    installation: Installation, browser: Browser
) -> None:
    await loaded(installation, "Old", failed=0)
    installation.execute("UPDATE schedules SET next_time = NULL")
    await shown(browser, "/transfers")
    assert f"{LAST - timedelta(days=29)} to {LAST}: 30 loaded" in browser.page


async def test_a_transfer_says_why_it_does_nothing(installation: Installation, browser: Browser) -> None:
    transfer = await loaded(installation, "Ads", failed=0)
    until = int((installation.now + timedelta(minutes=30)).timestamp() * 1_000_000)
    park = "UPDATE connections SET parked_until = :until, parked_cause = :cause, parked_reason = 'The login expired.'"
    installation.execute(park, until=until, cause="RATE_LIMIT")
    assert "Waiting until 2024-06-15 12:30 UTC" in await shown(browser, "/transfers")
    assert "RATE_LIMIT The login expired. Tried again at 2024-06-15 12:30 UTC ." in await shown(browser, "/connections")
    installation.execute(park, until=until, cause="AUTH")
    assert "Ads Needs login AUTH The login expired." in await shown(browser, "/")
    assert "Needs login" in await shown(browser, f"/transfers/{transfer}")
    installation.execute("UPDATE connections SET revoked_time = 1, parked_until = 0")
    assert "AUTH Its connection was revoked." in await shown(browser, "/")
    installation.execute("UPDATE connections SET revoked_time = NULL")
    installation.execute("UPDATE transfers SET state = 'paused' WHERE transfer_id = :id", id=transfer)
    assert "Paused" in await shown(browser, "/transfers")


async def test_a_transfer_is_the_same_in_a_list_and_on_its_page(installation: Installation, browser: Browser) -> None:
    transfer = await loaded(installation, "Ads", failed=3)
    installation.execute("UPDATE runs SET cause = 'AUTH' WHERE status = 'FAILED'")
    assert "Ads Failing" in await shown(browser, "/")
    page = await shown(browser, f"/transfers/{transfer}")
    assert "Failing" in page and "Needs login" not in page, "of days, not of the login"


async def test_backfills_are_shown_at_work_and_ended(installation: Installation, browser: Browser) -> None:
    first = await loaded(installation, "Ads", days=30, failed=3)
    second = await loaded(installation, "Flights", failed=0)
    await waiting(installation, first)
    page = await shown(browser, "/backfills")
    assert "Ads #3 2023-05-11 to 2023-05-15 waits for its first days" in page
    assert "#1 Ads 2024-05-16 to 2024-06-14 Failed 27 of 30 3 2,700" in page
    assert "#2 Flights 2024-05-16 to 2024-06-14 Completed 30 of 30 0 3,000" in page
    page = await shown(browser, f"/backfills?transfer={second}")
    assert "#2 Flights" in page and "#1 Ads" not in page and "No backfill is at work." in page
    assert f'<option value="{second}" selected>Flights' in browser.page


async def test_one_backfill_says_how_far_it_is_and_what_failed(installation: Installation, browser: Browser) -> None:
    transfer = await loaded(installation, "Ads", days=30, failed=3)
    page = await shown(browser, "/backfills/1")
    assert "100 % 27 of 30 loaded 3 failed 0 running 0 queued 2,700 rows" in page
    assert "3 SCHEMA No column x. The columns do not fit." in page
    assert "Retry 3 failed days" in page
    second = await waiting(installation, transfer)
    await finish(installation, await claim_some(installation, 2))
    installation.pass_time(minutes=1)
    page = await shown(browser, f"/backfills/{second}")
    assert f"<title>40% · Backfill {second} of Ads · dayfill</title>" in browser.page
    assert "45 s to 3 min left at 2 days/min" in page
    part = (await browser.get(f"/backfills/{second}", headers={"HX-Request": "true"})).text
    assert "<html" not in part and f'data-page-title="40% · Backfill {second} of Ads · dayfill"' in part
    assert (await browser.submit(f"/backfills/{second}/pause")).status_code == 303
    assert "Paused" in await shown(browser, f"/backfills/{second}")
    assert (await browser.open("/backfills/99")).status_code == 404


async def test_runs_come_newest_first_in_pages_of_fifty(installation: Installation, browser: Browser) -> None:
    transfer = await loaded(installation, "Ads", days=70, failed=60)
    found, path, pages = [], "/runs", 0
    while path:
        await shown(browser, path)
        found += re.findall(r'href="/runs/(\d+)"', browser.page)
        more = re.search(r'href="(/runs\?[^"]*before=[^"]*)"', browser.page)
        path, pages = (more[1].replace("&amp;", "&") if more else ""), pages + 1
    assert [int(one) for one in found] == list(range(70, 0, -1))
    assert pages == 2
    for filters in ("show=failed", f"show=failed&transfer={transfer}"):
        await shown(browser, f"/runs?{filters}")
        assert len(re.findall(r'href="/runs/\d+"', browser.page)) == 50
        [more] = re.findall(r'href="(/runs\?[^"]*before=[^"]*)"', browser.page)
        await shown(browser, more.replace("&amp;", "&"))
        assert len(re.findall(r'href="/runs/\d+"', browser.page)) == 10


async def test_runs_come_as_a_table_without_formulas(installation: Installation, browser: Browser) -> None:
    transfer = await loaded(installation, "=Ads", days=3, failed=1, message='+1, "so"')
    await loaded(installation, "Flights", days=2, failed=0)
    answer = await browser.get(f"/runs.csv?transfer={transfer}")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    found = list(csv.DictReader(answer.text.splitlines()))
    assert [(one["run_id"], one["status"], one["rows"]) for one in found] == [
        ("3", "COMPLETED", "100"),
        ("2", "COMPLETED", "100"),
        ("1", "FAILED", ""),
    ]
    assert (found[2]["transfer"], found[2]["message"]) == ("'=Ads", '\'+1, "so"')
    assert found[0]["created_time"] == "2024-06-15T12:00:00Z"
    assert len((await browser.get("/runs.csv?show=failed")).text.splitlines()) == 2
    assert len((await browser.get("/runs.csv")).text.splitlines()) == 6


async def test_a_transfer_is_found_by_a_part_of_its_name(installation: Installation, browser: Browser) -> None:
    for number in range(60):
        await named(installation, f"Ads {number:02}")
    await named(installation, "100% _other_")
    await shown(browser, "/transfers?name=aDs")
    assert len(re.findall(r'<a href="/transfers/\d+">', browser.page)) == 50
    [more] = re.findall(r'href="(/transfers\?name=aDs&amp;after=[^"]*)"', browser.page)
    await shown(browser, more.replace("&amp;", "&"))
    assert len(re.findall(r'<a href="/transfers/\d+">', browser.page)) == 10
    for part in ("100%", "_other", "% _"):
        await shown(browser, f"/transfers?name={quote(part)}")
        assert len(re.findall(r'<a href="/transfers/\d+">', browser.page)) == 1
    assert "No transfer has" in await shown(browser, f"/transfers?name={quote(EVIL)}")
    assert EVIL not in browser.page


async def test_one_run_says_what_happened_and_what_to_do(installation: Installation, browser: Browser) -> None:
    await loaded(installation, "Ads", days=3, failed=1)
    page = await shown(browser, "/runs/1")
    assert "2024-06-14 of Ads Failed backfill #1 " in page
    assert "SCHEMA" in page and "The columns do not fit." in page
    page = await shown(browser, "/runs/2")
    assert "Rows 100 Took 0.0 s" in page
    assert "c0ffee" in page


@pytest.mark.parametrize("path", ["/runs/99", "/runs/x", "/runs/0", "/runs/" + "9" * 30, "/nothing"])
async def test_what_is_not_there_is_told_with_a_way_on(path: str, browser: Browser) -> None:
    answer = await browser.open(path)
    assert answer.status_code == 404
    assert 'href="/transfers"' in answer.text


@pytest.mark.parametrize(
    "path",
    [
        *("/runs?before=x", "/runs?before=1-", "/backfills?before=-", "/runs?transfer=x", "/backfills?transfer=-1"),
        *("/runs?before=" + "9" * 30 + "-1", "/runs?transfer=" + "9" * 30),
    ],
)
async def test_a_damaged_link_is_told(path: str, browser: Browser) -> None:
    assert (await browser.open(path)).status_code == 400


async def test_another_team_sees_nothing_of_it(installation: Installation) -> None:
    transfer = await loaded(installation, "Secret", days=3)
    other = await installation.team("Other")
    _, key = await installation.user(other, Role.OWNER)
    stranger = Browser(installation)
    await stranger.sign_in(key)
    narrowed = [f"/runs?transfer={transfer}", f"/runs?show=failed&transfer={transfer}", "/runs?show=failed"]
    for path in [*LISTS, *narrowed, f"/backfills?transfer={transfer}"]:
        assert "Secret" not in await shown(stranger, path)
        assert "T0" not in stranger.page
        assert re.findall(r'"/(?:runs|backfills|transfers|destinations)/\d+', stranger.page) == []
    for path in ("/runs/1", "/backfills/1", f"/transfers/{transfer}"):
        assert (await stranger.open(path)).status_code == 404
    answer = await stranger.post("/destinations/1/test", data={"csrf": stranger.token()}, headers=FROM_HERE)
    assert answer.status_code in (403, 404)


async def test_what_people_typed_is_shown_as_text(installation: Installation, browser: Browser) -> None:
    transfer = await loaded(installation, EVIL, days=3, failed=1, message=EVIL)
    await waiting(installation, transfer)
    await seeds.destination(installation, name=EVIL, path="/srv/evil.duckdb")
    installation.execute("UPDATE destinations SET fields = :fields", fields='{"path": "<svg onload=alert(1)>"}')
    installation.execute("UPDATE destinations SET parked_until = 99, parked_reason = '<b onclick=x>'")
    installation.execute("UPDATE connections SET parked_until = 99, parked_reason = '<b onclick=x>'")
    installation.execute("UPDATE teams SET name = :name", name=EVIL)
    installation.execute("UPDATE users SET email = '<u>@example.com'")
    more = ["/runs/1", "/backfills/1", f"/runs?transfer={transfer}", "/nothing?x=<script>", "/settings"]
    for path in [*LISTS, *more, f"/transfers/{transfer}", "/transfers/new?source=FILES"]:
        page = (await browser.open(path)).text
        assert SHOWN in page, path
        for markup in ("<img", "<svg onload", "<b onclick", "<u>", "54444439", "javascript:"):
            assert markup not in page.replace('class="', ""), (path, markup)


async def test_no_page_holds_code_or_style_of_its_own(installation: Installation, browser: Browser) -> None:
    transfer = await loaded(installation, "Ads", days=3)
    await waiting(installation, transfer)
    more = ["/settings", "/transfers/new", "/transfers/new?source=FILES", "/backfills/1", f"/transfers/{transfer}"]
    for path in [*LISTS, *more, "/runs/1", "/nothing", "/sign-in?link=x"]:
        page = (await browser.open(path)).text
        assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
        assert re.findall(r"<style|\sstyle=|\son\w+=|hx-on|js:", page) == [], path
        assert len(re.findall(r"<h1", page)) == 1
        assert '<html lang="en"' in page and 'href="#main"' in page and "<title>" in page


async def test_titles_are_all_different(installation: Installation, browser: Browser) -> None:
    await loaded(installation, "Ads", days=3)
    titles = [
        re.findall(r"<title>(.*?)</title>", (await browser.open(path)).text)[0]
        for path in [*LISTS, "/runs/1", "/settings"]
    ]
    assert len(set(titles)) == len(titles)
