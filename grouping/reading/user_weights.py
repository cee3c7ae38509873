"""Users' weights from a table."""

from __future__ import annotations

import os

from grouping.counting import one_weight
from grouping.errors import InputError
from grouping.reading.pairs import PairTable

WEIGHTS = PairTable("weight", ("weight", "userweight", "w"))


def read_user_weights(path: str | os.PathLike[str]) -> dict[str, float]:
    """Read how much users count.

    Parameters
    ----------
    path : path-like
        Text with two columns, a comma, semicolon or tab between them, with or without a header
        that names them user and weight; or Parquet.

    Returns
    -------
    weights : dict
        From user id to weight.

    Raises
    ------
    InputError
        If the file cannot be read, a weight is not a finite number above 0, or a user has two;
        the message names the line.
    GroupingError
        If memory does not suffice.
    """
    name = os.fspath(path)
    weights: dict[str, float] = {}
    for place, user, text in WEIGHTS.read(path):
        where = f"{name}:{place}: user {user}"
        if not user:
            raise InputError(f"{name}:{place}: a user id is empty; give user,weight")
        if user in weights:
            raise InputError(f"{where}: has a weight already; give each user one")
        weights[user] = one_weight(text, where)
    if not weights:
        raise InputError(f"{name}: holds no weight; give user,weight, a user a line")
    return weights
