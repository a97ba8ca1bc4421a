"""A backfill of days that do nothing, by Dagster in its own venv: ``python dagster_days.py``.

The daemon is up and the code is loaded before the clock starts. Taken is the time from the first run's row to the last
run's end, as Dagster itself has noted them: the start of the command that asks for them is not in it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from importlib.metadata import version
from pathlib import Path

from dagster import (
    DagsterInstance,
    DagsterRunStatus,
    DailyPartitionsDefinition,
    Definitions,
    in_process_executor,
    job,
    op,
)

FIRST = date(2024, 1, 1)
DAYS = int(os.environ["PEER_DAYS"])
"""Its own processes read this file too, so they are told by the environment, as of DAGSTER_HOME."""
SETTINGS = """
telemetry: {enabled: false}
concurrency: {runs: {max_concurrent_runs: 4}}
run_coordinator:
  module: dagster.core.run_coordinator
  class: QueuedRunCoordinator
  config: {dequeue_interval_seconds: 1, dequeue_use_threads: true, dequeue_num_workers: 4}
"""


@op
def nothing() -> None:
    """What a day costs when there is nothing to do."""


@job(
    partitions_def=DailyPartitionsDefinition(FIRST.isoformat(), end_date=(FIRST + timedelta(DAYS)).isoformat()),
    executor_def=in_process_executor,
)
def days() -> None:
    nothing()


defs = Definitions(jobs=[days])


def main(home: Path) -> None:
    (home / "dagster.yaml").write_text(SETTINGS)
    here = ["-f", __file__]
    commands = Path(sys.executable).parent
    quiet = (home / "log").open("w")
    daemon = subprocess.Popen([commands / "dagster-daemon", "run", *here], stdout=quiet, stderr=quiet)
    try:
        with DagsterInstance.get() as instance:
            until(lambda: instance.get_daemon_heartbeats().get("QUEUED_RUN_COORDINATOR") is not None)
            command = [commands / "dagster", "job", "backfill", *here, "-j", "days", "--all", "--noprompt"]
            subprocess.run(command, check=True, stdout=quiet, stderr=quiet)
            until(lambda: len(ended(instance)) == DAYS)
            records = instance.get_run_records()
            assert {one.dagster_run.status for one in records} == {DagsterRunStatus.SUCCESS}
            taken = max(one.end_time or 0 for one in records) - min(one.create_timestamp.timestamp() for one in records)
    finally:
        daemon.terminate()
        daemon.wait(60)
    print(json.dumps({"seconds": taken, "versions": {"dagster": version("dagster")}}), flush=True)


def ended(instance: DagsterInstance) -> list[object]:
    return [one for one in instance.get_run_records() if one.dagster_run.is_finished]


def until(holds: Callable[[], bool], seconds: float = 900) -> None:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError("Dagster is not ready; its log stands in its home")
        time.sleep(0.5)


if __name__ == "__main__":
    main(Path(os.environ["DAGSTER_HOME"]))
