"""Files of a data directory are private, whoever else makes one in the same process."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from dayfill.app.holding import private_files


def test_who_ends_first_does_not_take_the_mask_from_another(tmp_path: Path) -> None:
    mask = os.umask(0o022)
    inside, other_done = threading.Event(), threading.Event()

    def other() -> None:
        inside.set()
        with private_files():
            (tmp_path / "b").touch()
        other_done.set()

    try:
        thread = threading.Thread(target=other)
        with private_files():
            thread.start()
            assert inside.wait(20) and not other_done.wait(0.2), "the other one waits for its turn"
            (tmp_path / "a").touch()
        thread.join(20)
        (tmp_path / "c").touch()
    finally:
        os.umask(mask)
    assert [(tmp_path / one).stat().st_mode & 0o777 for one in "abc"] == [0o600, 0o600, 0o644]
