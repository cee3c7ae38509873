"""Anything for a few users: the best of all partitions."""
