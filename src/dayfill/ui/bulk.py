"""What a person does with several transfers at once, from their list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.responses import Response

from dayfill.domain.transfer import Transfer
from dayfill.errors import Malformed, Missing, RequestError
from dayfill.store import transfers
from dayfill.store.db import Tx
from dayfill.ui import answers, transfer_actions
from dayfill.ui.render import plural
from dayfill.ui.visit import Visit

MOST = 200

Do = Callable[[Visit, Tx, Transfer], Awaitable[int]]
"""Does it to one transfer, and records it; returns the days that now wait."""


async def _pause(visit: Visit, tx: Tx, transfer: Transfer) -> int:
    await transfer_actions.turn(visit, tx, transfer, "pause")
    return 0


async def _resume(visit: Visit, tx: Tx, transfer: Transfer) -> int:
    await transfer_actions.turn(visit, tx, transfer, "resume")
    return 0


async def _run(visit: Visit, tx: Tx, transfer: Transfer) -> int:
    made = await transfer_actions.start(visit, tx, transfer.transfer_id)
    return len(made.dates) + len(made.joined)


async def _retry(visit: Visit, tx: Tx, transfer: Transfer) -> int:
    return (await transfer_actions.again(visit, tx, transfer.transfer_id)).days


ACTIONS: Mapping[str, tuple[Do, str]] = {
    "run": (_run, "started"),
    "retry": (_retry, "tried again"),
    "pause": (_pause, "paused"),
    "resume": (_resume, "resumed"),
}


async def act(visit: Visit) -> Response:
    """Do one thing to each of the chosen transfers, each in a transaction of its own: one refusal stops no other."""
    sent = await visit.choices()
    name, chosen = dict(sent).get("do", ""), [text for field, text in sent if field == "transfer"]
    if name not in ACTIONS:
        raise Malformed("Choose what to do with these transfers.")
    if not chosen:
        raise Malformed("No transfer is chosen: mark some in the list first.")
    if len(chosen) > MOST or not all(one.isascii() and one.isdigit() and len(one) < 19 for one in chosen):
        raise Malformed(
            f"More than {MOST} transfers, or one that has no number, were chosen: choose up to {MOST} from the list."
        )
    do, word = ACTIONS[name]
    days, refused = 0, []
    for transfer_id in dict.fromkeys(int(one) for one in chosen):
        transfer = None
        try:
            async with visit.site.db.write() as tx:
                transfer = await transfers.get(tx, visit.team_id, transfer_id)
                if transfer is None:
                    raise Missing("it is gone, or another team has it. Look at the list again.")
                days += await do(visit, tx, transfer)
        except RequestError as error:
            refused.append(f"{transfer.configuration.display_name if transfer else transfer_id}: {error.description}")
    done = len(dict.fromkeys(chosen)) - len(refused)
    text = f"{plural(done, 'transfer')} {word}" + (f", {plural(days, 'day')}." if days else ".")
    return answers.done(visit, "/transfers", " ".join([text, *(f"Not {one}" for one in refused)]))
