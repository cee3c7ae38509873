"""Aggregate voting with max: the best l items, each user served by one."""
