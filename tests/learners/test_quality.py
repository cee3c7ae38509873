import pytest

from benchmarks.learners import movielens
from learners.als import BiasedALS
from learners.bias import BiasModel
from learners.metrics import rmse
from learners.splits import split


@pytest.mark.data
def test_movielens_is_predicted_well():
    """The defaults keep their error on real ratings, clearly below the bias-only model."""
    path = movielens.find("ml-100k")
    if path is None:
        pytest.skip("MovieLens 100K is in neither $GROUPING_DATA nor ../shared/data")
    part = split(movielens.read(path), seed=0)
    biased, factored = (
        rmse(part.values, model.fit(part.train).predict(part.users, part.items))
        for model in (BiasModel(), BiasedALS())
    )
    assert factored < 0.88  # .8748; without who rated what .9050
    assert factored < biased - 0.02
