"""What the reading engine says of a file, in our words: by their names, not by those that it opens them by."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import duckdb

from dayfill.errors import ConnectorError, Permanent, Transient
from dayfill.sources.files import paths
from dayfill.sources.files.deadline import timed_out
from dayfill.sources.files.look import broken_json_line
from dayfill.sources.files.paths import Stamp, damaged_gzip

_LINE = re.compile(r"CSV Error on Line: (\d+)")
_COUNTS = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")
_LIMIT = re.compile(r"Out of Memory Error: could not allocate .*/([\d.]+ \w+) used\)")
_FILE = re.compile(r"^\s*file = (.+)$", re.MULTILINE)


@contextmanager
def opened(files: Sequence[Stamp]) -> Iterator[tuple[Stamp, ...]]:
    """The files, held open for the engine; see `paths.opened`.

    Raises:
        ConnectorError: what the engine, or the system, said of one of them meanwhile.
    """
    with paths.opened(files) as held:
        try:
            yield held
        except (duckdb.Error, OSError) as error:
            if gone := next((file for file in held if not paths.unchanged(file)), None):
                raise paths.changed(gone.path) from None
            raise from_engine(error, held) from None


def from_engine(error: Exception, files: Sequence[Stamp]) -> ConnectorError:
    """What an error of the reading engine means, in our words. files: those that were being read."""
    said = str(error)
    match = _FILE.search(said)
    name = match[1].strip() if match else next((file.opened for file in files if file.opened in said), "")
    guilty = next((file for file in files if file.opened == name), files[0])
    path = guilty.path
    if "Interrupted" in said or "INTERRUPT" in said:
        return timed_out()
    if line := _LINE.search(said):
        return Permanent("DATA", f"{path} row {line[1]}: {_csv_fault(said)}")
    if "state machine reached an invalid state" in said:
        return Permanent("DATA", f"{path}: its lines do not all end alike, or its quotes do not match.")
    if "maximum_object_size" in said:
        return Permanent("DATA", f"{path} has a line longer than 16,777,216 bytes, so it is not a row.")
    if "JSON" in said and (number := broken_json_line(guilty)):
        return Permanent("DATA", f"{path} row {number}: not a JSON object with keys.")
    if "GZIP" in said:
        return damaged_gzip(path)
    if "Out of Memory" in said:
        return _memory_fault(path, said)
    return Permanent(
        "SOURCE", f"{path} is damaged or not what its name says: {_first_line(said).replace(guilty.opened, path)}"
    )


def _memory_fault(path: str, said: str) -> ConnectorError:
    if most := _LIMIT.search(said):
        return Permanent(
            "TOO_LARGE",
            f"{path} takes more than the {most[1]} of memory that a reading may use: write it with smaller row groups "
            "or shorter lines, or as several files.",
        )
    return Transient("SOURCE", f"{path} needs more memory to be read than there is now.")


def _csv_fault(said: str) -> str:
    if counts := _COUNTS.search(said):
        return f"{counts[2]} columns where the file has {counts[1]}; check the delimiter and the quotes."
    if "unterminated quote" in said:
        return "a quote is opened and not closed as it must be."
    if "unicode" in said:
        return "not UTF-8; save the file as UTF-8."
    return _first_line(re.sub(r"^.*?Original Line:[^\n]*\n", "", said, flags=re.DOTALL))


def _first_line(said: str) -> str:
    return re.sub(r"^[A-Z][\w ]* Error: ", "", said.strip()).partition("\n")[0][:200]
