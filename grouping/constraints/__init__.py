"""Constraints on formations: what they are, whether they can be met, and what meets them."""

from grouping.constraints.rules import Constraints, Rule

__all__ = ["Constraints", "Rule"]
