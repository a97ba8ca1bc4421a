"""dayfill: a data-warehouse transfer and backfill server that keeps every day complete."""

__version__ = "0.1.0"
