"""What the dispatcher decides for itself and a person may ask about stands in the audit log, once."""

from __future__ import annotations

import json

from dayfill.errors import Permanent, Transient
from rig import Rig, last


def told(rig: Rig) -> list[tuple[object, ...]]:
    return rig.installation.execute(
        "SELECT team_id, actor, user_id, action, object, after FROM audit ORDER BY audit_id"
    )


async def test_a_login_that_is_refused_begins_to_rest_once(rig: Rig) -> None:
    transfer = rig.transfer()
    spent = Transient("RATE_LIMIT", "Daily quota is spent.", retry_after=60.0)
    rig.source.on(*last(3), raises=[spent] * 2)
    await rig.backfill(transfer, last(3))
    await rig.settle()
    [(team_id, actor, user_id, action, object, after)] = told(rig)
    assert (team_id, actor, user_id, action) == (rig.installation.team_id, "dispatcher", None, "connection.park")
    assert str(object).startswith("connection:")
    why = json.loads(str(after))
    assert (why["cause"], why["message"]) == ("RATE_LIMIT", "Daily quota is spent.")


async def test_a_backfill_that_is_stopped_says_why(rig: Rig) -> None:
    rig.source.on(*last(50), always=Permanent("AUTH", "The login was revoked.", fatal=True))
    backfill_id = await rig.backfill(rig.transfer(), last(50))
    await rig.settle()
    [(_, actor, _, action, object, after)] = told(rig)
    assert (actor, action, object) == ("dispatcher", "backfill.stop", f"backfill:{backfill_id}")
    assert json.loads(str(after))["cause"] == "AUTH"
