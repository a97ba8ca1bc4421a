"""The files by which an installation lives, by their names in its data directory."""

STATE_FILE, KEYRING_FILE, SETTINGS_FILE, LOCK_FILE = "state.sqlite", "keyring", "dayfill.toml", "serve.lock"
SPOOL = "spool"
"""A folder of readings that are too large for the memory."""
