"""The state database: named queries in ``.sql`` files, one module per noun that turns rows into domain values."""
