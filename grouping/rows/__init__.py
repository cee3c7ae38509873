"""Ratings as dense rows, by item or by user: what searches and bounds read."""
