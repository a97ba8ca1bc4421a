"""Requests of every kind, by the thousand: each is answered as the file says, and no byte of another team leaves.

Every one is asked of two states: with another team in it, and without. The answers must be equal, so what the other
team has changes not a byte. Some thousand run with all tests, and `make test ARGS="tests/api/fuzz --requests 1000000"`
is the long run. A fault names its seed and chapter; `--seed` asks the same requests again.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from unittest.mock import patch

import pytest
import structlog
from draw import Draw, Request
from two_teams import CANARY, Teams, two_teams
from verdicts import Answer, Judge, template_of

from dayfill.api.asgi import Api
from dayfill.domain.destination import Destination
from dayfill.engine import keys
from dayfill.store import destinations
from dayfill.store.db import Database
from dayfill.store.queries import QUERIES

CHAPTER = 1_500
"""Requests on one copy of the state: what they make would slow down the others."""


class Fuzz:
    """Asks both states, chapter by chapter."""

    def __init__(self, teams: Teams, folder: Path, seed: int) -> None:
        self.teams, self.folder, self.seed = teams, folder, seed
        self.judge, self.asked, self.leaks = Judge(), 0, 0

    async def run(self, requests: int) -> list[str]:
        """The faults of so many requests; stops after the first chapter with any."""
        chapter = 0
        while self.asked < requests:
            faults = await self._chapter(chapter, min(CHAPTER, requests - self.asked))
            if faults:
                return faults
            chapter += 1
        return []

    async def _alike(self, app: Api, request: Request, number: int) -> Answer:
        """Ask; the keys that are made on the way are the same in both states."""
        with patch.object(keys, "entropy", Random(number)):
            return await ask(app, request)

    async def _chapter(self, chapter: int, requests: int) -> list[str]:
        draw = Draw(Random(f"{self.seed}/{chapter}"), self.teams)
        both = await self.teams.open(self.folder / f"{chapter}-both")
        alone = await self.teams.open(self.folder / f"{chapter}-alone", alone=True)
        apps, faults = (Api(both.server), Api(alone.server)), []
        correct = draw.correct(backwards=chapter % 2 == 1)
        for number in range(requests):
            request = correct[number] if number < len(correct) else draw.any()
            answer, twin = [await self._alike(app, request, number) for app in apps]
            found = self.judge.faults(request, answer)
            if request.path != "/metrics" and not answer.is_alike(twin):
                found.append(f"without the other team it is {twin.plain()}")
            if found:
                faults.append(f"seed {self.seed} chapter {chapter} number {number}: {request}\n{answer}\n{found}")
        self.asked += requests
        await both.close()
        await alone.close()
        return faults


async def ask(app: Api, request: Request) -> Answer:
    """The answer; of a stream its first piece, after which the client goes."""
    sent: list[dict[str, object]] = []
    streams = asyncio.Event()
    to_come = iter([{"type": "http.request", "body": request.body, "more_body": False}])

    async def receive() -> dict[str, object]:
        for message in to_come:
            return message
        await streams.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)
        if message.get("more_body"):
            streams.set()

    await app(request.scope(), receive, send)  # type: ignore[arg-type]
    start, *bodies = sent
    return Answer(start["status"], dict(start["headers"]), b"".join(one["body"] for one in bodies))  # type: ignore[call-overload]


@pytest.fixture
async def teams(tmp_path: Path) -> Teams:
    return await two_teams(tmp_path / "teams")


@pytest.fixture
def causes() -> Iterator[list[str]]:
    """What the server logs of its own faults; nothing else is told."""
    found: list[str] = []

    def keep(_logger: object, _level: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        if "exception" in event:
            found.append(str(event["exception"]))
        raise structlog.DropEvent

    structlog.configure(processors=[structlog.processors.format_exc_info, keep])
    yield found
    structlog.reset_defaults()


async def test_every_request_is_answered_as_the_file_says_and_alike_without_the_other_team(
    teams: Teams, tmp_path: Path, causes: list[str], request: pytest.FixtureRequest
) -> None:
    fuzz = Fuzz(teams, tmp_path, request.config.getoption("--seed") or 1)
    faults = await fuzz.run(request.config.getoption("--requests") or 2 * CHAPTER)
    assert faults == [], "\n\n".join([*faults[:5], *causes[:3], f"{len(faults)} in all"])
    promised = {(aim.route.method, aim.route.path, aim.status) for aim in Draw(Random(1), teams).aims}
    assert promised - set(fuzz.judge.seen) == set()
    statuses = sorted({status for _, _, status in fuzz.judge.seen})
    told = f"{fuzz.asked:,} requests: {len(fuzz.judge.seen)} kinds of answer, statuses {statuses}, no fault"
    request.config.get_terminal_writer().line(told)


# -- that it finds what it looks for


async def test_the_other_team_is_there_and_its_answers_hold_the_canary(teams: Teams, tmp_path: Path) -> None:
    """Else its absence would prove nothing."""
    made = await teams.open(tmp_path / "both")
    app, marked = Api(made.server), set()
    draw = Draw(Random(1), replace(teams, second=teams.first, owner=teams.first_key))
    for request in [request for request in draw.correct() if request.method == "GET"]:
        answer = await ask(app, request)
        assert answer.status in (200, 404, 422), request
        if CANARY.encode() in answer.body.lower():
            marked.add(template_of(request.path))
    await made.close()
    assert {"/teams/{team_id}/transfers", "/teams/{team_id}/destinations", "/table/groups"} <= marked


@pytest.mark.parametrize("query", ["get_destination", "get_transfer", "get_backfill", "get_run", "get_table_group"])
async def test_a_query_that_forgets_the_team_is_found(
    teams: Teams, tmp_path: Path, causes: list[str], monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    right = QUERIES[query]
    wrong = replace(right, text=re.sub(r"[\w.]*team_id = :team_id\b", ":team_id = :team_id", right.text))
    assert wrong.text != right.text
    monkeypatch.setitem(QUERIES, query, wrong)
    faults = await Fuzz(teams, tmp_path, 1).run(4 * CHAPTER)
    assert any("without the other team it is" in fault for fault in faults)


async def test_a_fault_and_a_value_that_the_file_does_not_allow_are_found(
    teams: Teams, tmp_path: Path, causes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    right, turn = destinations.list_all, itertools.count()

    async def spoiled(db: Database, team_id: int) -> list[Destination]:
        if next(turn) % 3:
            return [replace(one, display_name="x" * 256) for one in await right(db, team_id)]
        raise RuntimeError("broken")

    monkeypatch.setattr(destinations, "list_all", spoiled)
    faults = await Fuzz(teams, tmp_path, 1).run(CHAPTER)
    assert any("it is a fault of the server" in fault for fault in faults)
    assert any("the body is not of its shape" in fault for fault in faults)
    assert causes and "RuntimeError: broken" in causes[0]
