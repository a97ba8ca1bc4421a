"""The login of a new transfer by its form: chosen, or made with its password, which no answer shows."""

from __future__ import annotations

import json
import re

import pytest
from browsing import Browser

from dayfill.domain.connection import Connection
from dayfill.engine import connections as verbs
from dayfill.store import connections
from installation import Installation

SECRET = " s3cret of two words "
GOOD = {
    "source": "SQL",
    "from.engine": "postgresql",
    "from.host": "DB.example.com",
    "from.database": "shop",
    "from.user": "reader",
    "from.table": "orders",
    "from.date_column": "day",
    "login": "",
    "login.password": SECRET,
    "name": "Orders",
    "table": "orders",
    "destination": "new:DWH_DUCKDB",
    "destination_name": "Warehouse",
    "to.DWH_DUCKDB.path": "/srv/warehouse.duckdb",
    "interval": "",
}


async def opened(browser: Browser) -> str:
    return (await browser.open("/transfers/new?source=SQL")).text


async def logins(made: Installation) -> list[Connection]:
    return await connections.list_all(made.db, made.team_id, 10)


async def test_a_new_login_keeps_its_password_for_its_host(installation: Installation, browser: Browser) -> None:
    page = await opened(browser)
    assert re.findall(r'<option value=""[^>]*>([^<]*)', page) == ["A new one", "Never, backfills only"]
    assert re.findall(r'name="login.password" type="(\w+)"', page) == ["password"]
    answer = await browser.submit("/transfers/new", **GOOD)
    assert answer.status_code == 303, answer.text
    [made] = await logins(installation)
    kept = {name: secret.reveal() for name, secret in verbs.opened(made, installation.keyring).items()}
    assert kept == {"password@db.example.com:5432, TLS verify-full": SECRET}
    assert (made.destination_type, made.user_id) == ("DWH_DUCKDB", installation.user_id)
    assert installation.execute("SELECT connection_id FROM transfers") == [(made.connection_id,)]
    written = installation.execute("SELECT action, after FROM audit ORDER BY audit_id")
    assert "connection.create" in [action for action, _ in written]
    assert SECRET.strip() not in json.dumps(written)


async def test_a_login_that_there_is_can_be_chosen(installation: Installation, browser: Browser) -> None:
    await opened(browser)
    await browser.submit("/transfers/new", **GOOD)
    await browser.submit(
        "/transfers/new", **{**GOOD, "name": "File", "table": "file", "destination": "1", "login.password": ""}
    )
    page = await opened(browser)
    told = re.findall(r'<option value="(\d)"( selected)?>(SQL[^<]*)<', page)
    assert told == [
        ("2", " selected", "SQL-2, without a password"),
        ("1", "", "SQL-1, for db.example.com:5432, TLS verify-full"),
    ]
    answer = await browser.submit(
        "/transfers/new", **{**GOOD, "name": "More", "table": "more", "destination": "1", "login": "1"}
    )
    assert answer.status_code == 303, answer.text
    assert installation.execute("SELECT connection_id FROM transfers ORDER BY transfer_id") == [(1,), (2,), (1,)]
    assert len(await logins(installation)) == 2
    # What keeps nothing in its logins is not asked about them.
    assert 'name="login"' not in (await browser.open("/transfers/new?source=FILES")).text


@pytest.mark.parametrize("path", ["/transfers/new", "/transfers/new/check"])
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"from.host": " "}, "Name the host above"),
        ({"login": "7"}, "is not there any more, or was revoked"),
        ({"login": "²"}, "is not there any more, or was revoked"),
        ({"login": "1"}, "is not there any more, or was revoked"),
    ],
    ids=str,
)
async def test_a_login_that_cannot_be_used_is_told_beside_it(
    change: dict[str, str], says: str, path: str, installation: Installation, browser: Browser
) -> None:
    async with installation.db.write() as tx:
        who = installation.team_id, installation.user_id
        one = await verbs.create(tx, installation.server.seams, *who, "SQL", "DWH_DUCKDB")
        await verbs.revoke(tx, installation.server.seams, installation.team_id, one.connection_id)
    await opened(browser)
    answer = await browser.submit(path, **{**GOOD, **change})
    assert answer.status_code == 422
    [told] = re.findall(r'id="login-problem" role="alert">([^<]*)<', answer.text)
    assert says in told
    assert SECRET.strip() not in answer.text, "a secret is not shown"
    assert installation.execute("SELECT count(*) FROM transfers") == [(0,)]
    assert len(await logins(installation)) == 1


async def test_a_password_is_sent_to_its_server_alone(installation: Installation, browser: Browser) -> None:
    await opened(browser)
    await browser.submit("/transfers/new", **GOOD)
    for change in (
        {"from.host": "127.0.0.1"},
        {"from.port": "6543"},
        {"from.tls": "disable"},
        {"from.engine": "mysql"},
    ):
        answer = await browser.submit("/transfers/new/check", **{**GOOD, "login": "1", **change})
        assert answer.status_code == 422
        assert "The login keeps no password for" in answer.text, change
