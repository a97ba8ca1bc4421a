"""What a page says after something was done at it."""

from __future__ import annotations

import json

from starlette.responses import Response

from dayfill.domain.audit import Act
from dayfill.engine import audit
from dayfill.store.db import Tx
from dayfill.ui.visit import Visit


def done(visit: Visit, path: str, text: str) -> Response:
    """Say so: beside the page if its script asked, which looks at what has changed or goes on to it; else there."""
    visit.site.changed()
    if not visit.is_htmx:
        return visit.to(path, text)
    # A header is ASCII, and so is this JSON.
    return Response(
        status_code=204, headers={"HX-Trigger": json.dumps({"done": {"text": text, "path": path, "target": "body"}})}
    )


async def record(visit: Visit, tx: Tx, act: Act) -> None:
    """Write into the audit log what was just done, in the transaction that did it."""
    await audit.record(tx, visit.actor, visit.team_id, act, visit.site.seams.now())
