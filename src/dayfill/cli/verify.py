"""``dayfill verify``: read days again and compare them, on the machine of the installation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Annotated

from cyclopts import Parameter

from dayfill.app import SPOOL
from dayfill.app.keyring import read_keyring
from dayfill.app.state import snapshot_of
from dayfill.cli.dates import span
from dayfill.cli.exits import CommandError, Exit
from dayfill.cli.installation import existing
from dayfill.cli.options import LOCAL_DEFAULTS, LocalOptions
from dayfill.cli.output import Printer, plain
from dayfill.cli.summary import days_text
from dayfill.domain.days import FIRST_DAY, LAST_DAY, WHOLE, name_of
from dayfill.domain.slices import TransferJob
from dayfill.engine.spool_folder import own_folder
from dayfill.engine.verify import Found, Verdict, Verifying, verify_days
from dayfill.seams import Seams, system_seams
from dayfill.store import days, teams, transfers
from dayfill.store.db import Reader

Day = Annotated[str | None, Parameter(allow_leading_hyphen=True)]
_EVERY = 25


async def verify(
    transfer: str,
    /,
    *,
    from_: Annotated[Day, Parameter("--from", allow_leading_hyphen=True)] = None,
    to: Day = None,
    team: int = 1,
    options: LocalOptions = LOCAL_DEFAULTS,
) -> int:
    """Read loaded days again from the source, and compare source, ledger and table by row count and content.

    It works on the data directory, like `dayfill doctor`, and changes nothing; a server may run meanwhile. The source
    is read within the transfer's limits on rows, bytes and time, but not on requests a minute; once it asks for a
    pause, the other days are told as not read.

    A day is told as equal, or why not: the source has changed since (load it again if that should count), the table
    differs from its ledger (edited by hand), there is no ledger row, it cannot be read. Without --from and --to the
    tables without days are compared too.

    Exit code: 0 all days are equal, 1 some are not.

    For example:

        dayfill verify "Demo Ads" --data-dir /srv/dayfill
        dayfill verify 1 --from 2024-01 --to -1d

    Args:
        transfer: Id or name.
        from_: First day, as in `backfill create`; by default the first loaded one.
        to: Last day; by default the last loaded one.
        team: Team id.
    """
    settings, printer, seams = options.settings(), options.printer(), system_seams()
    directory = existing(settings)
    today = seams.now().date()
    first = span(from_, today)[0] if from_ else FIRST_DAY
    last = span(to, today)[1] if to else LAST_DAY
    keyring = read_keyring(settings)
    async with snapshot_of(settings) as state:
        job = await _job(state, team, transfer, seams)
        installation_id = await teams.installation_id(state) or ""
        loaded = [date.fromisoformat(row[0]) for row in await days.loaded(state, job.transfer_id)]
    is_all = from_ is None and to is None
    wanted = sorted((day for day in loaded if first <= day <= last or (day == WHOLE and is_all)), reverse=True)
    with own_folder(directory / SPOOL) as spool:
        work = Verifying(job, installation_id, keyring.open, spool, seams, settings.reaches.of(team))
        found = list(_told(printer, verify_days(work, wanted), len(wanted)))
    _show(printer, found)
    return Exit.OK if all(one.found is Found.EQUAL for one in found) else Exit.ERROR


async def _job(state: Reader, team_id: int, text: str, seams: Seams) -> TransferJob:
    """The transfer of this id or name, if its source may be read now."""
    for one in (summary.transfer for summary in await transfers.list_all(state, team_id)):
        if text in (str(one.transfer_id), one.configuration.display_name):
            job = await transfers.job(state, one.transfer_id)
            if job.parked_until is not None and job.parked_until > seams.now():
                raise CommandError(
                    f"The source has asked to be left alone until {job.parked_until:%Y-%m-%d %H:%M} UTC."
                )
            return job
    raise CommandError(f"Team {team_id} has no transfer {text!r}.", hint="See: dayfill transfer list")


def _told(printer: Printer, found: Iterable[Verdict], total: int) -> Iterator[Verdict]:
    """The verdicts, with a line for each that is not equal, and one now and then for how far it is."""
    for number, one in enumerate(found, 1):
        if one.found is not Found.EQUAL:
            printer.note(f"{name_of(one.day)}: {one.found}. {one.why}".rstrip())
        if number % _EVERY == 0 or number == total:
            printer.note(f"{number:,}/{total:,} days")
        yield one


def _show(printer: Printer, found: Sequence[Verdict]) -> None:
    if printer.output == "table":
        for kind, count in Counter(one.found for one in found).items():
            listed = "" if kind is Found.EQUAL else ": " + days_text([one.day for one in found if one.found is kind])
            print(plain(f"{count:>6,} {kind}{listed}"))
        return
    names = ("source_rows", "table_rows", "ledger_rows")
    printer.many(
        [
            {
                "date": None if one.day == WHOLE else str(one.day),
                "equal": one.found is Found.EQUAL,
                "found": one.found.value,
                "why": one.why,
            }
            | {name: getattr(one, name) for name in names}
            for one in found
        ],
        {},
    )
