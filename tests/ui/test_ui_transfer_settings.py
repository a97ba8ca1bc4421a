"""The settings of a transfer by their form: changed all at once, and what nobody touched stays to the letter."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from browsing import Browser, SignedIn
from scenes import EVIL, SHOWN, loaded

import seeds
from dayfill.domain.access import Role
from dayfill.domain.connection import Connection
from dayfill.domain.schedule import Interval, Schedule
from dayfill.domain.transfer import Field, Segment, SourceSetting, Table, Transfer
from dayfill.engine import connections, table_groups
from dayfill.store import connections as logins
from dayfill.store import transfers as store
from installation import Installation

HERE = "/transfers/1/settings"
PASSWORD = "of two words"
SERVER = {"host": "db.example.com", "engine": "postgresql", "port": "", "tls": ""}
QUERY = "SELECT * FROM orders\nWHERE day >= :start AND day < :end"
KEPT = {"header": False, "date_column": "day"}


def filled(page: str) -> dict[str, str]:
    """The fields of the form, as a browser sends them untouched."""
    form, sent = page[page.index(f'action="{HERE}"') :], {}
    for tag in re.findall(r"<input [^>]*>", form):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and ('type="checkbox"' not in tag or " checked" in tag):
            sent[name[1]] = unescape(value[1]) if value else ""
    for name, text in re.findall(r'<textarea [^>]*name="([^"]*)"[^>]*>([^<]*)<', form):
        sent[name] = unescape(text).replace("\n", "\r\n")
    for name, inner in re.findall(r'<select [^>]*name="([^"]*)"[^>]*>(.*?)</select>', form):
        options = re.findall(r"<option([^>]*)>([^<]*)<", inner)
        marks, text = next((one for one in options if " selected" in one[0]), options[0])
        value = re.search(r'value="([^"]*)"', marks)
        sent[name] = unescape(value[1] if value else text)
    del sent["csrf"]
    return sent


async def opened(browser: Browser) -> dict[str, str]:
    answer = await browser.open(HERE)
    assert answer.status_code == 200, answer.text
    return filled(answer.text)


async def there(made: Installation) -> Transfer:
    found = await store.get(made.db, made.team_id, 1)
    assert found is not None
    return found


def audited(made: Installation) -> list[str]:
    return [str(one) for (one,) in made.execute("SELECT after FROM audit WHERE action = 'transfer.update'")]


async def from_sql(made: Installation, *given: SourceSetting, **changes: object) -> tuple[Transfer, Connection]:
    """A transfer from a database behind a password; its login is not the newest one."""
    where = made.server.seams, made.team_id
    settings = {**SERVER, "date_column": "day", "user": "reader", "table": "orders"}
    named = tuple(SourceSetting(name, value) for name, value in settings.items() if value)
    async with made.db.write() as tx:
        group = await table_groups.create(tx, *where, "SQL", "Orders", "", [Table("orders")])
        login = await connections.create(tx, *where, made.user_id, "SQL", "DWH_DUCKDB")
        await connections.give(tx, made.keyring, login, {**SERVER, "password": PASSWORD})
    plain = await seeds.configuration(made, "Shop", data_source_id="SQL", schema_id=group.schema_id)
    made_transfer = await seeds.create(made, replace(plain, settings=(*named, *given), **changes))  # type: ignore[arg-type]
    await seeds.login(made, "SQL")
    return made_transfer, login


@pytest.mark.parametrize("schedules", [(), (Schedule(Interval.WEEKLY, 3, 4, 5, 9),), (seeds.DAILY, seeds.DAILY)])
async def test_saved_untouched_it_stays_to_the_letter(
    schedules: tuple[Schedule, ...], installation: Installation, browser: Browser
) -> None:
    given = (seeds.PATH, *(SourceSetting(name, value, "a group") for name, value in KEPT.items()))
    more = {"notification_recipients": ("ann@example.com",), "segments": (Segment(segment_id="7"),)}
    await loaded(installation, days=3, failed=0)
    wanted = replace((await there(installation)).configuration, settings=given, schedules=schedules, **more)
    await seeds.update(installation, 1, wanted)
    installation.execute("UPDATE transfer_days SET settled = 'l'")
    answer = await browser.submit(HERE, **await opened(browser))
    assert (answer.status_code, answer.headers.get("location", "")[:20]) == (303, "/transfers/1?saved=1")
    assert (await there(installation)).configuration == wanted
    assert installation.execute("SELECT DISTINCT settled FROM transfer_days") == [("l",)]
    assert "No loaded day is stale." in (await browser.open(answer.headers["location"])).text


async def test_texts_of_several_lines_and_the_login_stay(installation: Installation, browser: Browser) -> None:
    made, login = await from_sql(installation, SourceSetting("query", QUERY), SourceSetting("tls", ""))
    assert made.connection_id == login.connection_id
    page = (await browser.open(HERE)).text
    sent = filled(page)
    assert PASSWORD not in page and (sent["login"], sent["login.password"]) == (str(login.connection_id), "")
    assert (await browser.submit(HERE, **sent)).status_code == 303
    assert (await there(installation)) == made
    [kept] = [one for one in await _logins(installation) if one.sealed]
    assert (kept.connection_id, kept.sealed) == (login.connection_id, kept.sealed)
    assert connections.opened(kept, installation.keyring).popitem()[1].reveal() == PASSWORD
    assert (await browser.submit(HERE, **{**await opened(browser), "from.query": QUERY + "\r\n AND true"})).is_redirect
    settings = {one.field_id: one.value for one in (await there(installation)).configuration.settings}
    assert settings["query"] == QUERY + "\n AND true"


async def _logins(made: Installation) -> list[Connection]:
    return await logins.list_all(made.db, made.team_id, 10)


async def test_a_change_makes_days_stale_and_offers_to_load_them(installation: Installation, browser: Browser) -> None:
    await loaded(installation, days=5, failed=1)
    typed = {**await opened(browser), "from.path": "/data/others.csv", "name": "Others", "interval": "monthly"}
    answer = await browser.submit(HERE, **{**typed, "month_day": "31", "hour": "22", "window": "40"})
    assert answer.status_code == 303, answer.text
    configuration = (await there(installation)).configuration
    assert configuration.settings == (SourceSetting("path", "/data/others.csv"),)
    assert configuration.schedules == (Schedule(Interval.MONTHLY, 40, 22, 1, 31),)
    assert (configuration.display_name, len(audited(installation))) == ("Others", 1)
    assert "/data/others.csv" in audited(installation)[0] and installation.woken == 1
    page = (await browser.open(answer.headers["location"])).text
    assert "4 loaded days are stale now: they hold" in page and "1 day failed before" in page
    assert answer.headers["location"] == "/transfers/1?saved=1"
    [link] = re.findall(r'href="(/transfers/1/backfills/new\?start=[^"]*only=stale)"', page)
    offered = (await browser.open(unescape(link))).text
    assert "Backfill 4 days" in offered
    assert "changed the transfer" in (await browser.open("/transfers/1/timeline")).text


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"name": " "}, "name", "Give the transfer a name."),
        ({"name": "Taken"}, "name", "Another transfer of this team is named"),
        ({"from.path": ""}, "from.path", "The setting path is missing: set it."),
        ({"from.weight": "101"}, "from.weight", "must be a whole number from 1 to 100"),
        ({"interval": "weekly", "weekday": "8"}, "schedule", "8"),
        ({"interval": "monthly", "month_day": "x"}, "schedule", "must be whole numbers"),
    ],
    ids=str,
)
async def test_what_is_wrong_is_told_beside_its_field_and_nothing_is_saved(
    change: dict[str, str], field: str, says: str, installation: Installation, browser: Browser
) -> None:
    await loaded(installation, days=1, failed=0)
    await seeds.transfer(installation, "Taken")
    before = await there(installation)
    answer = await browser.submit(HERE, **{**await opened(browser), "from.delimiter": EVIL, **change})
    assert answer.status_code == 422
    [told] = re.findall(rf'id="{field}-problem" role="alert">([^<]*)<', answer.text)
    assert says in told and SHOWN in answer.text and EVIL not in answer.text
    assert "Nothing was saved yet: see what is said beside the field." in answer.text
    assert {**change, "version": ""}.items() <= {**filled(answer.text), **change, "version": ""}.items()
    assert (await there(installation), audited(installation)) == (before, [])


async def test_who_comes_second_is_told_and_may_save_once_more(installation: Installation, browser: Browser) -> None:
    await seeds.transfer(installation)
    typed = await opened(browser)
    other = replace((await there(installation)).configuration, display_name="Of another")
    await seeds.update(installation, 1, other)
    answer = await browser.submit(HERE, **{**typed, "from.path": "/data/mine.csv"})
    assert answer.status_code == 422 and "Somebody else has changed this transfer" in answer.text
    assert (await there(installation)).configuration == other and audited(installation) == []
    again = filled(answer.text)
    assert (again["from.path"], again["name"]) == ("/data/mine.csv", "Flights")
    assert (await browser.submit(HERE, **again)).status_code == 303
    assert (await there(installation)).configuration.display_name == "Flights"


async def test_a_source_is_asked_before_it_is_saved(
    installation: Installation, browser: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "visits.csv"
    file.write_text("date,pages\n2024-06-01,7\n")
    await seeds.transfer(installation)
    before = await there(installation)
    typed = {**await opened(browser), "from.path": str(file), "from.date_column": "date", "name": "Kept"}
    answer = await browser.submit(f"{HERE}/check", **typed)
    assert answer.status_code == 200 and "It has 2 columns" in answer.text
    assert filled(answer.text)["name"] == "Kept"
    answer = await browser.submit(f"{HERE}/check", **{**typed, "from.date_column": "day"})
    assert answer.status_code == 422 and "Nothing was saved. Change what is said above" in answer.text
    assert await there(installation) == before
    asked = "SELECT object FROM audit WHERE action = 'transfer.test'"
    assert installation.execute(asked) == [("transfer:1",), ("transfer:1",)]


async def test_a_new_login_is_made_with_the_change(installation: Installation, browser: Browser) -> None:
    _, old = await from_sql(installation)
    typed = {**await opened(browser), "login": "", "login.password": "another one", "from.host": "two.example.com"}
    answer = await browser.submit(HERE, **{**typed, "name": ""})
    assert answer.status_code == 422 and "another one" not in answer.text
    assert len(await _logins(installation)) == 2, "nothing was made"
    answer = await browser.submit(HERE, **typed)
    assert answer.status_code == 303, answer.text
    [new] = [
        one for one in await _logins(installation) if one.connection_id == (await there(installation)).connection_id
    ]
    kept = {name: one.reveal() for name, one in connections.opened(new, installation.keyring).items()}
    assert kept == {"password@two.example.com:5432, TLS verify-full": "another one"} and new != old
    assert "another one" not in str(installation.execute("SELECT after FROM audit"))


async def test_a_login_that_was_revoked_is_not_replaced_unseen(installation: Installation, browser: Browser) -> None:
    _, login = await from_sql(installation)
    async with installation.db.write() as tx:
        await connections.revoke(tx, installation.server.seams, installation.team_id, login.connection_id)
    answer = await browser.submit(HERE, **await opened(browser))
    assert answer.status_code == 422 and "The one it had, which was revoked" in answer.text
    [told] = re.findall(r'id="login-problem" role="alert">([^<]*)<', answer.text)
    assert "choose another, or a new one" in told


async def test_a_viewer_reads_and_changes_nothing(installation: Installation, signed_in: SignedIn) -> None:
    await seeds.transfer(installation)
    viewer = await signed_in(Role.VIEWER)
    page = (await viewer.open(HERE)).text
    assert (
        page.count("<fieldset") == page.count("<fieldset class") == len(re.findall(r"<fieldset[^>]* disabled>", page))
    )
    assert 'value="/data/flights.csv"' in page and "may not change transfers" in page
    for path in (HERE, f"{HERE}/check"):
        assert (await viewer.submit(path, **filled(page))).status_code == 403
    editor = await signed_in(Role.EDITOR)
    assert "disabled" not in (await editor.open(HERE)).text
    sent = {**filled(editor.page), "name": "By the editor"}
    assert (await editor.post(HERE, data=sent)).status_code == 403, "without the token of the page"
    assert (await editor.submit(HERE, **sent)).status_code == 303
    assert (await editor.open("/transfers/99/settings")).status_code == 404


async def test_the_schema_is_told_as_it_is_declared(installation: Installation, browser: Browser) -> None:
    columns = (Field("day", "date", "DATE"), Field("cost", "cost_eur", "DECIMAL(10, 2)", display_name="<Cost>"))
    group = await seeds.group(installation, Table("ads", columns), "plain", name="Two")
    await seeds.create(installation, await seeds.configuration(installation, schema_id=group.schema_id))
    page = (await browser.open("/transfers/1/schema")).text
    assert re.findall(r'<th scope="row"><code>(\w+)</code></th><td><code>([^<]*)<', page) == [
        ("date", "DATE"),
        ("cost_eur", "DECIMAL(10, 2)"),
    ]
    assert "&lt;Cost&gt;" in page and page.count("none is declared") == 1
    assert "/transfers/1/schema#ads" in (await browser.open(HERE)).text
