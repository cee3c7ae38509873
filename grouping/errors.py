"""The failures that a user can meet, each with the exit code that the command line gives it."""

from __future__ import annotations


class GroupingError(Exception):
    """Base of every failure that this package raises on purpose (exit code 1)."""

    exit_code = 1


class InputError(GroupingError, ValueError):
    """Bad input or usage: the message names the place and the way out (exit code 2)."""

    exit_code = 2


class IncompleteError(InputError):
    """Ratings are missing, and no way to fill them was chosen."""


class InfeasibleError(GroupingError):
    """No partition satisfies the constraints (exit code 3)."""

    exit_code = 3


class UndecidedError(GroupingError):
    """The time limit passed with nothing found, or with feasibility undecided (exit code 4)."""

    exit_code = 4
