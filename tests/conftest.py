"""Settings of the property tests for the whole suite."""

from __future__ import annotations

from hypothesis import settings

# No deadline: a busy machine must not fail a correct property.
settings.register_profile("dayfill", deadline=None, print_blob=True)
settings.load_profile("dayfill")
