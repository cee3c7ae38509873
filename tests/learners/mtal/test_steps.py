import numpy as np
import pytest

from grouping.errors import InputError
from learners.mtal.overarching import mean_loss, residuals, sigmoid
from learners.mtal.steps import Part, Step, chosen_step, combined


def part(seed=0, count=200, organisations=3, implicit=False):
    rng = np.random.default_rng(seed)
    outputs = rng.normal(size=(organisations, count))
    outputs[1, ::3] = np.nan
    truth = 1.5 * np.nan_to_num(outputs[0]) + rng.normal(size=count)
    if implicit:
        truth = (truth > 0).astype(float)
    return Part(np.zeros(count), truth, outputs)


def after(step, loss, part):
    eta, weights = chosen_step(step, loss, part, part)
    scores = part.scores + eta * combined(part.outputs, weights)
    return eta, weights, mean_loss(loss, scores, part.truth)


@pytest.mark.parametrize("loss", ["squared", "cross-entropy"])
def test_residuals_are_the_negative_gradient(loss):
    """2 (r - F) and y - sigmoid(F), against differences of the summed loss."""
    rng = np.random.default_rng(0)
    scores = rng.normal(size=6)
    truth = rng.integers(0, 2, 6).astype(float)
    found = residuals(loss, scores, truth)
    for entry in range(6):
        bump = np.zeros(6)
        bump[entry] = 1e-6
        slope = 6 * (mean_loss(loss, scores + bump, truth) - mean_loss(loss, scores - bump, truth))
        assert found[entry] == pytest.approx(-slope / 2e-6, abs=1e-5)


def test_the_logistic_function_does_not_overflow():
    """Scores of any size have a probability."""
    np.testing.assert_allclose(sigmoid(np.array([-1e4, 0.0, 1e4])), [0, 0.5, 1])


def test_outputs_are_averaged_over_those_who_know_the_row():
    """A missing output takes no weight: the others' weights are scaled up."""
    outputs = np.array([[1.0, 1.0], [3.0, np.nan]])
    np.testing.assert_allclose(combined(outputs, np.array([0.5, 0.5])), [2.0, 1.0])
    np.testing.assert_allclose(combined(outputs, np.array([0.9, 0.1])), [1.2, 1.0])


def test_constants_stay_constant():
    """The paper's eta = .1 and .3 with a plain mean."""
    eta, weights, _ = after(Step(eta=0.1), "squared", part())
    assert eta == 0.1
    np.testing.assert_allclose(weights, [1 / 3] * 3)


def test_the_fitted_rate_of_squared_error_is_that_of_least_squares():
    """The line search has a closed form there, which few steps arrive at."""
    given = part()
    mean = combined(given.outputs, np.ones(3) / 3)
    eta, _, _ = after(Step(rate="train"), "squared", given)
    assert eta == pytest.approx(mean @ given.truth / (mean @ mean), rel=1e-4)


@pytest.mark.parametrize("loss", ["squared", "cross-entropy"])
@pytest.mark.parametrize("how", ["train", "validation"])
def test_fitting_only_lowers_the_loss_it_is_fitted_to(loss, how):
    """Each freedom helps on its own part, and weights find the organisation that knows."""
    given = part(implicit=loss == "cross-entropy")
    *_, plain = after(Step(eta=0.5), loss, given)
    *_, rated = after(Step(eta=0.5, rate=how), loss, given)
    _, weights, weighed = after(Step(eta=0.5, weights=how), loss, given)
    assert rated <= plain
    assert weighed <= plain
    assert weights.sum() == pytest.approx(1)
    assert weights.argmax() == 0
    assert 0 <= after(Step(rate="validation"), loss, given)[0] <= 2


def test_a_choice_on_validation_looks_at_validation():
    """Train and validation that disagree: each choice follows its own part."""
    one, other = part(0), part(1)
    opposite = Part(other.scores, -other.truth, other.outputs)
    on_train = chosen_step(Step(rate="train"), "squared", one, opposite)[0]
    on_validation = chosen_step(Step(rate="validation"), "squared", one, opposite)[0]
    assert on_train > 0.5
    assert on_validation == 0.0


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (Step(rate="sometimes"), "constant, train or validation"),
        (Step(weights="validation"), "no rating is held out"),
        *[(Step(eta=eta), "finite") for eta in (np.nan, np.inf, 0.0, -1.0)],
    ],
)
def test_impossible_steps_are_refused(step, said):
    """A wrong choice is named before any work."""
    with pytest.raises(InputError, match=said):
        step.checked(has_validation=False)
