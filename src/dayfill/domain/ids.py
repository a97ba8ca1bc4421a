"""How large the numbers may be by which things are named."""

LARGEST_ID = 2**63 - 1
"""Of whatever the state numbers itself."""
LARGEST_SHORT_ID = 2**31 - 1
"""Of transfers, destinations, table groups and logins, whose ids clients read as numbers of 32 bits."""
