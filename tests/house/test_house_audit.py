"""No change without its row in the audit log: whoever opens a transaction writes the row in it, or has a reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from house_tree import SRC

OPENS, RECORDS = ("db.write()", "changing("), ".record("
ELSEWHERE = {
    "api/repeats.py:attempt": "keeps an answer; the attempt has had its row",
    "cli/installation.py:another_key": "by _owners_key",
    "cli/installation.py:changing": "by the command that makes the change",
    "engine/queries.py:_rest": "by let_rest",
    "ui/bulk.py:act": "by what it does to each transfer: turn, start, again",
    "ui/sign_in.py:_by_key": "by sessions.begin",
    "ui/sign_in.py:_by_link": "by sessions.begin",
    "ui/transfer_actions.py:_turn": "by turn",
    "ui/transfer_actions.py:retry": "by again",
    "ui/transfer_actions.py:run": "by start",
}
"""What is told by a function that is called with the transaction."""
UNTOLD = {
    "app/state.py:_begun": "gives a new state its own id",
    "engine/clock.py:shorten_waits": "nothing that anybody asked for becomes another",
    "engine/dispatch.py:_claim": "the run tells of it",
    "engine/dispatch.py:_record": "the run tells of it; what it stops or lets rest has a row",
    "engine/housekeeping.py:_drop_audit": "drops rows by age",
    "engine/housekeeping.py:_note_uses": "the key tells when it was used last",
    "engine/materialise.py:materialise": "the runs of what somebody asked for",
    "engine/reconcile.py:begin": "that the dispatcher works",
    "engine/reconcile.py:end": "that it has stopped",
    "engine/rescue.py:committed": "looks alone, once the transaction before has ended",
    "engine/schedule.py:fire_due": "the runs of what somebody asked for",
    "engine/sessions.py:current": "the session tells when it was used last",
}
"""What a server does without anybody's doing, and what can be seen for itself."""


def silent() -> Iterator[str]:
    for path in SRC.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.AsyncFunctionDef):
                text = ast.unparse(node)
                if any(opens in text for opens in OPENS) and RECORDS not in text:
                    yield f"{path.relative_to(SRC)}:{node.name}"


def test_whoever_opens_a_transaction_tells_what_is_done_in_it() -> None:
    assert sorted(silent()) == sorted({**ELSEWHERE, **UNTOLD})
