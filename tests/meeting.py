"""Lets a dispatcher look at destinations before the test begins, as it does anyway before it loads into them."""

from __future__ import annotations

from dayfill.store import transfers as stored
from rig import Rig


async def meet(rig: Rig, *transfers: int) -> None:
    """Runs of these transfers may be claimed at once from now on."""
    await rig.step()
    for transfer_id in transfers:
        rig.dispatcher._reconciler.admits(await stored.job(rig.db, transfer_id))
    await rig.step()
