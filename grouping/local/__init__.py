"""Local search: good formations, without a proof. One idea in each module."""
