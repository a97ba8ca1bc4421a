"""What connectors may open in tests: all that lies in the temporary directory, and in /srv, where nothing is."""

from __future__ import annotations

from dayfill.domain.reach import Reach, Reaches
from temporary import FOLDER

TEMP = Reach((FOLDER, "/srv"))
TEMPS = Reaches(TEMP)
