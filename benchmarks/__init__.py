"""Benchmarks: speed, quality, and the learners' accuracy; run from the repository's root."""
