import numba
import pytest

from grouping.kernels import (
    ascent,
    buckets,
    groups,
    kendall,
    list_prices,
    medians,
    own_lists,
    scan,
    user_sets,
)
from grouping.kernels.jit import ONLY_PRANGE
from learners.kernels import als, scores

MODULES = [ascent, buckets, groups, kendall, list_prices, medians, own_lists, scan, user_sets]
MODULES += [als, scores]


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_parallel_kernel_is_compiled_with_the_lean_options(module):
    """Numba takes what it is given for its own: a dictionary would be empty after the first use."""
    options = [getattr(kernel, "targetoptions", {}) for kernel in vars(module).values()]
    given = [one["parallel"] for one in options if one.get("parallel")]
    assert given
    for one in given:
        assert type(one)(one) == one == ONLY_PRANGE
        assert (one.enabled, one.prange, one.numpy, one.fusion) == (True, True, False, False)
