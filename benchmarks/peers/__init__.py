"""Peers: what others form groups by, beside `refine`, all of sizes up to the same."""
