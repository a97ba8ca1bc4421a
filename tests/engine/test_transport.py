"""Credentials travel sealed with a key of the dispatcher's own: a job that is looked at, or kept, opens nothing."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from dayfill.destinations import DestinationConfig
from dayfill.domain.reach import Reach
from dayfill.domain.secret import Secret
from dayfill.domain.slices import DayOrder, DestinationJob, Slice, SourceJob
from dayfill.domain.transfer import Account, Segment
from dayfill.engine.configs import Configs
from dayfill.engine.transport import Transport
from dayfill.errors import Permanent, SealBroken
from dayfill.secrets import Keyring
from dayfill.sources import SourceConfig
from rig import Rig, ago, last

CANARY = "canary-2b86"
KEYRING = Keyring({1: b"a" * 32}, b"p" * 32)
PLAIN = Slice("here", 1, 7, SourceJob("FILES", {}), (), DestinationJob("D", {}), (DayOrder(ago(0), 1, 1),), 60)


def job() -> Slice:
    """A slice as the state gives it, with credentials on both sides."""
    keys = {"key": Secret(CANARY)}
    source = SourceJob("FILES", {}, sealed=KEYRING.seal_secrets(keys, "1:connections:2:sealed"))
    destination = DestinationJob("D", {}, sealed=KEYRING.seal_secrets(keys, "1:destinations:3:sealed"))
    return replace(
        PLAIN,
        source=replace(source, sealed_for="1:connections:2:sealed"),
        destination=replace(destination, sealed_for="1:destinations:3:sealed"),
    )


def test_a_job_opens_with_the_key_of_its_dispatcher_alone() -> None:
    transport = Transport(KEYRING.open)
    packed = transport.packed(job())
    written = pickle.dumps(packed)
    assert CANARY.encode() not in written
    arrived = pickle.loads(written)
    configs = Configs(arrived, transport.unseal)
    assert configs.source.secrets == configs.destination.secrets == {"key": Secret(CANARY)}
    for unseal in (KEYRING.open, Transport(KEYRING.open).unseal):
        for side in (arrived.source, arrived.destination):
            with pytest.raises(SealBroken):
                unseal(side.sealed, side.sealed_for)


def test_what_a_worker_holds_opens_nothing_of_the_state() -> None:
    with pytest.raises(SealBroken):
        Transport(KEYRING.open).unseal(job().source.sealed or b"", job().source.sealed_for)


def test_connectors_are_told_all_that_the_job_says() -> None:
    reach, account, segment = Reach(("/data",)), Account(account_id="a"), Segment(segment_id="s")
    source = SourceJob("FILES", {"path": "f"}, (account,), (segment,), "Asia/Tokyo")
    destination = DestinationJob("D", {"path": "w"}, rivals=frozenset({3}))
    configs = Configs(replace(PLAIN, source=source, destination=destination, reach=reach), KEYRING.open)
    assert configs.source == SourceConfig({"path": "f"}, (account,), (segment,), "Asia/Tokyo", {}, reach)
    assert configs.destination == DestinationConfig("here", {"path": "w"}, {}, frozenset({3}), reach=reach)


def test_a_seal_that_is_broken_travels_as_it_is_and_says_so_at_its_end() -> None:
    other = Transport(Keyring({1: b"z" * 32}, b"p" * 32).open)
    packed = other.packed(job())
    assert packed.destination.sealed is not None
    with pytest.raises(Permanent, match="enter them again"):
        _ = Configs(packed, other.unseal).destination


def test_a_job_without_credentials_is_not_made_anew() -> None:
    assert Transport(KEYRING.open).packed(PLAIN) is PLAIN


async def test_a_dispatcher_hands_out_no_credential_as_the_state_holds_it(rig: Rig) -> None:
    transfer, heard = rig.transfer(), []
    read = rig.source.read_days
    rig.source.read_days = lambda config, *rest: heard.append(config.secrets) or read(config, *rest)  # type: ignore[method-assign]
    rig.installation.execute("UPDATE connections SET sealed = :sealed", sealed=b'{"token": "canary-9d20"}')
    backfill = await rig.backfill(transfer, last(3))
    await rig.settle()
    assert (await rig.get(backfill)).status == "COMPLETED"
    assert heard == [{"token": Secret("canary-9d20")}] * len(rig.executor.jobs)
    assert b"canary" not in pickle.dumps(rig.executor.jobs)
