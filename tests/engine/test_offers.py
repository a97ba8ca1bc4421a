"""An offer is cut into just the slices that it got, newest day first."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dayfill.engine.offers import Offer
from dayfill.store.lanes import Claimable

NOTHING: Any = None


@given(count=st.integers(1, 40), slices=st.integers(1, 40), days_each=st.integers(1, 128))
def test_each_slot_gets_a_slice_and_no_slice_is_too_large(count: int, slices: int, days_each: int) -> None:
    slices = min(slices, count)  # no more are dealt than there are days
    found = [Claimable(n, date(2024, 6, 14) - timedelta(n), 0, None, None) for n in range(count)]
    cut = Offer(NOTHING, NOTHING, (), False, days_each, count, found, slices=slices).cut()
    sizes = [len(runs) for runs in cut]
    assert len(cut) == slices
    assert min(sizes) >= max(1, max(sizes) - 1)
    assert max(sizes) <= days_each
    assert [run for runs in cut for run in runs] == found[: slices * days_each]
