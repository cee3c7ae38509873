import numpy as np
import pytest

from grouping.errors import InputError
from learners.models.column_means import column_means
from learners.models.registry import PAIR_MODELS, ROW_MODELS
from learners.models.schedule import Fitting
from learners.mtal.partition import deal
from learners.mtal.single import train_single
from learners.splits import three_parts
from tests.learners.mtal import made


def domain(align="user", **options):
    parts = three_parts(made.ratings(50, 24), validation=0.1, seed=1)
    return deal(parts, align=align, partition="uniform:1", **options)[0]


def test_the_base_is_the_mean_of_each_column():
    """One epoch of it, the same for all rows."""
    given = domain()
    ((validation, test),) = train_single("base", given, "squared", Fitting())
    means = column_means(given.train, given.shape[1])
    np.testing.assert_allclose(test, means[given.test.columns], rtol=1e-6)
    assert validation.shape == (len(given.validation),)


@pytest.mark.parametrize("align", ["user", "item"])
@pytest.mark.parametrize("name", ROW_MODELS + PAIR_MODELS)
def test_every_model_learns_ratings_of_any_feedback_with_side_information(name, align):
    """Each epoch scores the held-out ratings, and training makes its mark on them."""
    given = domain(align, profiles=made.profiles(50), attributes=made.genres(24))
    fitting = Fitting(epochs=12, batch=8, rate=5e-3)
    tested = np.array([test for _, test in train_single(name, given, "squared", fitting, seed=2)])
    assert tested.shape == (12, len(given.test))
    error = ((tested - given.test.values) ** 2).mean(axis=1)
    assert error.min() < 0.9 * error[0]
    liked = given.binarised(3.5)
    course = [*train_single(name, liked, "cross-entropy", fitting, seed=2)]
    assert len(course) == 12
    assert all(np.isfinite(test).all() for _, test in course)
    assert {len(validation) for validation, _ in course} == {len(given.validation)}


def test_unknown_models_are_named():
    with pytest.raises(InputError, match="'vae'"):
        next(train_single("vae", domain(), "squared", Fitting()))
