"""Printing: data to stdout as a table, as JSON or as lines of JSON; notes to stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

import msgspec

from dayfill.settings import Output

if TYPE_CHECKING:
    from rich.console import Console

Columns = Mapping[str, str]
"""Heading of a table -> path of the value in the object (``a.b``)."""


def plain(text: str) -> str:
    """Text from elsewhere without control characters, which a terminal would obey."""
    return "".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text)


class Printer:
    """Prints one command's data and notes.

    output None: a table on a terminal, else JSON. fields: keep these paths of each object only.
    """

    def __init__(
        self, output: Output | None = None, fields: Sequence[str] = (), quiet: bool = False, no_color: bool = False
    ) -> None:
        self.output: Output = output or ("table" if sys.stdout.isatty() else "json")
        self.quiet = quiet
        self._fields = fields
        self._no_color = no_color

    def console(self, *, stderr: bool = False) -> Console:
        """A terminal to draw on; a pipe gets lines as long as they are, without colour."""
        from rich.console import Console

        file: IO[str] = sys.stderr if stderr else sys.stdout
        width = None if file.isatty() else 1_000_000
        return Console(
            file=file, width=width, no_color=self._no_color or None, highlight=False, markup=False, emoji=False
        )

    def note(self, text: str = "") -> None:
        """A remark for a person, on stderr."""
        if not self.quiet:
            self.always(text)

    def always(self, text: str) -> None:
        """What must be seen even with --quiet, on stderr."""
        print(plain(text), file=sys.stderr, flush=True)

    def many(self, items: Sequence[Mapping[str, Any]], columns: Columns) -> None:
        """A list: one JSON array, a JSON object a line, or a table."""
        chosen = [_choose(item, self._fields) for item in items]
        if self.output == "json":
            self.json(chosen)
        elif self.output == "ndjson":
            for item in chosen:
                self.line(item)
        else:
            self._table(chosen, {path: path for path in self._fields} or columns)

    def one(self, item: Mapping[str, Any]) -> None:
        """One object: JSON, or a table of its keys."""
        chosen = _choose(item, self._fields)
        if self.output == "json":
            self.json(chosen)
        elif self.output == "ndjson":
            self.line(chosen)
        else:
            rows = [{"key": key, "value": value} for key, value in chosen.items() if value not in (None, [], {})]
            self._table(rows, {"": "key", " ": "value"})

    def json(self, value: object) -> None:
        """One JSON value, indented, with a newline."""
        print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())

    def line(self, value: object) -> None:
        """One JSON value on one line, at once."""
        print(msgspec.json.encode(value).decode(), flush=True)

    def _table(self, items: Sequence[Mapping[str, Any]], columns: Columns) -> None:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, show_header=any(name.strip() for name in columns))
        for name in columns:
            table.add_column(name, header_style="bold", overflow="fold")
        for item in items:
            table.add_row(*(Text(_cell(_at(item, path))) for path in columns.values()))
        self.console().print(table)


def _choose(item: Mapping[str, Any], fields: Iterable[str]) -> Mapping[str, Any]:
    return {path: _at(item, path) for path in fields} if fields else item


def _at(item: Any, path: str) -> Any:
    """The value at ``a.b``; None where a step is missing. A key that holds the dot itself wins."""
    if isinstance(item, Mapping) and path in item:
        return item[path]
    for step in path.split("."):
        item = item.get(step) if isinstance(item, Mapping) else None
    return item


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return plain(value).replace("\n", " ")
    return plain(msgspec.json.encode(value).decode())
