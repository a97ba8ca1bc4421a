"""The measurements still fit the code: no test runs them, so nobody else would notice a name that has moved."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from house_tree import ROOT, modules

OF_PEERS = "bench/peers/programs"
"""They run in the venv of a peer, whose packages are not here, and import nothing of ours."""
MEASUREMENTS = [path for path in modules("bench") if path.stem != "__main__" and not path.is_relative_to(OF_PEERS)]


@pytest.mark.parametrize("path", MEASUREMENTS, ids=str)
def test_a_measurement_finds_all_that_it_imports(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    assert import_module(".".join(path.with_suffix("").parts)).__doc__
