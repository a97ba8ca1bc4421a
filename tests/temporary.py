"""Where tests put their files. Whoever asks for the temporary directory while it is imported imports this one first."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

MEMORY, ROOM = Path("/dev/shm"), 2_000_000_000
"""A file system in memory, and the bytes that must be free there. Waiting for a disk made up half of the time of a run,
and proves nothing: no test cuts the power, and what a killed process has written survives in both. TMPDIR overrides."""
if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)

FOLDER = tempfile.gettempdir()
