"""The two networks, and what both training and predicting make for them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from grouping.errors import InputError
from learners.dmtl.group_network import GroupNetwork, Members
from learners.dmtl.groups import Groups
from learners.dmtl.inputs import Known, build
from learners.dmtl.paper_network import PaperNetwork
from learners.dmtl.settings import Settings
from learners.training.devices import drawing_from

Network = GroupNetwork | PaperNetwork


def make_network(known: Known, settings: Settings, classes: int) -> Network:
    """Make a network with parameters drawn from the seed.

    Parameters
    ----------
    known : Known
    settings : Settings
    classes : int
        0: without a profiling head.

    Returns
    -------
    network : GroupNetwork or PaperNetwork

    Raises
    ------
    InputError
        If the blocks of the settings leave no column of the users, or of the items.
    """
    inputs = build(known, settings.inputs)
    for width, what in zip(inputs.widths, ("users", "items"), strict=True):
        if not width:
            raise InputError(
                f"inputs {', '.join(settings.inputs)}: nothing of the kind is known of the "
                f"{what}; add id, history or seen"
            )
    with drawing_from(settings.seed):
        if settings.network == "paper":
            return PaperNetwork(inputs, settings, classes)
        return GroupNetwork(inputs, settings, classes)


def members_of(groups: Groups, chosen: NDArray[np.int64], device: torch.device) -> Members:
    """Gather the members of a batch of groups.

    Parameters
    ----------
    groups : Groups
    chosen : int64 array, shape (batch,)
    device : torch.device

    Returns
    -------
    members : Members
    """
    sizes = groups.sizes[chosen]
    group = np.repeat(np.arange(len(chosen)), sizes)
    before = np.concatenate(([0], np.cumsum(sizes)))[:-1]
    place = np.arange(len(group)) - before[group] + groups.starts[chosen][group]
    return Members(
        torch.tensor(groups.members[place], device=device),
        torch.tensor(group, device=device),
        torch.tensor(sizes.astype(np.float32), device=device),
    )
