"""How large ids may be."""

LARGEST_ID = 2**63 - 1
"""Of everything that the state numbers by itself."""
LARGEST_SHORT_ID = 2**31 - 1
"""Of transfers, destinations, table groups and logins, whose ids clients read as numbers of 32 bits."""
