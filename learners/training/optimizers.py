"""A network and its optimizer as plain arrays, so that training can be resumed without pickle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from grouping.errors import InputError

if TYPE_CHECKING:
    import torch

Arrays = dict[str, NDArray[Any]]


def network_arrays(network: torch.nn.Module) -> Arrays:
    """Parameters and buffers of a network, copied.

    Parameters
    ----------
    network : torch.nn.Module

    Returns
    -------
    arrays : dict of str to array
    """
    state = network.state_dict()
    return {name: t.detach().cpu().numpy().copy() for name, t in state.items()}


def restore_network(network: torch.nn.Module, arrays: Arrays, source: str = "model") -> None:
    """Set a network to saved parameters.

    Parameters
    ----------
    network : torch.nn.Module
    arrays : dict of str to array
        As `network_arrays` gave.
    source : str
        For messages.

    Raises
    ------
    InputError
        If names or shapes differ.
    """
    import torch

    own = network.state_dict()
    for name in own.keys() ^ arrays.keys():
        raise InputError(f"{source}: does not fit: {name} is in one of both only")
    for name, tensor in own.items():
        if tuple(tensor.shape) != arrays[name].shape:
            raise InputError(
                f"{source}: does not fit: {name} has shape {arrays[name].shape}, "
                f"not {tuple(tensor.shape)}"
            )
    network.load_state_dict({name: torch.tensor(array) for name, array in arrays.items()})


def optimizer_arrays(optimizer: torch.optim.Optimizer) -> Arrays:
    """What an optimizer remembers of each parameter, as ``PARAMETER.NAME``.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer

    Returns
    -------
    arrays : dict of str to array
    """
    import torch

    arrays: Arrays = {}
    for number, remembered in optimizer.state_dict()["state"].items():
        for name, value in remembered.items():
            known = isinstance(value, torch.Tensor)
            array = value.detach().cpu().numpy().copy() if known else np.asarray(value)
            arrays[f"{number}.{name}"] = array
    return arrays


def restore_optimizer(optimizer: torch.optim.Optimizer, arrays: Arrays) -> None:
    """Set an optimizer to what it remembered.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        With the same parameters, in the same order.
    arrays : dict of str to array
        As `optimizer_arrays` gave.
    """
    import torch

    state: dict[int, dict[str, Any]] = {}
    for name, array in arrays.items():
        number, _, what = name.partition(".")
        state.setdefault(int(number), {})[what] = torch.tensor(array)
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
