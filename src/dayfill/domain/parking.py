"""How long something rests that refused all work: a login at a source, or a destination that is down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from dayfill.domain.allowance import Allowance, next_month
from dayfill.domain.run import Side, stated_rest

REFUSALS = frozenset({"RATE_LIMIT", "QUOTA"})
"""Causes with which a source refuses a login as a whole, whether or not it says for how long."""
_UNSTATED = {
    Side.SOURCE: (timedelta(minutes=1), timedelta(hours=2)),
    Side.DESTINATION: (timedelta(seconds=5), timedelta(minutes=5)),
}
"""First and longest rest where nobody said how long."""

Trial = tuple[Side, int]
"""A connection or a destination, by id, of which one slice finds out whether it works again."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why nothing starts: what rests, until when, and what it said.

    side: None is the team, see `out_of_rows`, or the cluster, see `out_of_reach`. until: None if nobody knows.
    since: of the cluster alone.
    """

    side: Side | None
    until: datetime | None
    cause: str
    message: str
    since: datetime | None = None

    @property
    def reason(self) -> str:
        """quota (the source counts what its login asks), source (it asked for patience), destination (it is down),
        rows (the team has loaded as many as it may in a month), cluster (it cannot be reached)."""
        if self.side is None:
            return "rows" if self.since is None else "cluster"
        return "quota" if self.side is Side.SOURCE and self.cause in REFUSALS else self.side.value


def out_of_rows(allowed: Allowance, now: datetime) -> Waiting:
    """The team has used up its rows of the month."""
    return Waiting(None, next_month(now), "ROWS", allowed.spent(now))


def out_of_reach(since: datetime, remedy: str = "") -> Waiting:
    """The cluster takes nothing. remedy: what somebody has to do; empty if it may come back by itself."""
    message = "The cluster that loads these days cannot be used"
    message += f": {remedy}" if remedy else "; they go on by themselves when it is back."
    return Waiting(None, None, "CLUSTER", message, since)


def rest(side: Side, stated: float | None, resting_for: timedelta, jitter: float) -> timedelta:
    """How long it rests from now on.

    Args:
        stated: seconds that it named itself.
        resting_for: since its first refusal after the last time that it worked. Unstated rests are as long again, so
            they double: one that punishes every request with a new block is left alone for long enough in the end.
        jitter: 0..1, makes an unstated rest up to a quarter longer.
    """
    if stated is not None:
        return stated_rest(stated)
    first, longest = _UNSTATED[side]
    return min(max(resting_for, first), longest) * (1 + jitter / 4)
