"""The filter of a query: ``clicks >= 10 AND campaign =@ sale OR campaign =~ /^brand/i``.

A value ends at the next `` AND `` or `` OR ``, or with the text; AND binds closer than OR.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_CONDITIONS = 100

_OPERATOR = re.compile(r"==|!=|>=|<=|=@|!@|=~|!~|>|<")
_CHAIN = re.compile(r" (AND|OR) ")
_FLAGS = "imsU"
_CLOSING = {"(": ")", "{": "}", "[": "]", "<": ">"}


@dataclass(frozen=True, slots=True)
class Condition:
    """operator: ``== != > >= < <=`` compare, ``=@ !@`` look for a text, ``=~ !~`` for a regular expression."""

    field_id: str
    operator: str
    value: str


Filter = tuple[tuple[Condition, ...], ...]
"""A row is wanted if all conditions of any of the groups hold; without a group every row is."""


def parse(text: str) -> Filter:
    """The groups of a filter.

    Raises:
        ValueError: a part is not a condition, or there are too many.
    """
    if not text.strip():
        return ()
    parts = _CHAIN.split(f" {text} ")
    if len(parts) > 2 * MOST_CONDITIONS:
        raise ValueError(f"the filter has more than {MOST_CONDITIONS} conditions; send fewer")
    groups: list[list[Condition]] = [[]]
    for position, part in enumerate(parts):
        if position % 2 == 0:
            groups[-1].append(_condition(part))
        elif part == "OR":
            groups.append([])
    return tuple(tuple(group) for group in groups)


def _condition(part: str) -> Condition:
    found = _OPERATOR.search(part)
    field_id = part[: found.start()].strip() if found else ""
    if found is None or not field_id:
        raise ValueError(
            f"the part {part.strip()[:100]!r} of the filter is not a condition; write FIELD OPERATOR VALUE, "
            "the operator being one of == != > >= < <= =@ !@ =~ !~"
        )
    condition = Condition(field_id, found[0], part[found.end() :].strip())
    if condition.operator.endswith("~"):
        pattern(condition.value)
    return condition


def pattern(value: str) -> str:
    """The regular expression in ``/^brand/i``, its flags written into it.

    Raises:
        ValueError: it is not enclosed in delimiters, or has flags that are not known.
    """
    opening = value[:1]
    end = value.rfind(_CLOSING.get(opening, opening)) if opening else -1
    if end < 1 or opening.isalnum() or opening in "\\ ":
        raise ValueError(f"the regular expression {value[:100]!r} must stand between slashes, such as /^brand/i")
    flags = value[end + 1 :]
    if unknown := set(flags) - set(_FLAGS):
        raise ValueError(f"the regular expression {value[:100]!r} has the flag {min(unknown)!r}; known are i, m, s, U")
    return f"(?{flags}){value[1:end]}" if flags else value[1:end]
