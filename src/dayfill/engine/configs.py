"""What a connector is told of a job: its settings, with the credentials opened."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from dayfill.destinations import DestinationConfig
from dayfill.domain.slices import DestinationJob, SourceJob
from dayfill.errors import Permanent, SealBroken
from dayfill.sources import SourceConfig

Unseal = Callable[[bytes, str], bytes]
"""Opens sealed credentials: (ciphertext, what it was sealed for) -> JSON object of secret fields."""


def source_config(job: SourceJob, unseal: Unseal) -> SourceConfig:
    """What the source is told.

    Raises:
        Permanent: cause AUTH; the credentials do not open.
    """
    secrets = _opened(job.sealed, job.sealed_for, unseal)
    return SourceConfig(job.settings, job.accounts, job.segments, job.zone, secrets)


def destination_config(job: DestinationJob, installation_id: str, unseal: Unseal) -> DestinationConfig:
    """What the destination is told.

    Raises:
        Permanent: cause AUTH; the credentials do not open.
    """
    secrets = _opened(job.sealed, job.sealed_for, unseal)
    return DestinationConfig(installation_id, job.fields, secrets, job.rivals)


def _opened(sealed: bytes | None, sealed_for: str, unseal: Unseal) -> dict[str, str]:
    if sealed is None:
        return {}
    try:
        return msgspec.json.decode(unseal(sealed, sealed_for), type=dict[str, str])
    except SealBroken:
        message = "The stored credentials cannot be opened: they or the keyring have changed; enter them again."
        raise Permanent("AUTH", message, fatal=True) from None
