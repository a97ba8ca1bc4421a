"""What a release left behind that was killed at work: kept as text, for later releases to take over.

When a release has brought a new schema, write down its work with its own code, in a copy of its source:
``.venv/bin/python tests/storm/released.py RELEASE/src tests/storm/released``.
"""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parents[1]))

from loaded import Loaded, day

FOLDER = Path(__file__).with_suffix("")
DAYS = 24
WRITTEN = datetime(2024, 6, 15, 12, tzinfo=UTC)
_PLACE = "/FOLDER"
"""Stands for the folder of the installation."""
_WORK = "SELECT status, count(*) FROM runs WHERE backfill_id = 2 GROUP BY status"


def schemas() -> list[int]:
    """The numbers of the schemas of which there is a state."""
    return sorted(int(path.name.split("-")[1]) for path in FOLDER.glob("schema-*-state.sql"))


def restore(number: int, folder: Path) -> Loaded:
    """The installation that the release of this schema left in such a folder."""
    made = Loaded(folder, DAYS)
    made.write_source()
    made.directory.mkdir(mode=0o700)
    for name in "state.sqlite", "keyring":
        (made.directory / name).touch(mode=0o600)
    (made.directory / "keyring").write_text((FOLDER / f"schema-{number}-keyring.txt").read_text())
    with closing(sqlite3.connect(made.directory / "state.sqlite")) as state:
        state.execute("PRAGMA journal_mode = WAL")
        state.executescript(_text(number, "state").replace(_PLACE, str(folder)))
    with duckdb.connect(str(made.warehouse)) as warehouse:
        warehouse.execute(_text(number, "warehouse"))
    return made


def _text(number: int, what: str) -> str:
    return (FOLDER / f"schema-{number}-{what}.sql").read_text()


class Release:
    """A server of that release and its command line."""

    def __init__(self, source: Path, made: Loaded) -> None:
        self.made = made
        self.env = {**os.environ, "PYTHONPATH": str(source.resolve()), "DAYFILL_CONFIG": os.devnull}
        said = self.call("init", "--data-dir", made.directory)
        key = said.partition("DAYFILL_API_KEY=")[2].split()[0]
        words = [sys.executable, "-m", "dayfill", "serve", "--data-dir", str(made.directory), "--bind", "127.0.0.1:0"]
        # Releases from schema 3 on open files below their working directory; a word about it older ones do not know.
        out, err, here = subprocess.PIPE, subprocess.STDOUT, made.folder
        self.server = subprocess.Popen(words, env=self.env, stdout=out, stderr=err, text=True, cwd=here)
        assert self.server.stdout is not None
        url = next(found[0] for line in self.server.stdout if (found := re.search(r"http://[\d.:]+", line)))
        self.env |= {"DAYFILL_URL": url, "DAYFILL_API_KEY": key, "DAYFILL_TEAM_ID": "1"}

    def call(self, *words: object) -> str:
        command = [sys.executable, "-m", "dayfill", *map(str, words)]
        out, err = subprocess.PIPE, subprocess.STDOUT
        return subprocess.run(command, env=self.env, check=True, stdout=out, stderr=err, text=True).stdout

    def work(self) -> None:
        """Load some days of one transfer, then begin with all of another one."""
        field, path = f"path={self.made.warehouse}", f"path={self.made.folder / 'visits.csv'}"
        self.call("destination", "create", "warehouse", "--type", "DWH_DUCKDB", "--field", field)
        for name, days in ("Visits", 4), ("Hits", DAYS):
            ends = ["--source", "FILES", "--destination", "warehouse", "--table", name]
            self.call("transfer", "create", name, *ends, "--set", path, "--set", "date_column=day")
            wait = ["--wait"] if days < DAYS else []
            self.call("backfill", "create", name, day(0), day(days - 1), *wait)

    def kill_at_work(self) -> None:
        """When some days are loaded, some are being loaded and some wait."""
        with closing(sqlite3.connect(self.made.directory / "state.sqlite")) as state:
            found: dict[str, int] = {}
            while found.keys() != {"COMPLETED", "RUNNING", "QUEUED"}:
                assert found.get("COMPLETED", 0) < DAYS, "too fast: try again"
                self.server.send_signal(signal.SIGCONT)
                time.sleep(0.001)
                self.server.send_signal(signal.SIGSTOP)
                found = dict(state.execute(_WORK))
        self.server.kill()
        self.server.wait()


def write(source: Path, out: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        made = Loaded(Path(folder), DAYS)
        made.write_source()
        release = Release(source, made)
        try:
            release.work()
            release.kill_at_work()
        finally:
            release.server.kill()
        ((number,),) = made.in_state("PRAGMA user_version")
        (out / f"schema-{number}-keyring.txt").write_text((made.directory / "keyring").read_text())
        with closing(sqlite3.connect(made.directory / "state.sqlite")) as state:
            lines = [*state.iterdump(), f"PRAGMA user_version = {number};"]
        for what, text in ("state", lines), ("warehouse", _warehouse(made)):
            (out / f"schema-{number}-{what}.sql").write_text(_earlier("\n".join(text).replace(folder, _PLACE)) + "\n")


def _earlier(text: str) -> str:
    """The same with all times moved to one day: whoever takes it over must not have a clock that is behind."""
    behind = time.time_ns() // 1000 - int(WRITTEN.timestamp()) * 1_000_000
    text = re.sub(r"\b[12]\d{15}\b", lambda found: str(int(found[0]) - behind), text)
    text = re.sub(r"(rows_of_months\"? VALUES\(\d+,)'[\d-]+'", rf"\1'{WRITTEN:%Y-%m}'", text)
    return re.sub(r"\b20\d\d-\d\d-\d\d (?=\d\d:)", f"{WRITTEN.date()} ", text)


def _warehouse(made: Loaded) -> list[str]:
    lines = []
    for name, statement in made.in_warehouse("SELECT table_name, sql FROM duckdb_tables() ORDER BY table_name"):
        lines.append(str(statement))
        for row in made.in_warehouse(f"SELECT * FROM {name} ORDER BY ALL"):
            values = ", ".join("NULL" if value is None else "'" + str(value) + "'" for value in row)
            lines.append(f"INSERT INTO {name} VALUES ({values});")
    return lines


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
