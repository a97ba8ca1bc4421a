"""The executor's setting: what it may be, where the token comes from, and what the driver is not told."""

from __future__ import annotations

from pathlib import Path

import pytest

from dayfill.errors import SetupError
from dayfill.settings import read_settings, read_worker_settings
from dayfill.settings.cluster import cluster_of

TOKEN = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("executor", "address"),
    [
        ("ray://head:10001", "ray://head:10001"),
        ("ray://[::1]:10001", "ray://[::1]:10001"),
        ("ray:auto", "auto"),
        ("ray:10.0.0.1:6379", "10.0.0.1:6379"),
    ],
)
def test_an_address_is_what_ray_takes(executor: str, address: str) -> None:
    found = cluster_of(executor, {"RAY_AUTH_TOKEN": TOKEN})
    assert found is not None and (found.address, found.token) == (address, TOKEN)
    assert TOKEN not in repr(found)


@pytest.mark.parametrize(
    "executor", ["", "ray", "ray://", "ray://head", "ray://auto", "ray:head", "dask", "ray://a b:1"]
)
def test_anything_else_is_refused(executor: str) -> None:
    with pytest.raises(SetupError, match="DAYFILL_EXECUTOR: expected threads, ray://HOST:PORT"):
        cluster_of(executor, {"RAY_AUTH_TOKEN": TOKEN})


def test_the_driver_is_told_nothing_of_the_server_and_always_uses_the_token() -> None:
    found = cluster_of("ray:auto", {"RAY_AUTH_TOKEN": TOKEN, "DAYFILL_KEYRING": "secret", "PATH": "/bin"})
    assert found is not None
    assert not [name for name in found.environment if name.startswith("DAYFILL_")]
    assert found.environment["RAY_AUTH_MODE"] == "token" and found.environment["PATH"] == "/bin"


def test_the_token_is_read_from_where_ray_reads_it(tmp_path: Path) -> None:
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("h" * 40)
    (tmp_path / "named").write_text("n" * 40 + "\n")
    home, named = {"HOME": str(tmp_path)}, {"RAY_AUTH_TOKEN_PATH": str(tmp_path / "named")}
    assert read_worker_settings(home).cluster_token == "h" * 40
    assert read_worker_settings(home | named).cluster_token == "n" * 40
    assert read_worker_settings(home | named | {"RAY_AUTH_TOKEN": TOKEN}).cluster_token == TOKEN


def test_without_a_token_or_with_a_short_one_nothing_starts(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="ray get-auth-token --generate"):
        read_worker_settings({"HOME": str(tmp_path)})
    with pytest.raises(SetupError, match="shorter than 32"):
        read_worker_settings({"RAY_AUTH_TOKEN": "guess me"})


def test_the_server_takes_the_flag_before_the_environment(tmp_path: Path) -> None:
    env = {"DAYFILL_EXECUTOR": "ray:auto", "RAY_AUTH_TOKEN": TOKEN}
    assert read_settings(data_dir=tmp_path, environ={}).cluster is None
    found = read_settings(data_dir=tmp_path, environ=env).cluster
    assert found is not None and found.address == "auto"
    assert read_settings(data_dir=tmp_path, executor="threads", environ=env).cluster is None


def test_a_worker_fails_on_purpose_in_a_test_only() -> None:
    env = {"RAY_AUTH_TOKEN": TOKEN, "DAYFILL_FAILPOINT": "extract:kill"}
    with pytest.raises(SetupError, match="DAYFILL_TEST=1"):
        read_worker_settings(env)
    assert read_worker_settings(env | {"DAYFILL_TEST": "1"}).faults
