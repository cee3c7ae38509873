"""Multi-target assisted learning: organisations that improve each other by exchanging residuals."""
