"""Every failpoint that a test can name is passed somewhere, and no step has one that cannot be named."""

from __future__ import annotations

import ast

from house_tree import calls, modules, tree

from dayfill.seams import FAILPOINTS


def test_the_list_of_failpoints_is_that_of_the_code() -> None:
    passed = [
        call.args[0].value
        for path in modules("src/dayfill")
        for call, name in calls(tree(path))
        if name == "failpoint" and path.name != "seams.py" and isinstance(call.args[0], ast.Constant)
    ]
    assert sorted(passed) == sorted(FAILPOINTS)
