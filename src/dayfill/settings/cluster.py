"""Settings of the cluster that loads slices, for the server beside it and for its workers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dayfill.errors import SetupError
from dayfill.seams import Fault
from dayfill.settings.faults import faults_of
from dayfill.settings.keys import PREFIX
from dayfill.settings.reading import environment

_ADDRESS = re.compile(r"ray:(//)?(auto|[A-Za-z0-9_.-]+:\d{1,5}|\[[0-9A-Fa-f:.]+\]:\d{1,5})")
_SHORTEST_TOKEN = 32
"""Characters: Ray makes tokens of 64. Credentials on their way are sealed with a key made from it."""
# Not RAY_grpc_client_keepalive_*: a frozen worker was noticed in 30 s, but loads of healthy ones were lost too.
_TIMEOUTS = {"RAY_gcs_rpc_server_reconnect_timeout_s": "10", "RAY_CLIENT_RECONNECT_GRACE_PERIOD": "5"}
"""How long the driver waits for a cluster that has gone away, in seconds, unless somebody says otherwise."""


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """Where the cluster is, as Ray's ``init`` takes it, its token, and the environment of the driver process."""

    address: str
    token: str = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker is told by the environment of its node. is_guarded: whether the cluster asks for its token.

    faults: what a test makes fail.
    """

    cluster_token: str = field(repr=False)
    is_guarded: bool
    faults: tuple[Fault, ...] = ()


def cluster_of(executor: str, env: Mapping[str, str]) -> ClusterSettings | None:
    """What the executor's setting means; None is threads.

    Raises:
        SetupError: it means nothing, or there is no token.
    """
    if executor == "threads":
        return None
    found = _ADDRESS.fullmatch(executor)
    if found is None or (found[1] and found[2] == "auto"):
        raise SetupError(
            "DAYFILL_EXECUTOR: expected threads, ray://HOST:PORT of a Ray client server, or ray:auto or ray:HOST:PORT "
            "on a machine with a node of the cluster."
        )
    address = executor if found[1] else found[2]
    token = _token(env)
    # No setting of ours: the driver has no use for the keyring, and unpickles what workers send.
    passed = {name: value for name, value in env.items() if not name.startswith(PREFIX)}
    return ClusterSettings(address, token, _TIMEOUTS | passed | {"RAY_AUTH_MODE": "token"})


def read_worker_settings(environ: Mapping[str, str] | None = None) -> WorkerSettings:
    """The settings of a worker.

    Raises:
        SetupError: there is no token, or a test switch is wrong.
    """
    env = environment(environ)
    return WorkerSettings(_token(env), env.get("RAY_AUTH_MODE") == "token", faults_of(env))


def _token(env: Mapping[str, str]) -> str:
    """The cluster's token, from where Ray takes it."""
    token = env.get("RAY_AUTH_TOKEN", "").strip()
    if not token:
        path = Path(env.get("RAY_AUTH_TOKEN_PATH") or Path(env.get("HOME", "/")) / ".ray" / "auth_token")
        try:
            token = path.expanduser().read_text("utf-8").strip()
        except (OSError, ValueError):
            raise SetupError(
                "A Ray cluster is used with a token only, and there is none here: make one with `ray get-auth-token "
                "--generate` and give it to every node and to the server, as RAY_AUTH_TOKEN_PATH or RAY_AUTH_TOKEN."
            ) from None
    if len(token) < _SHORTEST_TOKEN:
        raise SetupError(
            f"The token of the Ray cluster is shorter than {_SHORTEST_TOKEN} characters, so it could be guessed: make "
            "one with `ray get-auth-token --generate`."
        )
    return token
