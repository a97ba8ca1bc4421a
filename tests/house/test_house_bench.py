"""The measurements still fit the code: no test runs them, so nobody else would notice a name that has moved."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from house_tree import ROOT, modules


@pytest.mark.parametrize("path", [path for path in modules("bench") if path.stem != "__main__"], ids=str)
def test_a_measurement_finds_all_that_it_imports(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    assert import_module(".".join(path.with_suffix("").parts)).__doc__
