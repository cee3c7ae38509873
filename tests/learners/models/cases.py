"""Small sparse rows with side information for the networks."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch

from learners.models.batches import Batches, Inputs

CPU = torch.device("cpu")


def sparse(rows, columns, density=0.4, seed=0):
    """Values from 1 to 5; the last row and the last column are empty."""
    rng = np.random.default_rng(seed)
    kept = rng.random((rows, columns)) < density
    kept[-1] = False
    kept[:, -1] = False
    at = np.nonzero(kept)
    values = rng.integers(1, 6, len(at[0])).astype(np.float32)
    return sp.csr_array((values, at), shape=(rows, columns))


def inputs(rows=17, columns=9, side=True, seed=0):
    rng = np.random.default_rng(seed + 100)
    features = (
        (rng.normal(size=(rows, 3)).astype("f4"), rng.normal(size=(columns, 2)).astype("f4"))
        if side
        else (None, None)
    )
    return Inputs(sparse(rows, columns, seed=seed), *features)


def batches(given):
    return Batches(given, CPU)
