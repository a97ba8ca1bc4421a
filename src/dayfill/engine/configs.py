"""What a connector is told of a job: its settings, with the credentials opened."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from dayfill.destinations import DestinationConfig
from dayfill.domain.reach import Reach
from dayfill.domain.secret import Secret
from dayfill.domain.slices import DestinationJob, Slice, SourceJob
from dayfill.errors import Permanent, SealBroken
from dayfill.secrets import secrets_in
from dayfill.sources import SourceConfig

Unseal = Callable[[bytes, str], bytes]
"""Opens sealed credentials: (ciphertext, what it was sealed for) -> JSON object of secret fields."""


class Configs:
    """What the connectors of one slice are told. Credentials are opened once, and in use until the slice has ended."""

    def __init__(self, job: Slice, unseal: Unseal) -> None:
        self._job = job
        self.unseal = unseal

    @cached_property
    def source(self) -> SourceConfig:
        return source_config(self._job.source, self.unseal, self._job.reach)

    @cached_property
    def destination(self) -> DestinationConfig:
        return destination_config(self._job.destination, self._job.installation_id, self.unseal, self._job.reach)


def source_config(job: SourceJob, unseal: Unseal, reach: Reach) -> SourceConfig:
    """What the source is told.

    Raises:
        Permanent: cause AUTH; the login was revoked, or its credentials do not open.
    """
    if job.is_revoked:
        message = f"Login {job.connection_id} was revoked; save the transfer with another login, then retry."
        raise Permanent("AUTH", message, fatal=True)
    secrets = _opened(job.sealed, job.sealed_for, unseal)
    return SourceConfig(job.settings, job.accounts, job.segments, job.zone, secrets, reach)


def destination_config(job: DestinationJob, installation_id: str, unseal: Unseal, reach: Reach) -> DestinationConfig:
    """What the destination is told.

    Raises:
        Permanent: cause AUTH; the credentials do not open.
    """
    secrets = _opened(job.sealed, job.sealed_for, unseal)
    return DestinationConfig(installation_id, job.fields, secrets, job.rivals, reach=reach)


def _opened(sealed: bytes | None, sealed_for: str, unseal: Unseal) -> dict[str, Secret]:
    if sealed is None:
        return {}
    try:
        return secrets_in(unseal(sealed, sealed_for))
    except SealBroken:
        message = "The stored credentials cannot be opened: they or the keyring have changed; enter them again."
        raise Permanent("AUTH", message, fatal=True) from None
