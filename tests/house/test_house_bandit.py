"""What bandit finds in the code has its reason here: a finding without one fails, and a reason without a finding."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from functools import cache

from house_tree import ROOT, modules, tree

NAMES = "texts put in are names that `quoted` has quoted, and words of ours; every value is bound"
SCANS = "texts put in are names and literals that `quoted` and `text` have quoted; what DuckDB reads cannot be bound"
RAY = "src/dayfill/executors/ray.py"
DUCKDB, FILES = "src/dayfill/destinations/duckdb/", "src/dayfill/sources/files/"
POSTGRESQL = "src/dayfill/destinations/postgresql/"

JUSTIFIED = {
    ("B311", "src/dayfill/seams.py"): "this chance is jitter and request ids; keys and nonces are made by secrets",
    **{("B608", DUCKDB + name): NAMES for name in ("held.py", "ledger.py", "ownership.py", "tables.py")},
    **{
        ("B608", POSTGRESQL + name): NAMES for name in ("held.py", "ledger.py", "locks.py", "ownership.py", "tables.py")
    },
    ("B608", "src/dayfill/sources/sql/statement.py"): "the query is what a person may read with: it runs read-only",
    ("B608", "src/dayfill/store/postgresql/moving.py"): NAMES,
    **dict.fromkeys([("B404", RAY), ("B603", RAY)], "starts this Python with a module of ours and a checked address"),
    ("B608", "src/dayfill/ui/day.py"): "shown to a person, who may run it elsewhere; nothing here does",
    **{("B608", FILES + name): SCANS for name in ("infer.py", "look.py", "plan.py", "query.py")},
}
"""(test of bandit, file) -> why it is right."""


@cache
def findings() -> frozenset[tuple[str, str]]:
    """Test and file of all findings; asserts (B101) have a rule of their own below."""
    command = [sys.executable, "-m", "bandit", "-q", "-f", "json", "--skip", "B101", *map(str, modules("src"))]
    told = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout)
    assert len(told["metrics"]) > 100, "bandit looked at nothing"
    assert told["errors"] == []
    return frozenset((one["test_id"], one["filename"].removeprefix("./")) for one in told["results"])


def test_every_finding_has_a_reason_and_every_reason_a_finding() -> None:
    assert findings() == set(JUSTIFIED)


def test_an_assert_only_says_what_a_type_cannot() -> None:
    """B101: an assert can be switched off, so none may refuse anything; each says that a value is there."""

    def is_there(test: ast.expr) -> bool:
        if isinstance(test, ast.BoolOp):
            return isinstance(test.op, ast.And) and all(is_there(part) for part in test.values)
        return isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.IsNot)

    others = [
        f"{path}:{node.lineno}"
        for path in modules("src")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Assert) and not is_there(node.test)
    ]
    assert others == []
