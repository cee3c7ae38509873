"""Aggregate voting with sums: the best l lists, each user served by one."""
