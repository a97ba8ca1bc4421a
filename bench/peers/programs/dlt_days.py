"""Days loaded by dlt, in its own venv: ``python dlt_days.py JOB``; a round for each line that comes, then what it took.

Each day is a run of the pipeline, as an orchestrator would start it, but in one process whose imports are done and
whose pipeline is known: the runs alone are timed. All rows travel as Arrow tables.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from importlib.metadata import version
from typing import Any

import dlt
import duckdb
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq
from dlt.sources.sql_database import sql_table
from sqlalchemy import MetaData, create_engine

PACKAGES = ("dlt", "pyarrow", "duckdb", "adbc-driver-postgresql", "connectorx", "sqlalchemy")
TYPES = {"day": pa.date32(), "cost": pa.decimal128(18, 6), "seen": pa.timestamp("us", "UTC")}


def main(job: dict[str, Any]) -> None:
    first = date.fromisoformat(job["first"])
    days = [first + timedelta(n) for n in range(job["days"])]
    rows_of = SOURCES[job["source"]["kind"]](job["source"])
    pipeline = dlt.pipeline(
        "peers",
        pipelines_dir=job["folder"],
        destination=DESTINATIONS[job["destination"]["kind"]](job["destination"]["place"]),
        dataset_name=job["destination"]["schema"],
        restore_from_destination=False,  # what it has noted here is its own: spares a query a run
    )
    say(versions={name: version(name) for name in PACKAGES})
    for _ in sys.stdin:
        began, worked = time.perf_counter(), time.process_time()
        for part in [days] if job["whole_range"] else [[day] for day in days]:
            replace(pipeline, rows_of(part), part)
        say(seconds=time.perf_counter() - began, cpu=time.process_time() - worked)


def replace(pipeline: Any, rows: Any, days: list[date]) -> None:
    """Replace these days: what stands there from the first to the last of them goes, in the transaction of the rows."""
    scope = f"day BETWEEN DATE '{days[0]}' AND DATE '{days[-1]}'"
    pipeline.run(
        rows,
        table_name="days",
        write_disposition={"disposition": "merge", "strategy": "delete-insert", "destination_scope": scope},
        loader_file_format="parquet",
    )


def files(read: Callable[[str], pa.Table]) -> Callable[[dict[str, Any]], Callable[[list[date]], Any]]:
    """A file for each day."""

    def source(said: dict[str, Any]) -> Callable[[list[date]], Any]:
        def rows_of(days: list[date]) -> Any:
            def tables() -> Iterator[pa.Table]:
                yield from (read(said["place"].format(date=day)) for day in days)

            return dlt.resource(tables, name="days")

        return rows_of

    return source


def read_csv(path: str) -> pa.Table:
    return csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=TYPES))


def postgresql(said: dict[str, Any]) -> Callable[[list[date]], Any]:
    """dlt's own source for SQL databases, with one of its backends that yield Arrow; it looks up the table once."""
    dsn = said["place"].replace("postgresql:", "postgresql+psycopg2:")  # the driver that dlt brings
    metadata = MetaData()
    metadata.reflect(create_engine(dsn), only=["days"])
    connectorx = {"conn": said["place"], "return_type": "arrow"}

    def rows_of(days: list[date]) -> Any:
        def of_days(query: Any, table: Any, *_: Any) -> Any:
            return query.where(table.c.day.between(days[0], days[-1]))

        return sql_table(
            dsn,
            "days",
            metadata=metadata,
            backend=said["backend"],
            backend_kwargs=connectorx if said["backend"] == "connectorx" else {},
            chunk_size=100_000,
            reflection_level="full_with_precision",
            query_adapter_callback=of_days,
        )

    return rows_of


SOURCES = {"parquet": files(pq.read_table), "csv": files(read_csv), "postgresql": postgresql}
DESTINATIONS: dict[str, Callable[[str], Any]] = {
    "duckdb": lambda path: dlt.destinations.duckdb(duckdb.connect(path)),  # open all the time: to open it costs more
    "postgresql": dlt.destinations.postgres,
}


def say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
