from grouping.kernels.jit import ONLY_PRANGE
from grouping.kernels.own_lists import dense_own_lists


def test_every_parallel_kernel_is_compiled_with_the_lean_options():
    """Numba takes what it is given for its own: a dictionary would be empty after the first use."""
    given = dense_own_lists.targetoptions["parallel"]
    assert given is ONLY_PRANGE
    copies = [type(given)(given) for _ in range(2)]
    assert all(copy == ONLY_PRANGE for copy in copies)
    assert (given.enabled, given.prange, given.numpy, given.fusion) == (True, True, False, False)
