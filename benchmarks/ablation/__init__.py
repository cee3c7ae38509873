"""Ablation: what refine loses without each of its parts."""
