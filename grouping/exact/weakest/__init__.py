"""Aggregate voting with min: the best l lists, and who goes where."""
