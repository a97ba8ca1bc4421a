"""Whether a cluster takes our token: Ray itself tries for half a minute, and then tells of a timeout."""

from __future__ import annotations

from contextlib import suppress

import grpc

REFUSED = (
    "it refuses the token of this server. Give the server the one that the cluster's nodes have (RAY_AUTH_TOKEN, "
    "RAY_AUTH_TOKEN_PATH or ~/.ray/auth_token), and start it again."
)
_CLIENT = "ray://"
_ASK_CLIENT_SERVER = "/ray.rpc.RayletDriver/ClusterInfo", b"\x08\x06"
"""A call that changes nothing, and its message: a ping."""
_ASK_HEAD = "/ray.rpc.NodeInfoGcsService/GetClusterId", b""
_SECONDS = 5.0


def is_refused(address: str) -> bool:
    """Whether who answers there refuses it. address: as ``ray.init`` takes it."""
    with suppress(ImportError):  # these two belong to Ray alone: where they have moved, its timeout must do
        from ray._private.grpc_utils import init_grpc_channel
        from ray._private.services import canonicalize_bootstrap_address

        is_client = address.startswith(_CLIENT)
        method, message = _ASK_CLIENT_SERVER if is_client else _ASK_HEAD
        place = address.removeprefix(_CLIENT) if is_client else canonicalize_bootstrap_address(address)
        with init_grpc_channel(place or "") as channel:
            try:
                channel.unary_unary(method)(message, timeout=_SECONDS)
            except grpc.RpcError as error:
                return bool(error.code() is grpc.StatusCode.UNAUTHENTICATED)
    return False
