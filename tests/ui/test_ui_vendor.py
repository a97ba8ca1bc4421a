"""What others have written is shipped as they published it, and named with its version and licence."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

import dayfill.ui

VENDOR = Path(dayfill.ui.__file__).parent / "static" / "vendor"
VERSIONS = json.loads((VENDOR / "versions.json").read_text())


@pytest.mark.parametrize("name", VERSIONS)
def test_a_file_of_others_is_what_they_published(name: str) -> None:
    told = VERSIONS[name]
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == told["sha256"]
    assert (VENDOR / told["license_file"]).read_text().strip()
    assert told["version"] and told["license"]


def test_every_file_of_others_is_named() -> None:
    licences = {told["license_file"] for told in VERSIONS.values()}
    assert {path.name for path in VENDOR.iterdir()} == {"versions.json", *VERSIONS, *licences}
