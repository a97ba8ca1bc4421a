"""How many queries are under way and kept, how long they may take, and how they end with the server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from query_desk import QUERY, Desk, opened

import seeds
from dayfill.domain.days import DayRange
from dayfill.domain.query import MOST_ACCOUNTS, MOST_FIELDS, MOST_ORDERS, ChosenField, QueryDraft, QueryStatus
from dayfill.domain.transfer import SourceSetting
from dayfill.engine import queries, query_read, query_shelf
from dayfill.engine.query_draft import understood
from dayfill.errors import Busy, Exceeded, Malformed
from installation import NOON, Installation
from scripted import ScriptedSource

OF_A_TEAM = queries.SLOTS // 2
"""Queries that one team alone may read at once."""


@pytest.fixture
async def desk(installation: Installation, source: ScriptedSource) -> AsyncIterator[Desk]:
    async for made in opened(installation, source):
        yield made


async def test_an_hour_after_its_end_a_query_is_forgotten(desk: Desk) -> None:
    one = await desk.ended()
    desk.clock += query_shelf.KEPT_SECONDS - 1
    assert desk.find("request-1") is one
    desk.clock += 1
    assert desk.find("request-1") is None


async def test_of_too_many_results_the_oldest_goes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = await desk.ended(), await desk.ended()
    assert one.result is not None
    monkeypatch.setattr(query_shelf, "MOST_BYTES", 2 * one.result.lines.size)
    assert desk.find("schedule-1") is one
    three = await desk.ended()
    assert [desk.find(f"schedule-{number}") for number in (1, 2, 3)] == [None, two, three]


async def test_of_one_users_many_queries_the_oldest_goes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_shelf, "MOST_OF_USER", 2)
    for _ in range(4):
        await desk.ended()
    assert [desk.find(f"schedule-{number}") is None for number in (1, 2, 3, 4)] == [True, False, False, False]


async def test_a_few_read_at_once_some_wait_and_no_more_are_taken(desk: Desk, source: ScriptedSource) -> None:
    desk.gate.clear()
    started = [await desk.start() for _ in range(queries.MOST_OF_USER)]
    with pytest.raises(Exceeded, match="8 queries of this team are under way, 8 of them yours; 8 of one") as caught:
        await desk.start()
    assert caught.value.retry_after == 5
    for _ in range(OF_A_TEAM):
        await desk.reached.acquire()
    running = [one.status for one in started]
    assert running == [QueryStatus.RUNNING] * OF_A_TEAM + [QueryStatus.QUEUED] * (len(started) - OF_A_TEAM)
    desk.gate.set()
    for one in started:
        await desk.wait(one)
    assert {one.status for one in started} == {QueryStatus.SUCCESS}


async def test_slow_queries_of_one_team_hold_up_no_other(desk: Desk) -> None:
    desk.gate.clear()
    slow = [await desk.start() for _ in range(queries.MOST_OF_USER)]
    for team in range(3):
        one = await desk.start(teams=(await desk.made.team(f"Other {team}"),))
        for _ in range(1 if team else OF_A_TEAM + 1):
            await desk.reached.acquire()
        assert (one.status, slow[-1].status) == (QueryStatus.RUNNING, QueryStatus.QUEUED)
    desk.gate.set()
    for one in slow:
        await desk.wait(one)


async def test_one_team_alone_cannot_use_up_what_may_be_under_way(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "MOST_UNDER_WAY", 4)
    other = await desk.made.team("Other")
    desk.gate.clear()
    first, second = await desk.start(user_id=1), await desk.start(user_id=2)
    with pytest.raises(Exceeded, match="2 queries of this team are under way, 0 of them yours") as caught:
        await desk.start(user_id=3)
    assert (caught.value.code, caught.value.retry_after) == ("TOO_MANY_REQUESTS", 5)
    third = await desk.start(teams=(other,))
    desk.gate.set()
    for one in (first, second, third):
        await desk.wait(one)
    assert (await desk.ended(user_id=3)).status is QueryStatus.SUCCESS


async def test_a_request_waits_no_longer_than_it_wants(desk: Desk) -> None:
    desk.gate.clear()
    one = await desk.start()
    for seconds in (0, 0.001):
        await desk.made.server.queries.wait(one, seconds)
        assert not one.status.is_final


async def test_a_source_that_hangs_is_given_up_and_its_slot_comes_back_with_its_thread(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "GRACE_SECONDS", 0.01)
    desk.gate.clear()
    hurried = replace(QUERY, deadline_seconds=1)
    hung = [await desk.start(hurried) for _ in range(OF_A_TEAM)]
    for _ in hung:
        await desk.reached.acquire()
    waits = await desk.start(hurried)
    for one in (*hung, waits):
        await desk.wait(one)
    assert {one.status for one in (*hung, waits)} == {QueryStatus.STOPPED}
    assert [one.error and one.error.description for one in (hung[0], waits)] == [
        "FILES did not answer before the query's deadline.",
        "The query's turn did not come before its deadline.",
    ]
    desk.gate.set()
    assert (await desk.ended()).status is QueryStatus.SUCCESS


async def test_a_deadline_that_passes_between_two_readings_ends_the_query(desk: Desk, source: ScriptedSource) -> None:
    source.max_days_per_read = 1
    desk.gate.clear()
    one = await desk.start()
    await desk.reached.acquire()
    desk.clock += QUERY.deadline_seconds
    desk.gate.set()
    await desk.wait(one)
    assert one.error is not None and (one.status, len(source.reads)) == (QueryStatus.STOPPED, 1)
    assert one.error.description.startswith("The query did not come to its end before its deadline")


async def test_columns_that_change_between_two_readings_fail_the_query(
    desk: Desk, source: ScriptedSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.max_days_per_read = 1
    read, other = source.read_days, pa.schema([("n", pa.int64())])

    def changing(*asked: Any) -> Any:
        found = read(*asked)
        if len(source.reads) > 1:
            found.reader = pa.RecordBatchReader.from_batches(other, [])
        return found

    monkeypatch.setattr(source, "read_days", changing)
    one = await desk.ended()
    assert one.error is not None
    assert one.error.description == "The source changed its columns while it was read; ask again."


async def test_more_bytes_than_memory_should_hold_fail_the_query(
    desk: Desk, source: ScriptedSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query_read, "MOST_BYTES", 1 << 20)
    source.on(QUERY.span.start, rows=110_000)
    one = await desk.ended()
    assert one.error is not None and one.error.code == "TOO_LARGE"
    assert one.error.description.startswith("The result has more than 2 MB;")


def test_days_may_be_named_as_seen_from_today(source: ScriptedSource) -> None:
    draft = QueryDraft("FILES", start_date="2 days ago", end_date="today")
    assert understood(draft, NOON, 10).span == DayRange(NOON.date() - timedelta(days=2), NOON.date())
    with pytest.raises(Malformed, match=r"^Query: 'soon' is not a date that is understood here"):
        understood(replace(draft, end_date="soon"), NOON, 10)


def test_a_source_that_is_nothing_without_accounts_wants_some(source: ScriptedSource) -> None:
    source.has_accounts = True
    draft = QueryDraft("FILES", start_date="2024-06-01", end_date="2024-06-01")
    with pytest.raises(Malformed, match="FILES needs accounts: name them in ds_accounts") as caught:
        understood(draft, NOON, 10)
    assert caught.value.code == "ACCOUNT_REQUIRED"
    assert understood(replace(draft, accounts=("1",)), NOON, 10).accounts == ("1",)
    assert understood(replace(draft, accounts=("list.all_accounts",)), NOON, 10).accounts == ()
    hurried = understood(replace(draft, accounts=("1",), settings={"deadline_seconds": 5}), NOON, 10)
    assert (hurried.deadline_seconds, hurried.settings) == (5, (SourceSetting("deadline_seconds", 5),))


@pytest.mark.parametrize(
    ("name", "most", "entries"),
    [
        ("ds_accounts", MOST_ACCOUNTS, lambda count: {"accounts": ("1",) * count}),
        ("fields", MOST_FIELDS, lambda count: {"fields": (ChosenField("n"),) * count}),
        ("order_rows", MOST_ORDERS, lambda count: {"order_rows": ("n",) * count}),
    ],
)
def test_a_list_may_have_so_many_entries_and_no_more(
    source: ScriptedSource, name: str, most: int, entries: Callable[[int], Mapping[str, Any]]
) -> None:
    source.has_accounts = True
    draft = QueryDraft("FILES", ("1",), start_date="2024-06-01", end_date="2024-06-01")
    understood(replace(draft, **entries(most)), NOON, 10)
    with pytest.raises(Malformed, match=f"{name} has {most + 1} entries; {most} are allowed"):
        understood(replace(draft, **entries(most + 1)), NOON, 10)


async def test_credentials_that_do_not_open_cost_no_slot(desk: Desk) -> None:
    made, login = desk.made, await seeds.login(desk.made)
    made.execute("UPDATE connections SET sealed = :sealed", sealed=made.keyring.seal(b"{}", "another place"))
    for _ in range(queries.SLOTS + 1):
        one = await desk.ended(login=login.username)
        assert one.error is not None and (one.status, one.error.code) == (QueryStatus.FAILURE, "AUTH")
    made.execute("UPDATE connections SET sealed = NULL")
    assert (await desk.ended(login=login.username)).status is QueryStatus.SUCCESS


async def test_a_stopping_server_ends_what_it_reads_and_takes_no_more(desk: Desk, source: ScriptedSource) -> None:
    source.max_days_per_read = 1
    desk.gate.clear()
    one = await desk.start()
    await desk.reached.acquire()
    desk.made.server.queries.stop()
    desk.gate.set()
    await desk.wait(one)
    assert (one.status, len(source.reads)) == (QueryStatus.STOPPED, 1)
    assert one.error is not None and one.error.description == "The server is stopping; ask again once it serves."
    with pytest.raises(Busy, match="The server is stopping"):
        await desk.start()
    assert desk.made.server.queries.close()


async def test_a_closed_desk_says_whether_a_source_still_holds_a_thread(desk: Desk) -> None:
    desk.gate.clear()
    await desk.start()
    await desk.reached.acquire()
    assert not desk.made.server.queries.close()
