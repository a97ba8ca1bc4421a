"""The event loop of the commands that serve."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import uvloop

Given = ParamSpec("Given")
Result = TypeVar("Result")


def on_uvloop(command: Callable[Given, Coroutine[Any, Any, Result]]) -> Callable[Given, Result]:
    """A command on the loop that `make bench` measures; cyclopts would take that of asyncio, a slower one."""

    @wraps(command)
    def run(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        return uvloop.run(command(*args, **kwargs))

    return run
