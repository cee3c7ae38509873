"""The learners' figures on real data."""
