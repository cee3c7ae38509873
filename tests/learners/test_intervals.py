import numpy as np
import pytest

from grouping.errors import InputError
from learners.intervals import bootstrap


def test_a_clear_difference_excludes_zero_and_noise_does_not():
    """The interval tells a shift from none at a size where both are certain."""
    noise = np.random.default_rng(0).normal(size=400)
    noise -= noise.mean()
    assert bootstrap(noise + 0.5, resamples=2000).low > 0
    assert bootstrap(noise - 0.5, resamples=2000).high < 0
    found = bootstrap(noise, resamples=2000)
    assert found.low < 0 < found.high


def test_the_interval_has_the_width_that_theory_gives():
    """For a mean of many units, the ends lie 1.96 standard errors away."""
    values = np.random.default_rng(1).normal(size=2000)
    found = bootstrap(values, resamples=4000)
    error = values.std() / np.sqrt(len(values))
    assert found.mean == pytest.approx(values.mean())
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * error, rel=0.06)


def test_splits_weigh_alike_however_many_units_they_have():
    """The mean over splits of means over units, a missing score counted nowhere."""
    values = [[1.0, 0.0], [1.0, np.nan], [1.0, np.nan], [1.0, 2.0]]
    assert bootstrap(values, resamples=200).mean == pytest.approx(1.0)


def test_the_seed_decides():
    """Equal seeds give equal intervals."""
    values = np.arange(10.0)
    assert bootstrap(values, seed=3) == bootstrap(values, seed=3)


def test_too_little_is_refused():
    """One unit, or a split without a score, has no interval."""
    for values in ([1.0], [1.0, np.nan], [[1.0], [np.nan]], [[1.0, np.nan], [2.0, np.nan]]):
        with pytest.raises(InputError, match="needs 2 units"):
            bootstrap(values)


def test_units_without_a_score_change_nothing():
    assert bootstrap([1.0, 2.0, np.nan, 4.0]) == bootstrap([1.0, 2.0, 4.0])
