"""A venv for each peer, below `.peers/`: made when it is first asked for, and anew when its requirements change."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

PROGRAMS = Path(__file__).with_name("programs")
VENVS = Path(__file__).parents[2] / ".peers"


def python_of(peer: str) -> Path:
    """The interpreter of this peer's venv, with all that `programs/<peer>.txt` names, as new as the index has it."""
    wanted, folder = PROGRAMS / f"{peer}.txt", VENVS / peer
    python, made = folder / "bin" / "python", folder / ".made"
    if made.exists() and made.stat().st_mtime > wanted.stat().st_mtime:
        return python
    print(f"Setting up .peers/{peer} (minutes the first time)", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    subprocess.run([*pip, "--requirement", wanted], check=True)
    made.touch()
    return python
