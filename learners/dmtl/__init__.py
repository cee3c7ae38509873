"""DMTL: learning what a group is like and what it will like together (Le and Abel, CSCWD 2025)."""
