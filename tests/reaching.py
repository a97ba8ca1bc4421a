"""What connectors may open in tests: all that lies in the temporary directory, and in /srv, where nothing is."""

from __future__ import annotations

import tempfile

from dayfill.domain.reach import Reach, Reaches

TEMP = Reach((tempfile.gettempdir(), "/srv"))
TEMPS = Reaches(TEMP)
