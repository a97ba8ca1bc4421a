"""What a test makes fail, as the environment says it."""

from __future__ import annotations

from collections.abc import Mapping

from dayfill.errors import SetupError
from dayfill.seams import Fault, fault_of


def faults_of(env: Mapping[str, str]) -> tuple[Fault, ...]:
    """What DAYFILL_FAILPOINT wants to fail; outside a test it is refused, for it may kill the process."""
    wanted = env.get("DAYFILL_FAILPOINT")
    if not wanted:
        return ()
    if env.get("DAYFILL_TEST") != "1":
        raise SetupError("DAYFILL_FAILPOINT makes the server fail on purpose: it counts with DAYFILL_TEST=1 only.")
    return tuple(fault_of(one) for one in wanted.split(","))
