"""The accounts that a login reaches, as its source lists them."""

from __future__ import annotations

import asyncio
from math import ceil

from dayfill import sources
from dayfill.domain.connection import Connection, sealed_for
from dayfill.domain.reach import Reach
from dayfill.domain.run import MESSAGE_LENGTH
from dayfill.domain.slices import SourceJob
from dayfill.engine.configs import source_config
from dayfill.errors import Busy, Permanent, Refused, Transient
from dayfill.secrets import Keyring, safe
from dayfill.sources import SourceAccount

ANSWER_SECONDS = 20.0
"""How long a source may take to list accounts: less than the 30 s after which clients give up."""


async def of_login(keyring: Keyring, login: Connection, reach: Reach) -> list[SourceAccount]:
    """Every account of a login, none if its source has none to list; outside any transaction, for it may take long.
    reach: of the login's team.

    Raises:
        Refused: the login was revoked, or its source does not accept it. Busy: the source cannot answer now.
    """
    what = f"The accounts of login {login.connection_id} cannot be listed"
    if login.revoked_time is not None:
        raise Refused(f"{what}: it was revoked at {login.revoked_time.isoformat()[:19]}Z; use another.")
    job = SourceJob(
        login.data_source_id,
        {},
        sealed=login.sealed,
        sealed_for=sealed_for(login.team_id, login.connection_id),
        connection_id=login.connection_id,
    )
    try:
        config = source_config(job, keyring.open, reach)
        source = sources.get(login.data_source_id)
        return list(await asyncio.to_thread(source.accounts, config, ANSWER_SECONDS))
    except Permanent as error:
        raise Refused(f"{what}: {safe(error.message, MESSAGE_LENGTH)}") from None
    except Transient as error:
        raise Busy(
            f"{what} now: {safe(error.message, MESSAGE_LENGTH)}", retry_after=ceil(error.retry_after or 1)
        ) from None
