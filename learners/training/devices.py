"""Where a network is trained: which device, how many threads, and what if torch is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from grouping.errors import GroupingError, InputError

if TYPE_CHECKING:
    import torch


def require_torch() -> None:
    """Refuse, with the way out, where torch is not installed.

    Raises
    ------
    GroupingError
    """
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise GroupingError("networks need torch: pip install 'grouping[learners]'") from error


def choose_device(name: str = "auto") -> torch.device:
    """Pick the device to train on.

    Parameters
    ----------
    name : {"auto", "cpu", "cuda"}
        ``auto``: cuda where there is one.

    Returns
    -------
    device : torch.device

    Raises
    ------
    InputError
        If the name is unknown, or cuda is asked for and not there.
    """
    require_torch()
    import torch

    if name not in ("auto", "cpu", "cuda"):
        raise InputError(f"device {name!r}: give auto, cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("device cuda: there is none here; give cpu or auto")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


@contextmanager
def torch_threads(count: int | None) -> Iterator[None]:
    """Run torch on so many threads inside the block.

    Parameters
    ----------
    count : int or None
        None: as it is.
    """
    import torch

    before = torch.get_num_threads()
    if count is not None:
        if count < 1:
            raise InputError(f"the number of threads must be 1 or more, not {count}")
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def drawing_from(*seed: int) -> Iterator[None]:
    """Draw torch's random numbers inside the block from a seed of its own.

    A round that is seeded by its own number draws the same whether or not training was
    interrupted before it. Outside the block torch's generator stands where it stood.

    Parameters
    ----------
    *seed : int
        Numbers from 0 that together name the stream.
    """
    import numpy as np
    import torch

    devices = range(torch.cuda.device_count()) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=list(devices)):
        torch.manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
        yield
