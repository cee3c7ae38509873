"""The figures of the papers' data that our own must meet before anything is learned."""

import numpy as np
import pytest

from learners.metrics import average_precisions, rmse
from learners.models.column_means import column_means, popularity
from learners.movielens import find, read_movielens
from learners.mtal.partition import deal
from learners.splits import three_parts

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def small():
    if find("ml-100k") is None:
        pytest.skip("MovieLens 100K is in neither $GROUPING_DATA nor ../shared/data")
    return read_movielens("ml-100k")


def test_sizes_and_counts_are_those_of_table_7(small):
    """943 users with 30 features, 1682 items with 18, and one item in each genre at least."""
    assert small.ratings.shape == (943, 1682)
    assert small.ratings.count() == 100_000
    assert small.profiles.matrix.shape == (943, 30)
    assert (small.profiles.matrix.sum(axis=1) == 3).all()
    assert small.genres.matrix.shape == (1682, 18)
    parts = three_parts(small.ratings, validation=0, seed=0)
    assert (len(parts.train), len(parts.test)) == (90_000, 10_000)
    dealt = deal(parts, partition="genre", genres=small.genres)
    published = [105, 57, 17, 59, 336, 51, 48, 539, 10, 8, 63, 22, 26, 135, 42, 113, 33, 18]
    sizes = [domain.shape[1] for domain in dealt]
    assert np.abs(np.array(sizes) - published).max() < 40
    assert all(len(domain.train) and len(domain.test) for domain in dealt)


@pytest.mark.parametrize(
    ("align", "base", "spread", "best_map"),
    [("user", 1.0247, 0.0082, 0.93), ("item", 1.0427, 0.0081, 0.75)],
)
def test_the_base_model_has_the_known_error(small, align, base, spread, best_map):
    """Base on ML100K tells which of the paper's captions is right; two of its spreads away."""
    parts = three_parts(small.ratings, validation=0, seed=0)
    (domain,) = deal(parts, align=align, partition="uniform:1")
    means = column_means(domain.train, domain.shape[1])
    assert abs(rmse(domain.test.values, means[domain.test.columns]) - base) < 2 * spread
    likes = domain.binarised(3.5)
    score = popularity(likes.train, domain.shape[1])[likes.test.columns]
    found, perfect = (
        average_precisions(likes.test.rows, likes.test.values, by).mean()
        for by in (score, likes.test.values)
    )
    assert found < perfect
    assert abs(perfect - best_map) < 0.02


def test_movielens_1m_has_its_sizes():
    """The larger set is read with the same columns."""
    if find("ml-1m") is None:
        pytest.skip("MovieLens 1M is in neither $GROUPING_DATA nor ../shared/data")
    large = read_movielens("ml-1m")
    assert large.ratings.shape == (6040, 3706)
    assert large.ratings.count() == 1_000_209
    assert large.profiles.matrix.shape == (6040, 30)
    assert large.genres.matrix.shape == (3706, 18)
    assert large.genres.matrix.any(axis=1).all()
