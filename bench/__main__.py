"""`make bench`: measures everything on the spot, prints the ratios, writes them to bench/results/latest.json."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import structlog
import uvloop

from bench import cluster, databases, days, flights, http, noop, pages, postgresql
from bench.table import RESULTS, Figure, keep, show


async def main(folder: Path) -> list[Figure]:
    for name in ("noop", "pages", "cluster", "days", "flights", "http", "postgresql", "databases"):
        (folder / name).mkdir()
    figures = [await noop.measure(folder / "noop"), await pages.measure(folder / "pages")]
    figures += await cluster.measure(folder / "cluster")
    figures += await days.measure(folder / "days")
    figures.append(await flights.measure(folder / "flights"))
    figures += await http.measure(folder / "http", folder / "days" / "days.parquet")
    figures += await postgresql.measure(folder / "postgresql")
    figures += databases.measure(folder / "databases")
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for latest.json")
    arguments = parser.parse_args()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with tempfile.TemporaryDirectory(prefix="dayfill-bench-") as scratch:
        figures = uvloop.run(main(Path(scratch)))
    show(figures)
    print(
        f"written to {keep(figures, arguments.results)}; ratios compare within this run, absolute times do not travel"
    )
