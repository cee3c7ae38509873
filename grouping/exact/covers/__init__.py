"""Least misery: the best cover of the users by groups."""
