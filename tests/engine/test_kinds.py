"""The kinds of connectors, as forms and lists show them."""

from __future__ import annotations

from dayfill.engine import destinations, sources


def test_kinds_stand_in_the_order_of_their_titles() -> None:
    for kinds in sources.all_kinds(), destinations.all_kinds():
        titles = [kind.title for kind in kinds]
        assert titles == sorted(titles, key=str.casefold) and titles
