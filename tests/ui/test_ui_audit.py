"""Each thing that is done at a page leaves its row in the audit log with the change, and none without it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from browsing import Browser
from scenes import loaded, waiting
from test_ui_new_transfer import GOOD
from test_ui_transfer_settings import HERE, filled

import seeds
from dayfill.domain.access import Role
from dayfill.store.db import Database
from dayfill.ui.routes import ROUTES
from installation import Installation
from refusing import Refusing

DAYS = {"start": "2024-05-01", "end": "2024-05-02", "range_start": "2024-05-01", "range_end": "2024-05-02"}
Acts = dict[str, tuple[dict[str, str], list[str]]]
ACTS: Acts = {
    "/sign-in": ({}, ["session.begin"]),
    "/sign-out": ({}, ["session.end"]),
    "/team": ({"team_id": "2"}, ["session.turn"]),
    "/destinations/{destination_id}/test": ({}, ["destination.test"]),
    "/settings/members": ({"email": "ann@example.com", "role": "EDITOR"}, ["member.add"]),
    "/settings/members/{user_id}": ({"role": "VIEWER"}, ["member.role"]),
    "/settings/keys": ({"reach": "read", "lifetime": "90"}, ["key.create"]),
    "/settings/keys/{api_key_id}/disable": ({}, ["key.disable"]),
    "/settings/sessions/{session_id}/end": ({}, ["session.end"]),
    "/transfers/new": (GOOD, ["table_group.create", "destination.create", "transfer.create"]),
    "/transfers/new/check": ({"source": "DEMO_ADS"}, ["source.test"]),
    "/transfers/new/destination": (GOOD, ["destination.test"]),
    "/transfers/{transfer_id}/runs": ({}, ["transfer.run"]),
    "/transfers/{transfer_id}/pause": ({}, ["transfer.pause"]),
    "/transfers/{transfer_id}/resume": ({}, ["transfer.unpause"]),
    "/transfers/{transfer_id}/settings": ({"name": "Renamed"}, ["transfer.update"]),
    "/transfers/{transfer_id}/settings/check": ({"from.date_column": "date"}, ["transfer.test"]),
    "/transfers/{transfer_id}/delete": ({}, ["transfer.delete"]),
    "/transfers/bulk": ({"do": "pause", "transfer": "1"}, ["transfer.pause"]),
    "/connections/{connection_id}/test": ({}, ["connection.test"]),
    "/transfers/{transfer_id}/retry": ({}, ["transfer.retry"]),
    "/transfers/{transfer_id}/backfills/new": (DAYS, ["backfill.create"]),
    "/backfills/{backfill_id}/pause": ({}, ["backfill.pause"]),
    "/backfills/{backfill_id}/resume": ({}, ["backfill.resume"]),
    "/backfills/{backfill_id}/retry": ({}, ["backfill.retry"]),
    "/backfills/{backfill_id}/cancel": ({}, ["backfill.cancel"]),
}
"""What can be done, with what is sent and what the log tells: a new transfer may make three things at once."""


def test_all_that_can_be_done_at_a_page_is_tried_here() -> None:
    assert {page.path for page in ROUTES if "POST" in page.methods} == set(ACTS)
    assert {method for page in ROUTES for method in page.methods} == {"GET", "POST"}


@pytest.mark.parametrize("path", ACTS)
async def test_one_row_with_the_change_and_none_without_it(
    installation: Installation, path: str, tmp_path: Path
) -> None:
    fields, actions = ACTS[path]
    place, browser = await furnished(installation, path), Browser(installation)
    await browser.sign_in(installation.key)
    await browser.open("/settings")
    if path == "/sign-in":
        fields = {"api_key": installation.key}
    if place.startswith(HERE):
        file = tmp_path / "flights.csv"
        file.write_text("date,flights\n2024-06-01,7\n")
        fields = {**filled((await browser.open(HERE)).text), "from.path": str(file), **fields}
    before, db = rows(installation), installation.server.db
    refusing = Browser(installation_with(installation, Refusing(db)))  # type: ignore[arg-type]
    refusing.cookies, refusing.page = browser.cookies, browser.page
    assert (await refusing.submit(place, **fields)).status_code == 500
    assert rows(installation) == before
    answer = await browser.submit(place, **fields)
    assert answer.status_code in (200, 303), answer.text
    assert rows(installation)[len(before) :] == [("session", installation.user_id, action) for action in actions]


def installation_with(installation: Installation, db: Database) -> Installation:
    return replace(installation, server=replace(installation.server, db=db), clients=installation.clients)


def rows(installation: Installation) -> list[tuple[object, ...]]:
    return installation.execute("SELECT actor, user_id, action FROM audit ORDER BY audit_id")


async def furnished(installation: Installation, path: str) -> str:
    """The path with its ids, of what there is to do it with."""
    transfer_id = await loaded(installation, days=3, failed=1)
    backfill_id = await waiting(installation, transfer_id)
    if path.endswith("retry"):
        backfill_id = 1
    if path.endswith("resume"):
        pause = "UPDATE backfills SET paused_time = 1, paused_user_id = 1 WHERE backfill_id = :b"
        installation.execute(pause, b=backfill_id)
    member, _ = await installation.user(installation.team_id, Role.EDITOR)
    second = await installation.team("Second")
    installation.insert("members", team_id=second, user_id=installation.user_id, role="OWNER", created_time=0)
    session_id = installation.insert(
        "sessions", session_hash=b"7", user_id=installation.user_id, team_id=1, csrf=b"7", address="",
        created_time=int(installation.now.timestamp() * 1e6), seen_time=int(installation.now.timestamp() * 1e6),
    )  # fmt: skip
    [(api_key_id,)] = installation.execute("SELECT api_key_id FROM api_keys WHERE user_id = :u", u=member)
    destination = await seeds.destination(installation, "Elsewhere")
    login = await seeds.login(installation, "DEMO_ADS")
    if path.startswith("/transfers") and path.endswith("resume"):
        installation.execute("UPDATE transfers SET state = 'paused'")
    ids = {"transfer_id": transfer_id, "backfill_id": backfill_id, "destination_id": destination.destination_id}
    ids["connection_id"] = login.connection_id
    return path.format(**ids, user_id=member, api_key_id=api_key_id, session_id=session_id)
