"""A real server with credentials everywhere and drivers that repeat them: what gets out, and what is left behind."""

from __future__ import annotations

import asyncio
import pickle
import shutil
from base64 import b64encode, urlsafe_b64encode
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import apsw
import httpx
import msgspec
import pytest
from leaky import WAYS

from dayfill import app
from dayfill.app import STATE_FILE, Running
from dayfill.cli.installation import first_key
from dayfill.cli.logs import log_to_stderr
from dayfill.domain.transfer import Table
from dayfill.engine import table_groups
from dayfill.engine.keys import compose
from dayfill.executors.threads import ThreadsExecutor
from dayfill.settings import Settings
from dayfill.store import destinations

PASSWORD, OTHER, TOKEN = "canary/p@ss wörd-7f31+", 'canary?k€y-55d2-"quoted"', "canary~tok&n-c0de=31"
FORGED = compose("canary00", "CANARYaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
DAY = {"range_start": "2024-03-01", "range_end": "2024-03-01"}
DATES = {"start_date": "2024-01-01", "end_date": "2024-12-31"}


def forms(secret: str) -> list[bytes]:
    """All in which it may be written, also inside of something longer."""
    plain = secret.encode()
    found = [plain, repr(secret)[1:-1].encode(), msgspec.json.encode(secret)[1:-1], plain.hex().encode()]
    found += [quote(secret, safe="").encode(), quote(secret).encode(), plain.hex().upper().encode()]
    for before in (b"", b"a", b"aa"):  # base64 begins at one of three places; its ends depend on what is beside it
        found += [encode(before + plain)[4:-4] for encode in (b64encode, urlsafe_b64encode)]
    return found


@dataclass
class Exposure:
    """Everything that a run of the server has shown or written. secrets: what must not be in it, in any form."""

    folder: Path
    secrets: list[str] = field(default_factory=lambda: [PASSWORD, OTHER, TOKEN, FORGED])
    seen: dict[str, bytes] = field(default_factory=dict)
    jobs: list[bytes] = field(default_factory=list)

    @property
    def directory(self) -> Path:
        return self.folder / "data"

    def sightings(self) -> list[str]:
        """Where a secret can be read."""
        places = {**self.seen, **{f"job {number}": job for number, job in enumerate(self.jobs)}}
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and path.name != "keyring":
                places[str(path.relative_to(self.folder))] = path.read_bytes()
        return [
            f"{secret[:9]} in {place}: …{content[max(0, at - 60) : at + 60]!r}…"
            for place, content in places.items()
            for secret in self.secrets
            for form in forms(secret)
            if (at := content.find(form)) >= 0
        ]

    def run(self, patch: pytest.MonkeyPatch) -> None:
        """Serve, let everything fail, stop."""
        submit = ThreadsExecutor.submit

        def watched(executor: ThreadsExecutor, run: Any, job: Any) -> Future[Any]:
            self.jobs.append(pickle.dumps(job))
            return submit(executor, run, job)

        patch.setattr(ThreadsExecutor, "submit", watched)
        log_to_stderr("debug")
        asyncio.run(self._serve(patch))

    async def _serve(self, patch: pytest.MonkeyPatch) -> None:
        stop = asyncio.Event()

        async def on_ready(running: Running) -> None:
            made = await first_key(running.state)
            assert made is not None
            self.secrets.append(made[1].text)
            async with httpx.AsyncClient(base_url=running.url, event_hooks={"response": [self._keep]}) as client:
                client.headers["Authorization"] = f"Bearer {made[1].text}"
                await Caller(self, running, client, made[1].text).everything(patch)
            shutil.copytree(self.directory, self.folder / "running")  # with the log of the state, not yet folded in
            stop.set()

        await app.serve(Settings(self.directory, port=0), on_ready=on_ready, stop=stop)

    async def _keep(self, answer: httpx.Response) -> None:
        head = "".join(f"{name}: {value}\n" for name, value in answer.headers.items())
        self.seen[f"answer {len(self.seen)} {answer.request.method} {answer.request.url.path} {answer.status_code}"] = (
            head.encode() + await answer.aread()
        )


@dataclass
class Caller:
    """Who uses the server. key: the API key, a secret too."""

    exposure: Exposure
    running: Running
    client: httpx.AsyncClient
    key: str

    async def everything(self, patch: pytest.MonkeyPatch) -> None:
        for way in ("ok", *WAYS, "exit"):
            await self.destination(way)
        await self.refusals()
        await self.new_keys()
        transfers = [await self.transfer(way, "ok") for way in ("ok", *WAYS, "exit")]
        transfers += [await self.transfer("ok", way) for way in WAYS]
        assert (await self.client.get("/ds/login/1/accounts")).status_code == 422
        for way in WAYS:
            if way != "rest":  # it would hold up the transfers too
                await self.query(way)
        for transfer in transfers:
            await self.client.post(f"/teams/1/transfers/{transfer}/backfills", json=DAY)
        await self.answered(len(transfers))
        await self.look(transfers)
        await self.broken(patch)

    async def destination(self, way: str) -> None:
        """Made, tested, changed, tested again by its stored secrets."""
        body = {"type": "DWH_LEAKY", "display_name": way, "fields": {"host": way, "password": "first-one"}}
        made = (await self.client.post("/teams/1/destinations", json=body, headers={"Idempotency-Key": way})).json()
        place = f"/teams/1/destinations/{made['data']['id']}"
        new = {"new_password": PASSWORD, "new_private_key": OTHER}
        changed = await self.client.put(place, json={**body, "fields": {"host": way}, **new})
        assert changed.status_code == 200
        trial = {**body, "fields": {"host": way}, "destination_id": made["data"]["id"]}
        tested = (await self.client.post("/teams/1/destinations/test-connection", json=trial)).json()["data"]
        assert tested["success"] == (way in ("ok", "exit")), tested

    async def refusals(self) -> None:
        """Requests that cannot be, with a secret in each place where one is looked at."""
        body = {"type": "DWH_LEAKY", "display_name": "no", "fields": {"host": "ok", "password": PASSWORD}}
        wrong: list[dict[str, object]] = [
            {"fields": {"host": "ok", "password": [PASSWORD]}},
            {"fields": {"host": "ok", "password": PASSWORD + "\0"}},
            {"fields": {"password": PASSWORD}},
            {"new_password": {"a": OTHER}},
            {"new_nothing": OTHER},
            {"display_name": "ok"},
            {"type": "DWH_DUCKDB", "new_password": OTHER},
        ]
        for change in wrong:
            for method, place in (("POST", ""), ("PUT", "/1"), ("POST", "/test-connection")):
                answer = await self.client.request(method, f"/teams/1/destinations{place}", json=body | change)
                assert answer.status_code in (200, 400, 409, 422), answer.text
        moved = {**body, "fields": {"host": "elsewhere"}, "destination_id": 1}
        assert (await self.client.post("/teams/1/destinations/test-connection", json=moved)).status_code == 422
        self.client.headers["Authorization"] = f"Bearer {FORGED}"
        assert (await self.client.get("/teams/1/destinations?key=" + quote(FORGED))).status_code == 401
        del self.client.headers["Authorization"]
        query = quote(msgspec.json.encode({"api_key": self.key}))
        assert (await self.client.get("/teams/1/destinations?json=" + query)).status_code == 200
        self.client.headers["Authorization"] = f"Bearer {self.key}"

    async def query(self, way: str) -> None:
        """A reading of the source itself, which fails in this way."""
        asked = {"ds_id": "LEAKY", "start_date": "2024-03-01", "end_date": "2024-03-01", "settings": {"way": way}}
        answer = await self.client.post("/query/data/json", json=asked)
        assert answer.json()["meta"]["status_code"] == "FAILURE", answer.text
        assert way == "crash" or "***" in answer.text, answer.text

    async def new_keys(self) -> None:
        """Each is in the answer that makes it, which is its owner's, and nowhere else; a repeat does not tell it."""
        place = "/x/v1/teams/1/keys"
        await self.new_key(place)
        await self.new_key(f"{place}/{await self.new_key(place)}/rotate")

    async def new_key(self, place: str) -> str:
        headers = {"Idempotency-Key": f"{place}{len(self.exposure.secrets)}"}
        made = await self.client.post(place, json={}, headers=headers)
        assert made.is_success, made.text
        self.exposure.seen.popitem()
        self.exposure.secrets.append(made.json()["data"]["api_key"])
        repeated = await self.client.post(place, json={}, headers=headers)
        assert repeated.headers["idempotent-replayed"] == "true"
        return str(made.json()["data"]["api_key_id"])

    async def transfer(self, destination: str, table: str) -> int:
        """From the leaky source, which fails as its table is named, into the destination of this name."""
        state, name = self.running.state, f"{destination} {table}"
        listed = (await self.client.get("/teams/1/destinations")).json()["data"]
        target = next(one["id"] for one in listed if one["display_name"] == destination)
        async with state.db.write() as tx:
            group = await table_groups.create(tx, state.seams, 1, "LEAKY", name, f"t{len(name)}_", [Table(table)])
        body = {"data_source_id": "LEAKY", "schema_id": group.schema_id, "destination_id": target, "accounts": []}
        schedule = {"run_interval": "monthly", "run_day": 1, "refresh_window": 1}
        made = await self.client.post("/teams/1/transfers", json={**body, "display_name": name, "schedule": [schedule]})
        assert made.status_code == 201, made.text
        await self.seal_token()
        return int(made.json()["data"]["transfer_id"])

    async def seal_token(self) -> None:
        """The login's token, which no bundled source asks for yet."""
        sealed = self.running.state.keyring.seal(msgspec.json.encode({"token": TOKEN}), "1:connections:1:sealed")
        connection = apsw.Connection(str(self.exposure.directory / STATE_FILE))
        connection.set_busy_timeout(5_000)
        connection.execute("UPDATE connections SET sealed = ?", (sealed,))
        connection.close()

    async def answered(self, count: int) -> None:
        """Every transfer's day has been tried, and what came of it recorded."""
        query = "SELECT count(DISTINCT transfer_id) FROM runs WHERE status IN ('COMPLETED', 'FAILED') OR message <> ''"
        connection = apsw.Connection(str(self.exposure.directory / STATE_FILE), flags=apsw.SQLITE_OPEN_READONLY)
        for _ in range(1_000):
            if connection.execute(query).fetchall() == [(count,)]:
                break
            await asyncio.sleep(0.02)
        connection.close()

    async def look(self, transfers: list[int]) -> None:
        """At all that is told of what has failed."""
        listed = (await self.client.get("/x/v1/teams/1/backfills?limit=100")).json()["data"]
        assert len(listed) == len(transfers)
        for backfill in listed:
            await self.client.get(f"/teams/1/backfills/{backfill['transfer_backfill_id']}")
        for transfer in transfers:
            for run in (await self.client.get(f"/teams/1/transfers/{transfer}/runs", params=DATES)).json()["data"]:
                await self.client.get(f"/teams/1/transfer_runs/{run['transfer_run_id']}")
        for place in ("transfers", "transfers/1", "transfers/available-sources", "destinations", "destinations/1"):
            await self.client.get(f"/teams/1/{place}")
        for path in ("/metrics", "/readyz", "/x/v1/teams/1/audit", "/ds/logins", "/openapi.yaml"):
            assert (await self.client.get(path)).status_code == 200, path

    async def broken(self, patch: pytest.MonkeyPatch) -> None:
        """A fault that nobody foresaw: the server's log is all that tells of it."""

        async def fault(*args: object, **values: object) -> None:
            raise RuntimeError(f"row of {self.key} with pg://me:{quote(PASSWORD)}@db?{FORGED}")

        patch.setattr(destinations, "usage", fault)
        assert (await self.client.get("/teams/1/destinations/1/usage")).status_code == 500
