"""A new transfer by its form: all of it at once or nothing, and what is wrong beside its field."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from browsing import Browser, SignedIn
from scenes import EVIL, SHOWN

import seeds
from dayfill.domain.access import Role
from dayfill.engine import sources
from dayfill.engine.destinations import opened as opened_secrets
from dayfill.store import destinations
from dayfill.ui.transfer_form import Draft, settings
from installation import Installation

GOOD = {
    "source": "FILES",
    "from.path": "/data/visits.csv",
    "from.header": "1",
    "name": "Visits",
    "table": "visits",
    "destination": "new:DWH_DUCKDB",
    "destination_name": "Warehouse",
    "to.DWH_DUCKDB.path": "/srv/warehouse.duckdb",
    "interval": "daily",
    "hour": "6",
    "window": "7",
}
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"


async def opened(browser: Browser, source: str = "FILES") -> str:
    answer = await browser.open(f"/transfers/new?source={source}")
    assert answer.status_code == 200
    return answer.text


def counts(installation: Installation) -> list[tuple[object, ...]]:
    tables = ("transfers", "table_groups", "destinations")
    return installation.execute("SELECT " + ", ".join(f"(SELECT count(*) FROM {one})" for one in tables))


async def test_a_source_is_chosen_first(browser: Browser) -> None:
    page = (await browser.open("/transfers/new")).text
    assert set(re.findall(r'href="/transfers/new\?source=(\w+)"', page)) == {"FILES", "SQL", "DEMO_ADS"}
    assert "There is no such source." in await opened(browser, "NOTHING")


async def test_a_warehouse_out_of_reach_is_told_beside_its_field(installation: Installation, browser: Browser) -> None:
    await opened(browser)
    answer = await browser.submit("/transfers/new", **{**GOOD, "to.DWH_DUCKDB.path": "/data/warehouse.duckdb"})
    assert (answer.status_code, counts(installation)) == (422, [(0, 0, 0)])
    assert "/data/warehouse.duckdb is outside the folders that files may be in" in answer.text


async def test_a_source_is_read_when_it_is_checked(
    installation: Installation, browser: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "visits.csv"
    file.write_text("date,pages\n2024-06-01,7\n")
    await opened(browser)
    typed = {**GOOD, "from.path": str(file), "from.date_column": "date", "name": EVIL}
    answer = await browser.submit("/transfers/new/check", **typed)
    assert answer.status_code == 200, answer.text
    assert re.findall(r"<dt>(\w+)</dt><dd><code>(\w+)<", answer.text) == [("date", "DATE"), ("pages", "INTEGER")]
    assert f'name="name" required maxlength="255" value="{SHOWN}"' in answer.text
    file.unlink()
    answer = await browser.submit("/transfers/new/check", **typed)
    [told] = re.findall(r'id="check-problem">([^<]*)<', answer.text)
    assert answer.status_code == 422 and "visits.csv" in told and "then check again." in told
    assert SHOWN in answer.text and "The source can be read" not in answer.text
    assert counts(installation) == [(0, 0, 0)]
    assert installation.execute("SELECT count(*) FROM audit WHERE action = 'source.test'") == [(2,)]


async def test_a_check_tells_what_is_wrong_beside_its_field(browser: Browser) -> None:
    await opened(browser)
    answer = await browser.submit("/transfers/new/check", **{**GOOD, "from.path": "", "from.parallelism": "99"})
    assert answer.status_code == 422
    assert 'id="from.path-problem"' in answer.text and 'id="from.parallelism-problem"' in answer.text
    answer = await browser.submit(
        "/transfers/new/check", **{**GOOD, "from.path": "/etc/passwd", "from.date_column": "a"}
    )
    assert answer.status_code == 422 and "outside the folders" in answer.text


async def test_all_of_it_is_made_at_once(installation: Installation, browser: Browser) -> None:
    await opened(browser)
    answer = await browser.submit("/transfers/new", **GOOD)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith("/transfers/1/backfills/new?toast=")
    assert (counts(installation), installation.woken) == ([(1, 1, 1)], 1)
    assert "Visits" in (await browser.open("/transfers")).text
    actions = installation.execute("SELECT action FROM audit WHERE actor = 'session' ORDER BY audit_id")
    assert actions[-3:] == [("table_group.create",), ("destination.create",), ("transfer.create",)]
    await opened(browser)
    again = await browser.submit("/transfers/new", **{**GOOD, "name": "More", "table": "more", "destination": "1"})
    assert (again.status_code, counts(installation)) == (303, [(2, 2, 1)])


async def test_the_kind_of_a_new_destination_is_chosen(installation: Installation, browser: Browser) -> None:
    page = await opened(browser)
    assert re.findall(r'<option value="new:(\w+)"', page) == ["DWH_DUCKDB", "DWH_POSTGRESQL"]
    server = {"host": "db.example.com", "database": "dwh", "user": "loader", "password": " of two words "}
    server["ca_certificate"] = CERTIFICATE.replace("\n", "\r\n")
    typed = {f"to.DWH_POSTGRESQL.{name}": value for name, value in server.items()}
    answer = await browser.submit(
        "/transfers/new", **{**GOOD, **typed, "destination": "new:DWH_POSTGRESQL", "name": ""}
    )
    assert answer.status_code == 422 and 'value="db.example.com"' in answer.text
    assert '"new:DWH_POSTGRESQL" selected' in answer.text and 'data-choice="new:DWH_POSTGRESQL" open' in answer.text
    assert "of two words" not in answer.text, "a secret is not shown"
    answer = await browser.submit("/transfers/new", **{**GOOD, **typed, "destination": "new:DWH_POSTGRESQL"})
    assert answer.status_code == 303, answer.text
    [made] = await destinations.list_all(installation.db, installation.team_id)
    assert made.destination_type == "DWH_POSTGRESQL"
    assert (made.fields["host"], "password" in made.fields) == ("db.example.com", False)
    assert made.fields["ca_certificate"] == CERTIFICATE, "as it was pasted"
    assert opened_secrets(made, installation.keyring)["password"].reveal() == " of two words "


@pytest.mark.parametrize("kind", ["FILES", "SQL", "DEMO_ADS"])
def test_what_is_typed_for_a_setting_is_a_number_where_the_setting_says_so(kind: str) -> None:
    source = sources.known(kind)
    greatest = {one.setting_id: one.numbers[1] for one in sources.settings_of(source) if one.numbers}
    typed = {f"from.{one.setting_id}": str(greatest.get(one.setting_id, 7)) for one in sources.settings_of(source)}
    read = {one.field_id: one.value for one in settings(Draft(source, typed))}
    assert {name: value for name, value in read.items() if isinstance(value, int) and value is not True} == greatest
    assert {"requests_per_minute", "weight"} < greatest.keys()


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"name": " "}, "name", "Give the transfer a name."),
        ({"table": "no table"}, "table", "must start with a letter"),
        ({"from.path": ""}, "from.path", "The setting path is missing: set it."),
        ({"from.requests_per_minute": "x"}, "from.requests_per_minute", "must be a whole number from 1 to 1000000"),
        ({"from.weight": "101"}, "from.weight", "must be a whole number from 1 to 100"),
        ({"from.parallelism": "99"}, "from.parallelism", "must be a whole number from 1 to 32"),
        ({"from.timezone": "Mars"}, "from.timezone", "must name an IANA time zone"),
        ({"from.format": "xls"}, "from.format", "must be one of"),
        ({"destination": "77"}, "destination", "destination"),
        ({"destination": EVIL}, "destination", "destination"),
        ({"to.DWH_DUCKDB.path": ""}, "to.DWH_DUCKDB.path", "path"),
        ({"destination": "new:DWH_NONE"}, "destination", "There is no destination type"),
        ({"destination": "new:DWH_POSTGRESQL"}, "to.DWH_POSTGRESQL.host", "host"),
        ({"hour": "x"}, "schedule", "must be whole numbers"),
        ({"hour": "99"}, "schedule", "99"),
        ({"interval": "yearly"}, "schedule", "run_interval"),
    ],
    ids=str,
)
async def test_what_is_wrong_is_told_beside_its_field_and_what_was_typed_stays(
    change: dict[str, str], field: str, says: str, installation: Installation, browser: Browser
) -> None:
    await opened(browser)
    answer = await browser.submit("/transfers/new", **{**GOOD, "from.delimiter": EVIL, **change})
    assert answer.status_code == 422
    [told] = re.findall(rf'id="{field}-problem" role="alert">([^<]*)<', answer.text)
    assert says in told
    assert SHOWN in answer.text and EVIL not in answer.text
    assert 'value="warehouse"' not in answer.text and 'value="Warehouse"' in answer.text
    assert counts(installation) == [(0, 0, 0)], "nothing was made"


async def test_a_name_and_a_table_that_are_taken_are_told(installation: Installation, browser: Browser) -> None:
    await seeds.transfer(installation, "Visits")
    await opened(browser)
    answer = await browser.submit("/transfers/new", **GOOD)
    assert (answer.status_code, 'id="name-problem"' in answer.text) == (422, True)
    answer = await browser.submit("/transfers/new", **{**GOOD, "name": "New", "destination_name": "Visits warehouse"})
    assert (answer.status_code, 'id="destination_name-problem"' in answer.text) == (422, True)


async def test_what_a_deleted_transfer_has_left_is_in_nobodys_way(installation: Installation, browser: Browser) -> None:
    await seeds.group(installation, name="Visits")
    await opened(browser)
    assert (await browser.submit("/transfers/new", **GOOD)).status_code == 303
    assert installation.execute("SELECT name FROM table_groups ORDER BY schema_id") == [("Visits",), ("Visits 2",)]


@pytest.mark.parametrize("name", ["from.query", "from.ca_certificate", "to.DWH_POSTGRESQL.ca_certificate"])
async def test_long_texts_are_typed_into_several_lines(name: str, browser: Browser) -> None:
    page = await opened(browser, "SQL")
    assert re.findall(r'<(\w+) [^>]*name="' + re.escape(name), page) == ["textarea"]


async def test_a_destination_is_tried_before_anything_is_made(
    installation: Installation, browser: Browser, tmp_path: Path
) -> None:
    await opened(browser)
    path = tmp_path / "not there" / "warehouse.duckdb"
    for typed, says in (
        ({**GOOD, "to.DWH_DUCKDB.path": str(path), "destination_name": ""}, "does not exist: create it"),
        ({**GOOD, "to.DWH_DUCKDB.path": "/data/w.duckdb"}, "outside the folders that files may be in"),
        ({**GOOD, "to.DWH_DUCKDB.path": ""}, "The field path is missing"),
        ({**GOOD, "destination": "77"}, "This destination is not there any more"),
        ({**GOOD, "destination": "new:DWH_NONE"}, "There is no destination type"),
    ):
        answer = await browser.submit("/transfers/new/destination", **typed)
        [told] = re.findall(r'<div id="tried" role="status"><p class="problem">(.*?)</p>', answer.text)
        assert answer.status_code == 422 and says in told and "Nothing was made." in told
        assert 'value="Visits"' in answer.text, "what was typed stays"
    path.parent.mkdir()
    answer = await browser.submit("/transfers/new/destination", **{**GOOD, "to.DWH_DUCKDB.path": str(path)})
    assert answer.status_code == 200 and "The destination can be reached and written." in answer.text
    assert counts(installation) == [(0, 0, 0)]
    made = await seeds.destination(installation, "Good", str(path))
    chosen = {**GOOD, "destination": str(made.destination_id)}
    assert "can be reached" in (await browser.submit("/transfers/new/destination", **chosen)).text


async def test_a_source_with_accounts_asks_for_them(browser: Browser) -> None:
    page = await opened(browser, "DEMO_ADS")
    assert ('<textarea id="accounts"' in page) == ("Their ids, one a line." in page)


async def test_a_viewer_sees_why_not(signed_in: SignedIn) -> None:
    viewer = await signed_in(Role.VIEWER)
    assert "disabled title=" in await opened(viewer)
    assert (await viewer.submit("/transfers/new", **GOOD)).status_code == 403
    assert (await viewer.submit("/transfers/new/check", **GOOD)).status_code == 403
