"""The wire: one route table, one file per resource, the official client's contract."""
