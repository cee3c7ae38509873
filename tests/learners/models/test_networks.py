from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch import nn

from grouping.errors import InputError
from learners.entries import Entries
from learners.models.batches import SLAB, Inputs
from learners.models.descent import descent
from learners.models.factorisation import Embedding
from learners.models.fitting import blocks_of_scores, fit, one_thread, scores_at
from learners.models.losses import LOSSES
from learners.models.network import new_generator
from learners.models.registry import PAIR_MODELS, ROW_MODELS, build, build_for_rows
from learners.models.schedule import Fitting
from learners.models.sparse_layers import SparseRows
from learners.mtal.settings import MODELS as OF_ROUNDS
from tests.learners.models.cases import CPU, batches, inputs, sparse

MODELS = ROW_MODELS + PAIR_MODELS


@pytest.fixture(autouse=True)
def single_thread():
    with one_thread():
        yield


def every_score(network, dealer, columns):
    """Scores of all rows and so many columns, batch by batch."""
    every = sp.csr_array(np.ones((dealer.count, columns), dtype="f4"))
    asked = dealer.given(every)
    return torch.cat([network.scores(*pair).reshape(-1, columns) for pair in asked])


@torch.no_grad()
def all_scores(network, dealer, columns):
    return every_score(network, dealer, columns).numpy()


