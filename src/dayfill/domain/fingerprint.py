"""Which error messages are the same: equal but for the numbers, dates, ids and quoted parts in them."""

from __future__ import annotations

import hashlib
import re

_QUOTED = re.compile(r"""(?<!\w)'[^']*'(?!\w)|"[^"]*"|`[^`]*`""")


def fingerprint(message: str) -> str:
    """16 hexadecimal digits that messages have in common if they say the same of another day, account or file."""
    words = _QUOTED.sub("0", message).split()
    said = " ".join("0" if any(letter.isdigit() for letter in word) else word for word in words)
    return hashlib.blake2b(said.encode(errors="replace"), digest_size=8).hexdigest()
