"""The profiling head of the network for groups, learned to the end once the rest is trained."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

_RIDGE = 1.0  # a weight on a component of spread 1 is held at 0 like a standard normal one
_SWEEPS = 200
_SMALLEST_SPREAD = 1e-9  # a component that is the same for all tells nothing

Floats = NDArray[np.float64]


def finished_head(
    profiles: NDArray[np.floating], shares: NDArray[np.floating]
) -> tuple[Floats, Floats]:
    """Find the weights of equation 13's softmax that tell the classes best.

    Recommending is learned within a few rounds, which is not long enough for the head; and lambda,
    where it is small, leaves the profiles to recommending. With the profiles fixed the head is a
    multinomial logistic regression: convex, so the end does not depend on where it starts. It
    lowers ``sum of crossed entropies + 1/2 |W|^2``, components being brought to spread 1 first.

    Parameters
    ----------
    profiles : float array, shape (raters, h)
        p_u of users, and sum over members of a_u p_u + o_g of groups.
    shares : float array, shape (raters, classes)
        Rows sum to 1; a row of zeros is not learned from.

    Returns
    -------
    weight : float64 array, shape (classes, h)
    bias : float64 array, shape (classes,)
    """
    labelled = shares.any(axis=1)
    known = profiles[labelled].astype(np.float64)
    centre, spread = known.mean(axis=0), known.std(axis=0)
    tells = spread > _SMALLEST_SPREAD
    spread = np.where(tells, spread, 1.0)
    components = torch.tensor(np.where(tells, (known - centre) / spread, 0.0))
    true = torch.tensor(shares[labelled].astype(np.float64))
    size = (true.shape[1], components.shape[1])
    weight = torch.zeros(size, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(size[0], dtype=torch.float64, requires_grad=True)
    search = torch.optim.LBFGS(
        [weight, bias], max_iter=_SWEEPS, tolerance_grad=1e-6, line_search_fn="strong_wolfe"
    )

    def lost() -> torch.Tensor:
        search.zero_grad()
        told = functional.log_softmax(components @ weight.T + bias, dim=1)
        loss = 0.5 * _RIDGE * (weight**2).sum() - (true * told).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    search.step(lost)  # type: ignore[no-untyped-call]
    found: Floats = weight.detach().numpy() / spread
    return found, bias.detach().numpy() - found @ centre
