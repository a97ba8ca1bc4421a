"""The tree of errors: drawn as it is, and each error of a request has its place on the wire."""

from __future__ import annotations

import inspect
import re

import pytest

from dayfill import errors
from dayfill.api.wire import ERRORS
from dayfill.errors import ConnectorError, DayfillError, RequestError

BRANCH = re.compile(r"^(?P<indent>[│ ├└─]*)(?P<name>[A-Z][A-Za-z]+)(?: +(?P<status>[1-5]\d\d))?(?= |$)", re.MULTILINE)
CLASSES = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, DayfillError)]
ON_THE_WIRE = [one for one in CLASSES if issubclass(one, RequestError) and one is not RequestError]


def drawn() -> dict[str, tuple[str | None, int | None]]:
    """Name -> (name of its parent, status) as the docstring draws it; four characters are one level."""
    found: dict[str, tuple[str | None, int | None]] = {}
    parents: list[str] = []
    picture = (errors.__doc__ or "").split("\n\n", 1)[1]
    for branch in BRANCH.finditer(picture):
        level, status = len(branch["indent"]) // 4, branch["status"]
        parents[level:] = [branch["name"]]
        found[branch["name"]] = (parents[level - 1] if level else None, int(status) if status else None)
    return found


def test_the_picture_is_the_tree() -> None:
    picture = {name: parent for name, (parent, _) in drawn().items()}
    bases = {one.__name__: one.__base__.__name__ for one in CLASSES if one is not DayfillError}
    assert picture == {"DayfillError": None, **bases}


def test_every_error_of_a_request_has_a_row_on_the_wire_and_no_other_error_has() -> None:
    assert set(ERRORS) == set(ON_THE_WIRE)
    assert not any(issubclass(one, ConnectorError) for one in ERRORS)


@pytest.mark.parametrize("error", ON_THE_WIRE, ids=lambda error: error.__name__)
def test_status_and_code_are_what_the_picture_says_and_the_wire_allows(error: type[RequestError]) -> None:
    status, message = ERRORS[error]
    assert status == drawn()[error.__name__][1]
    assert 0 < len(message) <= 255
    assert re.fullmatch(r"[A-Z][A-Z0-9_]{0,99}", error.code)
    assert error.code != RequestError.code


def test_all_errors_live_in_one_file() -> None:
    waiting, found = [DayfillError], set()
    while waiting:
        one = waiting.pop()
        found |= {one.__module__} if one.__module__.startswith("dayfill.") else set()
        waiting += one.__subclasses__()
    assert found == {errors.__name__}
