import numpy as np
import pytest

from grouping.errors import InputError

torch = pytest.importorskip("torch")

from learners.training.devices import choose_device, drawing_from, torch_threads  # noqa: E402
from learners.training.optimizers import (  # noqa: E402
    network_arrays,
    optimizer_arrays,
    restore_network,
    restore_optimizer,
)


def _steps(network, optimizer, rounds):
    for number in rounds:
        with drawing_from(7, number):
            x = torch.randn(5, 3)
            loss = (torch.dropout(network(x), 0.5, True) ** 2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def _made():
    with drawing_from(1):
        network = torch.nn.Linear(3, 2)
    return network, torch.optim.AdamW(network.parameters(), lr=0.1)


def test_resumed_training_ends_where_uninterrupted_training_does():
    """Parameters, what the optimizer remembers and the random numbers go on bit by bit."""
    network, optimizer = _made()
    _steps(network, optimizer, range(6))
    first, its_optimizer = _made()
    _steps(first, its_optimizer, range(3))
    second, other_optimizer = _made()
    restore_network(second, network_arrays(first))
    restore_optimizer(other_optimizer, optimizer_arrays(its_optimizer))
    _steps(second, other_optimizer, range(3, 6))
    for name, array in network_arrays(network).items():
        np.testing.assert_array_equal(array, network_arrays(second)[name])


def test_a_model_of_another_shape_is_refused():
    """Saved parameters that do not fit are named."""
    with pytest.raises(InputError, match=r"weight has shape \(2, 3\), not \(2, 4\)"):
        restore_network(torch.nn.Linear(4, 2), network_arrays(torch.nn.Linear(3, 2)))
    with pytest.raises(InputError, match="bias is in one of both only"):
        restore_network(torch.nn.Linear(3, 2, bias=False), network_arrays(torch.nn.Linear(3, 2)))


def test_seeds_of_a_round_leave_other_draws_alone():
    """Drawing inside a block changes nothing outside of it, and equal seeds draw equally."""
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    with drawing_from(0, 1):
        inside = torch.rand(2)
    assert torch.equal(torch.rand(2), expected)
    with drawing_from(0, 1):
        assert torch.equal(torch.rand(2), inside)


def test_devices_and_threads_are_checked():
    """Unknown devices and no threads are refused; the number of threads is given back."""
    with pytest.raises(InputError, match="give auto, cpu or cuda"):
        choose_device("gpu")
    assert choose_device("cpu").type == "cpu"
    before = torch.get_num_threads()
    with torch_threads(1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
    with pytest.raises(InputError, match="1 or more"), torch_threads(0):
        pass