@pytest.mark.parametrize("side", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_entries_and_whole_rows_have_the_same_scores(name, side):
    """What a model says of an entry does not depend on what else is asked."""
    given = inputs(side=side)
    network = build(name, given, new_generator(3))
    whole = all_scores(network, batches(given), 9)
    wanted = Entries.stored(sparse(17, 9, seed=5))
    at = scores_at(network, batches(given), wanted)
    np.testing.assert_allclose(at, whole[wanted.rows, wanted.columns], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("side", [False, True])
@pytest.mark.parametrize("name", ROW_MODELS)
def test_stretches_asked_for_together_have_the_scores_of_each_alone(name, side):
    """Organisations are told the same, to the bit, however many others are told something."""
    given = inputs(rows=SLAB + 90, side=side)
    network = build_for_rows(name, given, new_generator(3), 20)
    some = np.r_[np.arange(4, SLAB + 80), 0]
    wanted = [(slice(0, 9), None), (slice(9, 20), some), (slice(3, 4), np.empty(0, dtype=int))]
    together = blocks_of_scores(network, batches(given), wanted)
    whole = all_scores(network, batches(given), 20)
    for (columns, rows), block in zip(wanted, together, strict=True):
        (alone,) = blocks_of_scores(network, batches(given), [(columns, rows)])
        np.testing.assert_array_equal(block, alone)
        expected = whole[slice(None) if rows is None else rows, columns]
        np.testing.assert_allclose(block, expected, rtol=1e-4, atol=1e-5)


def test_the_autoencoder_is_the_stated_one():
    """256 tanh, 128 tanh, 256 tanh and a wider output, against layers of torch with its weights."""
    given = inputs(side=False)
    network = build_for_rows("aae", given, new_generator(1), 20)
    layers = [nn.Linear(9, 256), nn.Linear(256, 128), nn.Linear(128, 256), nn.Linear(256, 20)]
    with torch.no_grad():
        for layer, weight, bias in zip(
            layers,
            (
                network.of_ratings.table.T,
                network.to_code.weight,
                network.from_code.weight,
                network.output.table,
            ),
            (
                network.of_ratings.bias,
                network.to_code.bias,
                network.from_code.bias,
                network.output.bias,
            ),
            strict=True,
        ):
            layer.weight.copy_(weight)
            layer.bias.copy_(bias)
        hidden = torch.tensor(given.ratings.toarray())
        for layer in layers[:-1]:
            hidden = torch.tanh(layer(hidden))
        expected = layers[-1](hidden).numpy()
    ours = all_scores(network, batches(given), 20)
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_only_observed_entries_are_learned_from(name):
    """The gradient is that of the masked loss: a dense twin with the same mask agrees."""
    given = inputs()
    targets = sparse(17, 9, seed=8)
    gradients = []
    for dense in (False, True):
        network = build(name, given, new_generator(2))
        (batch, goals), *_ = batches(given).given(targets)
        if dense:
            scores = every_score(network, batches(given), 9)
            at = torch.tensor(np.array(targets.nonzero()))
            loss = (scores[at[0], at[1]] - goals.values).square().mean()
        else:
            loss = (network.scores(batch, goals) - goals.values).square().mean()
        loss.backward()
        gradients.append([p.grad for p in network.parameters()])
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("side", [False, True])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("noisy", [False, True])
def test_gradients_made_by_hand_are_those_of_automatic_differentiation(noisy, loss, side):
    """The autoencoder's, with and without dropout and side information, for every loss."""
    given, targets = inputs(side=side), sparse(17, 20, seed=8)
    if loss == "cross-entropy":
        targets.data = (targets.data > 3).astype("f4")
    (batch, goals), *_ = batches(given).given(targets)
    found = []
    for by_hand in (False, True):
        network = build_for_rows("aae", given, new_generator(2), 20)
        for parameter in network.parameters():
            parameter.grad = torch.ones_like(parameter)
        add = network.add_gradients if by_hand else super(type(network), network).add_gradients
        add(loss, batch, goals, new_generator(1) if noisy else None)
        found.append([parameter.grad for parameter in network.parameters()])
    assert len(found[0]) == (16 if side else 8)
    for plain, ours in zip(*found, strict=True):
        assert not (plain == 1).all()
        torch.testing.assert_close(ours, plain, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("clip", [1e-2, 1e3])
def test_steps_are_those_of_torch(clip):
    """Adam with weight decay after clipping, parameter by parameter, for some steps."""
    fitting = Fitting(rate=1e-2, decay=0.1, clip=clip)
    networks = [build("aae", inputs(), new_generator(2)) for _ in range(2)]
    ours = descent(networks[0], fitting, CPU)
    theirs = torch.optim.Adam(networks[1].parameters(), lr=1e-2, weight_decay=0.1)
    for step in range(4):
        for parameters in zip(*(network.parameters() for network in networks), strict=True):
            slope = torch.randn(parameters[0].shape, generator=new_generator(step))
            for parameter in parameters:
                parameter.grad = slope.clone() if parameter.grad is None else parameter.grad
                parameter.grad.copy_(slope)
        torch.nn.utils.clip_grad_norm_(networks[1].parameters(), clip)
        theirs.step()
        ours.step()
    for one, other in zip(*(network.parameters() for network in networks), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
        assert (one.grad == 0).all()


@pytest.mark.parametrize("name", MODELS)
def test_training_lowers_the_loss_and_is_decided_by_the_seed(name):
    """The same seed gives the same model to the bit, and torch's own generator is left alone."""
    given, targets = inputs(), sparse(17, 9, seed=8)
    entries = Entries.stored(targets)
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    found = []
    for seed in (5, 5, 6):
        generator = new_generator(seed)
        network = build(name, given, generator)
        fit(
            network,
            batches(given),
            targets,
            "squared",
            Fitting(epochs=40, batch=4, rate=5e-3),
            generator,
        )
        found.append(scores_at(network, batches(given), entries))
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])
    assert np.mean((found[0] - entries.values) ** 2) < 0.7 * np.var(entries.values)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_side_information_reaches_its_own_rows():
    """Whatever the order of the batches, a row comes with its features, not with another's."""
    given = inputs()
    rated = given.ratings.toarray() != 0
    targets = sparse(17, 9, seed=3)
    seen = []
    for batch, goals in batches(given).drawn(SparseRows.of(targets), 4, new_generator(0)):
        rows = batch.rows.numpy()
        seen += rows.tolist()
        np.testing.assert_array_equal(batch.row_features.numpy(), given.row_features[rows])
        np.testing.assert_allclose(
            batch.rated_features.numpy(), rated[rows] @ given.column_features, rtol=1e-5, atol=1e-6
        )
        assert len(goals.starts) == len(rows) + 1
    assert sorted(seen) == np.flatnonzero(np.diff(targets.indptr)).tolist()


@pytest.mark.parametrize("name", MODELS)
def test_a_score_depends_on_no_other_rows_side_information(name):
    """Change one row's features, and that row's scores change, all others stay to the bit."""
    given = inputs()
    features = given.row_features.copy()
    features[5] += 1
    network = build(name, given, new_generator(3))
    before = all_scores(network, batches(given), 9)
    after_change = replace(given, row_features=features)
    other = build(name, after_change, new_generator(3))
    other.load_state_dict(network.state_dict())
    changed = (all_scores(other, batches(after_change), 9) != before).any(axis=1)
    np.testing.assert_array_equal(np.flatnonzero(changed), [5])


@pytest.mark.parametrize("name", ["aae", "mlp", "ncf"])
def test_side_information_tells_unseen_rows_apart(name):
    """Rows never trained on get their kind's ratings; given another's features they do not.

    Half of the users like the first items and half the others, as their profile says; the last
    ten users have no ratings at all.
    """
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, 60)
    truth = np.where((np.arange(12) < 6) == kind[:, None], 5.0, 1.0).astype("f4")
    hidden = np.arange(60) >= 50
    kept = (rng.random((60, 12)) < 0.5) & ~hidden[:, None]
    targets = sp.csr_array((truth[kept], np.nonzero(kept)), shape=(60, 12))
    wanted = Entries.stored(sp.csr_array(np.where(hidden[:, None], truth, 0)))
    profile = np.eye(2, dtype="f4")[kind]
    errors = []
    for features in (profile, profile[::-1].copy()):
        given = Inputs(targets, features, np.eye(12, dtype="f4"))
        generator = new_generator(0)
        network = build(name, given, generator)
        fitting = Fitting(epochs=80, batch=10, rate=5e-3, decay=0.0)
        fit(network, batches(given), targets, "squared", fitting, generator)
        errors.append(np.mean((scores_at(network, batches(given), wanted) - wanted.values) ** 2))
    assert errors[0] < 2.0
    assert errors[0] < 0.6 * errors[1]


@pytest.mark.parametrize("name", PAIR_MODELS)
def test_vectors_of_side_information_have_a_direction_in_common_from_the_start(name):
    """A map that starts without one stays at biases alone for a hundred epochs or more."""
    network = build(name, inputs(side=True), new_generator(1))
    maps = [part for part in network.modules() if isinstance(part, Embedding)]
    assert maps
    for part in maps:
        bias, bound = part.of_features.bias.detach(), part.features.shape[1] ** -0.5
        assert bias.abs().max() <= bound
        assert bias.std() > bound / 4
    again = build(name, inputs(side=True), new_generator(1))
    for one, other in zip(network.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


def test_models_that_cannot_be_are_refused():
    """An unknown name, or a pair model asked for columns that it does not hold."""
    with pytest.raises(InputError, match="'vae'"):
        build("vae", inputs(), new_generator(0))
    assert OF_ROUNDS == ROW_MODELS
    with pytest.raises(InputError, match="'mf' does not fit rows"):
        build_for_rows("mf", inputs(), new_generator(0), 12)
    with pytest.raises(ValueError, match="side information"):
        type(inputs())(sparse(3, 3), np.zeros((2, 1), "f4"))
