"""Every public method of every resource of the official SDK is called by a test here, sync and async."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from official import methods
from supermetrics import SupermetricsAsyncClient, SupermetricsClient

NAME = re.compile(r"[a-z_]+\.[a-z_]+")


def public(kind: type) -> set[str]:
    """``resource.method`` of a client, and its own methods."""
    client = kind(api_key="api_" + "0" * 59)
    resources = {name: type(value) for name, value in vars(client).items() if not name.startswith("_")}
    return {f"{name}.{method}" for name, resource in resources.items() for method in methods(resource)}


def called() -> Iterator[str]:
    """What the tests name that run once for each kind of client."""
    for path in Path(__file__).parent.glob("test_sdk_*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.AsyncFunctionDef) and {"call", "kind"} & {one.arg for one in node.args.args}:
                texts = (one.value for one in ast.walk(node) if isinstance(one, ast.Constant))
                yield from (text for text in texts if isinstance(text, str) and NAME.fullmatch(text))


def test_both_clients_offer_the_same() -> None:
    found = public(SupermetricsClient)
    assert found == public(SupermetricsAsyncClient)
    assert len(found) > 60


def test_no_method_of_any_resource_is_left_out() -> None:
    assert public(SupermetricsClient) - set(called()) == set()
