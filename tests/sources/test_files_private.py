"""The installation's own files are no data."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from dayfill import app, sources
from dayfill.app.holding import LOCK_FILE
from dayfill.app.keyring import KEYRING_FILE
from dayfill.domain.installation import SETTINGS_FILE
from dayfill.domain.transfer import Table
from dayfill.errors import Permanent
from dayfill.secrets import Keyring
from dayfill.sources import SourceConfig
from reaching import TEMP


@pytest.mark.parametrize("name", [KEYRING_FILE, app.STATE_FILE, app.STATE_FILE + "-wal", LOCK_FILE, SETTINGS_FILE])
def test_a_source_opens_none_of_them(tmp_path: Path, name: str) -> None:
    Keyring.of_new_file(tmp_path / KEYRING_FILE)
    (tmp_path / name).touch()
    (tmp_path / "link.csv").symlink_to(tmp_path / name)
    for path in (tmp_path / name, tmp_path / "link.csv", tmp_path / f"{name[:-1]}?"):
        config = SourceConfig({"path": str(path), "format": "csv", "date_column": "day"}, reach=TEMP)
        with pytest.raises(Permanent, match="lives by"):
            sources.get("FILES").read_days(config, Table("t"), [date(2024, 1, 1)], 60)


def test_a_file_of_such_a_name_elsewhere_is_read(tmp_path: Path) -> None:
    (tmp_path / "keyring").mkdir()
    path = tmp_path / "keyring" / app.STATE_FILE
    path.write_text("day,n\n2024-01-01,1\n")
    config = SourceConfig({"path": str(path), "format": "csv", "date_column": "day"}, reach=TEMP)
    read = sources.get("FILES").read_days(config, Table("t"), [date(2024, 1, 1)], 60)
    assert read.reader.read_all().num_rows == 1
