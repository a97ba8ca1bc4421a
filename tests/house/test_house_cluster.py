"""What examples/cluster says of dayfill is so: settings, ports, commands, extras. Nothing of it is run here."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import yaml
from house_tree import ROOT

from dayfill.app import DRAIN_SECONDS
from dayfill.settings.keys import DEFAULT_BIND, PREFIX, ServerKeys

CLUSTER = ROOT / "examples" / "cluster"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
COMPOSE: dict[str, Any] = yaml.safe_load((CLUSTER / "compose.yaml").read_text("utf-8"))
SERVERS = [COMPOSE["services"][name] for name in ("first", "second")]
RAY: dict[str, Any] = yaml.safe_load((CLUSTER / "raycluster.yaml").read_text("utf-8"))
README = (CLUSTER / "README.md").read_text("utf-8")
DOCKERFILE = (CLUSTER / "Dockerfile").read_text("utf-8")
PORT = DEFAULT_BIND.rpartition(":")[2]


def test_every_setting_is_one_of_the_server() -> None:
    known = {PREFIX + name.upper() for name in ServerKeys.__struct_fields__} | {"DAYFILL_KEYRING", "DAYFILL_DATA_DIR"}
    named = set(re.findall(r"\bDAYFILL_\w+", README + DOCKERFILE)) | set(SERVERS[0]["environment"])
    assert named <= known and len(named) > 5


def test_servers_listen_where_they_are_published_and_asked_for_their_health() -> None:
    assert SERVERS[0]["environment"]["DAYFILL_BIND"] == f"0.0.0.0:{PORT}" and f"EXPOSE {PORT}" in DOCKERFILE
    assert [server["ports"][0].rpartition(":")[2] for server in SERVERS] == [PORT, PORT]
    assert all(server["ports"][0].rpartition(":")[0] in README for server in SERVERS)
    assert f"http://127.0.0.1:{PORT}/healthz" in SERVERS[0]["healthcheck"]["test"][-1]
    assert float(SERVERS[0]["stop_grace_period"].removesuffix("s")) > DRAIN_SECONDS


def test_servers_wait_for_a_database_that_can_be_connected_to() -> None:
    """The image of PostgreSQL sets itself up without a port: there, its socket answers before it serves."""
    database = COMPOSE["services"]["postgres"]
    assert "-h" in database["healthcheck"]["test"]
    user = database["environment"]["POSTGRES_USER"]
    assert SERVERS[0]["environment"]["DAYFILL_STATE"].startswith(
        f"postgresql://{user}:${{POSTGRES_PASSWORD:?}}@postgres/"
    )
    assert SERVERS[0]["environment"]["DAYFILL_STATE"].endswith("/" + database["environment"]["POSTGRES_DB"])


def test_the_image_has_every_extra_that_a_node_may_need() -> None:
    found = re.search(r"ARG DAYFILL=dayfill\[(.+)\]", DOCKERFILE)
    of_ours = {"dev", "demo", "browser", "mutation"}
    assert found is not None and set(found[1].split(",")) == PROJECT["optional-dependencies"].keys() - of_ours


def test_the_manifest_offers_what_the_server_is_told_to_use() -> None:
    head = RAY["spec"]["headGroupSpec"]["template"]["spec"]["containers"][0]
    (client,) = [port["containerPort"] for port in head["ports"] if port["name"] == "client"]
    assert f"ray://{RAY['metadata']['name']}-head-svc:{client}" in README
    assert f"Secret {RAY['metadata']['name']}, key auth_token" in README and RAY["spec"]["authOptions"] == {
        "mode": "token"
    }
    (ray,) = [one for one in PROJECT["optional-dependencies"]["ray"] if one.startswith("ray[")]
    assert RAY["spec"]["rayVersion"].startswith(ray.rpartition("=")[2])


def test_a_node_keeps_a_worker_for_each_cpu_and_one_for_the_server_that_waits() -> None:
    (group,) = RAY["spec"]["workerGroupSpecs"]
    node = group["template"]["spec"]["containers"][0]
    kept = {one["name"]: one["value"] for one in node["env"]}["RAY_num_workers_soft_limit"]
    assert int(kept) == int(node["resources"]["limits"]["cpu"]) + len(SERVERS) - 1
