"""The one training loop: Adam on batches of rows, the loss on observed entries only."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from learners.entries import Entries
from learners.models.batches import SLAB, Batches
from learners.models.descent import descent
from learners.models.losses import Loss
from learners.models.network import Network, RowNetwork
from learners.models.schedule import Fitting
from learners.models.sparse_layers import SparseRows


def fit(
    network: Network,
    batches: Batches,
    targets: sp.csr_array,
    loss: Loss,
    fitting: Fitting,
    generator: torch.Generator,
) -> None:
    """Fit a network to sparse targets.

    Parameters
    ----------
    network : Network
        Trained in place; moved to the batches' device.
    batches : Batches
    targets : csr_array of float32, shape (rows, outputs)
        Entries that are not stored are unobserved.
    loss : str
    fitting : Fitting
    generator : torch.Generator
        Of the order of rows and of dropout.
    """
    for _ in epochs(network, batches, targets, loss, fitting, generator):
        pass


def epochs(
    network: Network,
    batches: Batches,
    targets: sp.csr_array,
    loss: Loss,
    fitting: Fitting,
    generator: torch.Generator,
) -> Iterator[int]:
    """Fit a network as `fit` does, epoch by epoch.

    Parameters
    ----------
    network, batches, targets, loss, fitting, generator :
        See `fit`.

    Yields
    ------
    epoch : int
        1, 2, ... after each. The network may be used in between, and left in training mode.
    """
    network.to(batches.device).train()
    steps = descent(network, fitting, batches.device)
    whole = SparseRows.of(targets)
    for epoch in range(1, fitting.epochs + 1):
        for batch, goals in batches.drawn(whole, fitting.batch, generator):
            network.add_gradients(loss, batch, goals, generator)
            steps.step()
        yield epoch
    for parameter in network.parameters():
        parameter.grad = None


@torch.no_grad()
def scores_at(network: Network, batches: Batches, wanted: Entries) -> NDArray[np.float32]:
    """Scores of entries, in their order, whatever it is.

    Parameters
    ----------
    network : Network
    batches : Batches
    wanted : Entries

    Returns
    -------
    scores : float32 array, shape (entries,)
    """
    order = np.argsort(wanted.rows, kind="stable")
    by_row = Entries(wanted.rows[order], wanted.columns[order], wanted.values[order])
    asked = by_row.csr((batches.count, int(wanted.columns.max(initial=0)) + 1))
    parts = [network.scores(batch, part).cpu() for batch, part in batches.given(asked)]
    scores = np.empty(len(wanted), dtype=np.float32)
    scores[order] = torch.cat(parts).numpy()
    return scores


@torch.no_grad()
def blocks_of_scores(
    network: RowNetwork,
    batches: Batches,
    wanted: Iterable[tuple[slice, NDArray[np.int64] | None]],
) -> list[NDArray[np.float32]]:
    """Scores of some stretches of columns, each for some rows.

    What the network makes of its rows is made once for all of them.

    Parameters
    ----------
    network : RowNetwork
    batches : Batches
    wanted : iterable of (slice, int64 array or None)
        Columns, and rows: none are all of them.

    Returns
    -------
    blocks : list of float32 arrays, shape (rows, columns)
    """
    codes = torch.cat([network.codes(batch) for batch, _ in batches.given()])
    blocks = []
    for columns, rows in wanted:
        chosen = codes if rows is None else codes[torch.from_numpy(rows).to(codes.device)]
        parts = [network.scores_of(part, columns).cpu() for part in torch.split(chosen, SLAB)]
        blocks.append(np.asarray(torch.cat(parts).numpy()))
    return blocks


class _OneThread:
    """How many are within `one_thread`, and what to go back to when the last one leaves."""

    lock = threading.Lock()
    inside = 0
    before = 1


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on one thread within the block.

    Organisations run side by side, each on one thread; and a sum split over threads would differ
    in its last bits with their number.
    """
    with _OneThread.lock:
        if _OneThread.inside == 0:
            _OneThread.before = torch.get_num_threads()
        _OneThread.inside += 1
        torch.set_num_threads(1)  # in every thread: part of the setting is the thread's own
    try:
        yield
    finally:
        with _OneThread.lock:
            _OneThread.inside -= 1
            if _OneThread.inside == 0:
                torch.set_num_threads(_OneThread.before)
