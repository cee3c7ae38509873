"""The embedded sample, and how it was made."""
