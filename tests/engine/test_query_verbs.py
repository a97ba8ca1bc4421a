"""Queries on a source that follows a script: what they find, whom they belong to, how they fail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from query_desk import A_MINUTE, FIRST, QUERY, Desk, opened, rows
from structlog.testing import capture_logs

import seeds
from dayfill.domain.connection import sealed_for
from dayfill.domain.days import DayRange
from dayfill.domain.query import QueryStatus, RowOrder
from dayfill.domain.secret import Secret
from dayfill.domain.transfer import SourceSetting
from dayfill.engine import allowances, connections, query_read, query_shelf
from dayfill.errors import Denied, Exceeded, Permanent, Refused, Transient
from dayfill.sources import SourceConfig
from installation import Installation
from scripted import ScriptedSource


@pytest.fixture
async def desk(installation: Installation, source: ScriptedSource) -> AsyncIterator[Desk]:
    async for made in opened(installation, source):
        yield made


async def test_a_query_reads_its_days_and_keeps_the_rows(desk: Desk, source: ScriptedSource) -> None:
    one = await desk.start()
    assert one.status is QueryStatus.SCHEDULED
    await desk.wait(one)
    assert (one.status, source.reads) == (QueryStatus.SUCCESS, [list(QUERY.span)])
    assert rows(one) == [
        [day.isoformat(), "1", n]
        for day, n in zip([day for day in QUERY.span for _ in range(2)], "012345", strict=True)
    ]
    assert [field.data_type for field in one.result.fields] == ["DATE", "INTEGER", "INTEGER"]


async def test_a_query_with_the_same_id_is_joined_while_it_runs(desk: Desk, source: ScriptedSource) -> None:
    desk.gate.clear()
    one = await desk.start(schedule_id="daily")
    assert await desk.start(schedule_id="daily") is one
    with pytest.raises(Refused, match="Another query with schedule_id daily is under way"):
        await desk.start(schedule_id="daily", fingerprint="something else")
    desk.gate.set()
    await desk.wait(one)
    assert len(source.reads) == 1
    assert await desk.ended(schedule_id="daily", fingerprint="something else") is not one


async def test_any_request_that_spoke_of_a_query_names_it_the_first_for_ever(desk: Desk) -> None:
    one = await desk.ended()
    for number in range(2 * query_shelf.MOST_IDS):
        one.spoken_of(f"poll-{number}")
    names = ("schedule-1", "request-1", "poll-99", "poll-51")
    assert [desk.find(name) for name in names] == [one] * len(names)
    assert desk.find("poll-50") is None


async def test_a_query_is_its_owners_alone(desk: Desk) -> None:
    one = await desk.ended()
    made = desk.made
    second = await made.team("Second")
    for team_id, user_id in ((made.team_id, made.user_id + 1), (second, made.user_id)):
        assert desk.find("schedule-1", team_id, user_id) is None
        theirs = await desk.ended(teams=(team_id,), user_id=user_id, schedule_id="schedule-1", cache_minutes=60)
        assert theirs is not one and not theirs.cache_used


async def test_rows_are_had_again_as_long_as_they_are_young_enough(desk: Desk, source: ScriptedSource) -> None:
    first = await desk.ended()
    desk.clock += 10 * A_MINUTE
    again = await desk.ended(cache_minutes=10)
    assert (again.cache_used, again.result, again.read_time) == (True, first.result, first.read_time)
    desk.clock += 1
    assert not (await desk.ended(cache_minutes=10)).cache_used
    assert not (await desk.ended()).cache_used
    assert not (await desk.ended(replace(QUERY, max_rows=1), cache_minutes=10)).cache_used
    assert len(source.reads) == 4


async def test_rows_of_one_login_are_not_those_of_another(desk: Desk, source: ScriptedSource) -> None:
    first, second = [await seeds.login(desk.made) for _ in range(2)]
    await desk.ended(login=first.username)
    assert not (await desk.ended(login=second.username, cache_minutes=10)).cache_used
    assert (await desk.ended(login=first.username, cache_minutes=10)).cache_used
    assert len(source.reads) == 2


FAILURES = [
    ({"always": Permanent("SCHEMA", "No column day.")}, QueryStatus.FAILURE, ("SCHEMA", "No column day.")),
    ({"always": Transient("TIMEOUT", "Too slow.")}, QueryStatus.STOPPED, ("TIMEOUT", "Too slow.")),
    ({"failed": Permanent("DATA", "Row 3 is odd.", day=FIRST)}, QueryStatus.FAILURE, ("DATA", "Row 3 is odd.")),
    (
        {"complete": False},
        QueryStatus.FAILURE,
        ("INCOMPLETE", "The source stopped before it said that this was all; ask again."),
    ),
    (
        {"stated_rows": 7},
        QueryStatus.FAILURE,
        ("INCOMPLETE", "The source announced 7 rows and sent 6; ask again."),
    ),
]


@pytest.mark.parametrize(("script", "status", "said"), FAILURES, ids=lambda value: str(value)[:30])
async def test_a_query_that_fails_says_why(
    desk: Desk, source: ScriptedSource, script: dict[str, object], status: QueryStatus, said: tuple[str, str]
) -> None:
    source.on(FIRST, **script)
    one = await desk.ended()
    assert one.error is not None and one.result is None
    assert (one.status, (one.error.code, one.error.description)) == (status, said)


async def test_an_unknown_fault_is_in_the_log_and_not_in_the_answer(desk: Desk, source: ScriptedSource) -> None:
    source.on(FIRST, always=RuntimeError("secret"))
    with capture_logs() as logs:
        one = await desk.ended()
    assert one.error is not None
    assert (one.error.code, one.error.description) == ("INTERNAL", "Unexpected RuntimeError; the server's log has it.")
    assert [(entry["event"], entry["request_id"]) for entry in logs] == [("query failed", "request-1")]


async def test_a_login_that_is_refused_is_left_alone_by_everybody(desk: Desk, source: ScriptedSource) -> None:
    await seeds.transfer(desk.made, settings=())
    source.on(FIRST, raises=[Transient("RATE_LIMIT", "Too many requests.", retry_after=120)])
    assert (await desk.ended()).status is QueryStatus.FAILURE
    assert desk.made.execute("SELECT parked_reason FROM connections") == [("Too many requests.",)]
    with pytest.raises(
        Exceeded, match=r"FILES does not want to be asked before 2024-06-15 12:02:00 UTC; wait until then: Too many"
    ) as caught:
        await desk.start()
    assert caught.value.retry_after == 120
    desk.made.pass_time(seconds=120)
    assert (await desk.ended()).status is QueryStatus.SUCCESS


async def test_a_login_is_chosen_by_its_name_in_any_team_of_the_user(desk: Desk) -> None:
    made = desk.made
    second = await made.team("Second")
    login = await seeds.login(made, team_id=second)
    both = (made.team_id, second)
    for one in (await desk.ended(teams=both, login=login.username), await desk.ended(teams=both)):
        assert (one.status, one.owner.team_id) == (QueryStatus.SUCCESS, second)
    for name in ("FILES-99", f"DEMO_ADS-{login.connection_id}", "FILES", "FILES-x", "FILES-" + "9" * 30, "FILES-0"):
        with pytest.raises(Refused, match="You have no login"):
            await desk.start(teams=both, login=name)
    with pytest.raises(Refused, match="You have no login"):
        await desk.start(login=login.username)
    async with made.db.write() as tx:
        await connections.revoke(tx, made.server.seams, second, login.connection_id)
    with pytest.raises(Refused, match="You have no login"):
        await desk.start(teams=both, login=login.username)
    assert (await desk.ended(teams=both)).owner.team_id == made.team_id


async def test_what_a_source_says_of_a_credential_is_told_without_it(desk: Desk, source: ScriptedSource) -> None:
    made, login = desk.made, await seeds.login(desk.made)
    sealed = made.keyring.seal_secrets(
        {"token": Secret("canary-of-a-token")}, sealed_for(made.team_id, login.connection_id)
    )
    made.execute("UPDATE connections SET sealed = :sealed", sealed=sealed)
    refused = Transient("QUOTA", "The token canary-of-a-token is spent.", retry_after=60)
    source.on(FIRST, raises=[refused])
    one = await desk.ended()
    assert one.error is not None
    told = [one.error.description, str(made.execute("SELECT parked_reason FROM connections"))]
    assert all("token" in text and "canary" not in text for text in told), told


async def test_days_before_the_teams_history_are_refused(desk: Desk, source: ScriptedSource) -> None:
    made = desk.made
    async with made.db.write() as tx:
        await allowances.change(tx, made.server.seams, made.team_id, {"history_days": 13})
    with pytest.raises(Denied, match="2024-06-01 is too old: this team may load up to 13 days back") as caught:
        await desk.start()
    assert (caught.value.code, source.reads) == ("LICENSE_HISTORICAL_RANGE_EXCEEDED", [])
    newer = DayRange(FIRST + timedelta(days=1), FIRST + timedelta(days=1))
    assert (await desk.ended(replace(QUERY, span=newer))).status is QueryStatus.SUCCESS


async def test_the_first_rows_are_enough_unless_they_are_ordered(desk: Desk, source: ScriptedSource) -> None:
    source.max_days_per_read = 1
    assert rows(await desk.ended(replace(QUERY, max_rows=3))) == [
        ["2024-06-01", "1", "0"],
        ["2024-06-01", "1", "1"],
        ["2024-06-02", "2", "0"],
    ]
    assert len(source.reads) == 2
    order = (RowOrder("data_date", descending=True), RowOrder("n"))
    newest = await desk.ended(replace(QUERY, max_rows=1, max_columns=1, order=order))
    assert rows(newest) == [["2024-06-03"]]
    assert len(source.reads) == 5
    order = (RowOrder("n", descending=True), RowOrder("data_date"))
    oldest = await desk.ended(replace(QUERY, max_rows=2, order=order))
    assert [row[0] for row in rows(oldest)] == ["2024-06-01", "2024-06-02"]


async def test_the_source_is_told_what_was_asked(
    desk: Desk, source: ScriptedSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[SourceConfig] = []
    read = source.read_days

    def watched(config: SourceConfig, *rest: Any) -> Any:
        told.append(config)
        return read(config, *rest)

    monkeypatch.setattr(source, "read_days", watched)
    settings = (SourceSetting("path", "f.csv"), SourceSetting("timezone", "Asia/Tokyo"))
    await desk.ended(replace(QUERY, zone="Asia/Tokyo", settings=settings, accounts=("a1", "a2")))
    [config] = told
    assert (config.settings, config.zone) == ({"path": "f.csv"}, "Asia/Tokyo")
    assert [one.account_id for one in config.accounts] == ["a1", "a2"]


async def test_no_rows_are_an_answer(desk: Desk, source: ScriptedSource) -> None:
    source.on(*QUERY.span, rows=0)
    for order in ((), (RowOrder("n"),)):
        one = await desk.ended(replace(QUERY, order=order))
        assert (one.status, rows(one)) == (QueryStatus.SUCCESS, [])


async def test_more_rows_than_an_answer_holds_fail_the_query(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_read, "MOST_ROWS", 5)
    one = await desk.ended()
    assert one.error is not None
    assert (one.status, one.error.code) == (QueryStatus.FAILURE, "TOO_LARGE")
    assert one.error.description.startswith("The result has more than 5 rows; ask for fewer days")
    assert (await desk.ended(replace(QUERY, max_rows=5))).status is QueryStatus.SUCCESS
