"""`make bench-peers`: the same work by dayfill and by its peers, side by side; each peer in a venv of its own."""
