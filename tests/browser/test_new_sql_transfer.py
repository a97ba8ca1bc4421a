"""Somebody copies a table out of PostgreSQL that asks for a password: the login is made, and chosen, at the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import houses
import pytest
from furnished import NEWEST, ago
from person import Person
from playwright.sync_api import expect
from real_server import RealServer

from postgres_server import PostgresServer, own_server, sql

PASSWORD = "of two words"
ORDERS = (
    f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'",
    "CREATE TABLE orders (day date, number int)",
    f"INSERT INTO orders SELECT '{ago(6)}'::date + i % 7, i FROM generate_series(1, 70) i",
    "GRANT SELECT ON orders TO reader",
)
QUERY = """SELECT * FROM orders -- a comment ends with its line
WHERE day >= :start AND day < :end"""


@pytest.fixture(scope="module")
def shop() -> Iterator[PostgresServer]:
    """A database whose reader has to say the password."""
    with own_server() as server:
        rules = server.folder / "data" / "pg_hba.conf"
        rules.write_text(f"host all reader 127.0.0.1/32 scram-sha-256\n{rules.read_text()}")
        for text in (*ORDERS, "SELECT pg_reload_conf()"):
            sql(server.dsn(), text)
        yield server


def _names_the_orders(me: Person, shop: PostgresServer) -> None:
    me.opens("/transfers/new?source=SQL")
    for field, text in {"host": "127.0.0.1", "port": str(shop.port), "database": "postgres", "user": "reader"}.items():
        me.page.locator(f'[name="from.{field}"]').fill(text)
    me.page.locator('[name="from.tls"]').select_option("disable")
    query = me.page.locator('[name="from.query"]')
    query.fill(QUERY)
    expect(query).to_have_value(QUERY)
    me.page.locator('[name="from.date_column"]').fill("day")


def test_a_table_behind_a_password_is_loaded(
    shop: PostgresServer, serves: Callable[..., RealServer], comes: Callable[..., Person]
) -> None:
    server = serves(houses.empty, DAYFILL_ALLOW_NETS="127.0.0.0/8")
    me = comes(server)
    me.expected.append("status of 422")
    _names_the_orders(me, shop)
    password = me.page.get_by_label("Password optional").first
    password.fill("wrong")
    me.button("Check the source").click()
    me.sees("password authentication failed", "#check-problem")
    expect(password).to_have_value("wrong")
    password.fill(PASSWORD)
    me.button("Check the source").click()
    me.sees("It has 2 columns", "#checked")
    # What is wrong elsewhere costs no typing: the password stays where it is.
    me.page.get_by_label("Name of the transfer").fill("Orders")
    me.page.get_by_label("Table in the destination").fill("no table; at all")
    me.page.get_by_label("Name of the new destination").fill("Warehouse")
    me.page.locator('[name="to.DWH_DUCKDB.path"]').fill(str(server.folder / "warehouse.duckdb"))
    me.page.locator('[name="interval"]').select_option("")
    me.button("Make the transfer").click()
    me.sees("must start with a letter", "#table-problem")
    table = me.page.get_by_label("Table in the destination")
    expect(table).to_be_focused()
    expect(password).to_have_value(PASSWORD)
    assert PASSWORD not in me.page.content(), "it is in no page"
    table.fill("orders")
    me.button("Make the transfer").click()
    me.sees("The transfer is made. Fill its first days.", "#toasts")
    me.opens(f"/transfers/1/backfills/new?start={ago(6)}&end={NEWEST}")
    me.button("Backfill 7 days").click()
    me.sees("7 of 7", "#there")
    me.sees("Healthy", "#word")
    # The next one of this database takes the login that there is.
    me.opens("/transfers/new?source=SQL")
    expect(me.page.get_by_label("Login", exact=True)).to_have_value("1")
    me.sees("SQL-1, for 127.0.0.1", "#login")
    expect(me.page.get_by_label("Password optional").first).not_to_be_visible()


def test_the_password_of_a_new_destination_is_typed_once(
    serves: Callable[..., RealServer], comes: Callable[..., Person]
) -> None:
    me = comes(serves(houses.empty))
    me.expected.append("status of 422")
    me.opens("/transfers/new?source=DEMO_ADS")
    me.page.get_by_label("Name of the transfer").fill("Spring ads")
    me.page.get_by_label("Table in the destination").fill("spring")
    me.page.get_by_label("Destination", exact=True).focus()
    me.press("End")  # the last kind, by keyboard: its fields open
    password = me.page.locator('[name="to.DWH_POSTGRESQL.password"]')
    password.fill(PASSWORD)
    me.button("Make the transfer").focus()
    me.press("Enter")
    me.sees("host", '[id="to.DWH_POSTGRESQL.host-problem"]')
    expect(me.page.get_by_label("Name of the new destination")).to_be_focused()
    expect(password).to_be_visible()
    expect(password).to_have_value(PASSWORD)
    me.button("Check the source").click()
    me.sees("The source can be read.", "#checked")
    expect(password).to_have_value(PASSWORD)
