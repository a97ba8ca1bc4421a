"""Why nothing of a transfer starts: what the state says of its ends and its team, or the cluster that loads for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dayfill.domain.parking import Waiting, out_of_reach
from dayfill.engine.offers import is_away
from dayfill.executors import Cluster, Outage
from dayfill.store import parking, transfers
from dayfill.store.db import Reader


@dataclass(frozen=True, slots=True)
class Waits:
    """cluster: that of this server, if it has one; every server knows for itself whether it reaches it."""

    cluster: Cluster | None = None

    @property
    def outage(self) -> Outage | None:
        """Why the cluster takes nothing; None while all is well."""
        return None if self.cluster is None else self.cluster.outage

    async def of(self, db: Reader, team_id: int, transfer_id: int, now: datetime) -> Waiting | None:
        """What nothing of this transfer starts for; None if something starts."""
        found = await parking.waiting(db, team_id, transfer_id, now)
        if found is None and (outage := self.outage) is not None and is_away(await transfers.job(db, transfer_id)):
            return out_of_reach(outage.since, outage.remedy)
        return found


NO_CLUSTER = Waits()
