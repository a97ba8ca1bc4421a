"""What keeps an older load, and another's, out of a day: the rules of ledger and ownership, without their SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from dayfill.destinations import FinishedDay, LedgerRow
from dayfill.errors import Permanent

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Owner:
    """Who may load a table: one transfer of one installation, since a replaced day takes the rows of all in it."""

    installation_id: str
    transfer_id: int


@dataclass(frozen=True, slots=True)
class Claim:
    """What a load wants: its tables for its transfer. token: the lowest of its days. rivals: see DestinationConfig."""

    owner: Owner
    token: int
    rivals: frozenset[int] | None


@dataclass(frozen=True, slots=True)
class Entry:
    """What the ledger is to say about one day of one table; ``loaded_at`` is the transaction's time."""

    table_name: str
    data_date: date
    token: int
    run_id: int
    row_count: int
    content_hash: str

    @property
    def key(self) -> tuple[str, date]:
        return self.table_name, self.data_date


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look at the start of a transaction found. owners: by table name in lower case."""

    owners: dict[str, Owner]
    tokens: dict[tuple[str, date], int]

    @classmethod
    def of(cls, found: Iterable[tuple[str, str | None, int | None, object, object]]) -> Seen:
        """From rows of a table with an owner, or with a day and its token.

        Raises:
            Permanent: cause LEDGER; a token is not a number.
        """
        owners, tokens = {}, {}
        for table, installation_id, owner_id, day, token in found:
            if installation_id is not None and owner_id is not None:
                owners[table] = Owner(installation_id, owner_id)
            elif isinstance(token, int) and isinstance(day, date):
                tokens[table, day] = token
            else:
                raise edited(table, day)
        return cls(owners, tokens)

    def fresh(self, days: Iterable[FinishedDay]) -> list[FinishedDay]:
        """The days of which no table holds anything newer."""
        return [
            day
            for day in days
            if all(self.tokens.get((table.name, day.data_date), day.token) <= day.token for table in day.tables)
        ]


def settle(
    tables: Iterable[str], owners: Mapping[str, Owner], wanted: Claim, newest: Callable[[str], int | None]
) -> list[str]:
    """The tables that are to change hands: nobody's, and those of transfers that have given them up.

    ``owners``: by table name in lower case. ``newest``: the greatest token that was ever loaded into a table.

    Raises:
        Permanent: cause OWNERSHIP; somebody else owns one.
    """
    changing = []
    for table in tables:
        found = owners.get(table.lower())
        if found == wanted.owner:
            continue
        if found is not None and not (_has_given_up(found, wanted) and _is_newest(newest(table), wanted.token)):
            elsewhere = "" if found.installation_id == wanted.owner.installation_id else " of another installation"
            raise Permanent(
                "OWNERSHIP",
                f"Table {table} belongs to transfer {found.transfer_id}{elsewhere}: choose another table name or"
                " prefix, since two transfers would delete each other's days.",
                fatal=True,
            )
        changing.append(table)
    return changing


def _has_given_up(found: Owner, wanted: Claim) -> bool:
    is_ours = found.installation_id == wanted.owner.installation_id
    return is_ours and wanted.rivals is not None and found.transfer_id not in wanted.rivals


def _is_newest(loaded: int | None, token: int) -> bool:
    """Nothing later was loaded into the table: a late load of its former owner must not take it back."""
    return loaded is None or loaded < token


def foreign(table: str) -> Permanent:
    """The refusal of a table that nobody owns and that holds rows."""
    return Permanent(
        "OWNERSHIP",
        f"Table {table} exists already and holds rows that dayfill did not load: choose another table name or"
        " prefix, or rename or empty that table first.",
        fatal=True,
    )


def refuse_other_kind(day: FinishedDay, other: Callable[[str, bool], bool]) -> None:
    """What was loaded by day stays so: days and a whole in one table would delete each other, past their tokens.

    ``other``: whether the ledger has a row of a table, by its name, that is of `WHOLE`, or that is not.

    Raises:
        Permanent: cause OWNERSHIP; the table was loaded the other way.
    """
    for table in day.tables:
        if other(table.name, table.date_column is not None):
            before, now = ("by day", "as a whole") if table.date_column is None else ("as a whole", "by day")
            raise Permanent(
                "OWNERSHIP",
                f"Table {table.name} was loaded {before} and is now to be replaced {now}: give it another name in the "
                "table group.",
                fatal=True,
            )


def hold(rows: Iterable[LedgerRow], entries: Sequence[Entry]) -> bool:
    """True if the ledger says exactly what the entries say, so they were committed."""
    found = {(row.table_name, row.data_date): row for row in rows}
    return all(
        (row := found.get(entry.key)) is not None
        and (row.token, row.run_id, row.row_count, row.content_hash)
        == (entry.token, entry.run_id, entry.row_count, entry.content_hash)
        for entry in entries
    )


def ledger_row(transfer_id: int, table: str, day: object, *values: object) -> LedgerRow:
    """A row of the ledger. values: token, run, rows, hash, microseconds since 1970.

    Raises:
        Permanent: cause LEDGER; it holds what dayfill never writes.
    """
    # The types tell all: nulls, an infinite time, a year that Python does not have, columns of another type.
    match (day, *values):
        case (date() as data_date, int(token), int(run_id), int(rows), str(content_hash), int(micros)):
            loaded_at = _EPOCH + timedelta(microseconds=micros)
            return LedgerRow(transfer_id, table, data_date, token, run_id, rows, content_hash, loaded_at)
    raise edited(table, day)


def edited(table: str, day: object) -> Permanent:
    """The refusal of a ledger row that somebody else has written."""
    return Permanent(
        "LEDGER",
        f"The ledger's row of table {table} and day {day} holds what dayfill never writes: delete it in _dayfill_days,"
        " then load that day again.",
    )
