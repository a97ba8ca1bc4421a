"""Credentials on their way to a load: sealed anew, with a key that lives as long as the dispatcher that hands it out.

Where a cluster loads, it is a key made from the cluster's token, which its workers have.

A job may lie where others look: in the memory and the spilled files of a cluster, on its pages, in its logs. What opens
it there is this one key, which is of no use against the state; the keyring stays where the state is.
"""

from __future__ import annotations

from dataclasses import replace

from dayfill.domain.slices import Slice
from dayfill.engine.configs import Unseal
from dayfill.errors import SealBroken
from dayfill.secrets import Keyring


class Transport:
    """The key of one dispatcher. unseal: opens what the state holds. token: the cluster's, if there is one."""

    def __init__(self, unseal: Unseal, token: str | None = None) -> None:
        self._unseal = unseal
        self._key = Keyring.for_transport(token)

    @property
    def unseal(self) -> Unseal:
        """What a worker opens credentials with."""
        return self._key.open

    def packed(self, job: Slice) -> Slice:
        """The job as it travels."""
        source, destination = job.source, job.destination
        if source.sealed is not None:
            source = replace(source, sealed=self._resealed(source.sealed, source.sealed_for))
        if destination.sealed is not None:
            destination = replace(destination, sealed=self._resealed(destination.sealed, destination.sealed_for))
        return (
            job
            if (source, destination) == (job.source, job.destination)
            else replace(job, source=source, destination=destination)
        )

    def _resealed(self, sealed: bytes, sealed_for: str) -> bytes:
        try:
            return self._key.seal(self._unseal(sealed, sealed_for), sealed_for)
        except SealBroken:
            return sealed  # does not open there either: the load then says what is wrong, for each of its days
