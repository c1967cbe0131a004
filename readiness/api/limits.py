"""How much one request may write."""

MOST = 1_000
"""Records of one request."""
ROUNDS = 25
"""How often one request may speak of the same row: each time is a look at what is stored."""
