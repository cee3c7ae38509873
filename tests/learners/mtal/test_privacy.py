"""What messages give away, and what noise does to that."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from grouping.errors import InputError
from learners.mtal.messages import Predictions, Residuals
from learners.mtal.privacy import (
    Accountant,
    BudgetError,
    Privacy,
    epsilon_after,
    noise_for,
    noisy_block,
    noisy_rows,
)
from learners.mtal.reconstruction import reconstruct
from learners.mtal.rounds import complete, run_rounds
from learners.mtal.steps import Step
from tests.learners.mtal.federations import domains, local, plans

LEVELS = np.arange(1.0, 6.0)
PRIOR = np.array([0.1, 0.2, 0.35, 0.25, 0.1])  # roughly how ratings are spread, as anybody may know


def messages(rounds=1, completing=False, **options):
    seen = []
    dealt = domains(2, users=150, validation=0)
    with local(plans(dealt, **options), watch=seen.append) as transport:
        run_rounds(transport, rounds)
        if completing:
            complete(transport, rounds)
        organisations = [member.organisation for member in transport.members.values()]
    return seen, organisations


def share_rebuilt(message, organisation, **options):
    rated = organisation.domain.ratings()
    rows = organisation.peers[message.receiver].rows
    truth = rated[rows].toarray()[:, organisation._outward]
    at = np.repeat(np.arange(len(rows)), np.diff(message.starts)), message.columns
    guessed = reconstruct(message, LEVELS, PRIOR, **options)
    return np.mean(guessed == truth[at])


def test_residuals_of_the_first_round_give_ratings_away():
    """The attack: whole ratings, a factor of two, and one shift a column. Noise is what stops it.

    Whoever calls this 'without sharing' must say so.
    """
    seen, (one, _) = messages()
    message = next(m for m in seen if isinstance(m, Residuals) and m.sender == one.name)
    assert share_rebuilt(message, one) > 0.98
    guess = max(np.mean(one.domain.train.values == level) for level in LEVELS)
    for noise, at_most in ((0.1, 0.75), (1.0, guess + 0.1)):
        private = Privacy(noise=noise, residual_clip=6.0)
        seen, (one, _) = messages(privacy=private)
        message = next(m for m in seen if isinstance(m, Residuals) and m.sender == one.name)
        assert share_rebuilt(message, one, spread=noise * 2 * 6.0) < at_most


def test_rows_are_clipped_before_the_noise():
    """However large a row is, what it sends stays within the clip but for the noise."""
    rng = np.random.default_rng(0)
    csr = sp.csr_array(rng.normal(size=(6, 9)) * np.array([[100], [1e-3], [5], [0], [2], [9]]))
    quiet = noisy_rows(csr, 3.0, 1e-9, rng)
    rows = sp.csr_array((quiet, csr.indices, csr.indptr), shape=csr.shape).toarray()
    norms = np.linalg.norm(rows, axis=1)
    assert (norms <= 3.0 + 1e-4).all()
    np.testing.assert_allclose(rows[1], csr.toarray()[1], atol=1e-5)
    block = noisy_block(rng.normal(size=(5, 4)).astype("f4") * 50, 2.0, 1e-9, rng)
    np.testing.assert_allclose(np.linalg.norm(block, axis=1), 2.0, rtol=1e-4)
    noisy = noisy_block(np.zeros((400, 100), "f4"), 2.0, 1.5, rng)
    assert noisy.std() == pytest.approx(1.5 * 2 * 2.0, rel=0.02)


def test_the_accountant_composes_gaussian_mechanisms():
    """More releases cost more, more noise costs less; one release agrees with the known bound."""
    assert epsilon_after(0, 1.0, 1e-5) == 0
    assert epsilon_after(1, 4.0, 1e-5) < epsilon_after(2, 4.0, 1e-5) < epsilon_after(2, 2.0, 1e-5)
    known = 1 / (2 * 4.0**2) + np.sqrt(2 * np.log(1e5)) / 4.0  # conversion from Renyi orders
    assert epsilon_after(1, 4.0, 1e-5) <= known
    noise = noise_for(5.0, 1e-5, rounds=10)
    assert 4.9 < epsilon_after(20, noise, 1e-5) <= 5.0


def test_a_budget_stops_the_sending():
    """What would exceed the budget is not sent, and the last round before stands."""
    budget = epsilon_after(4, 3.0, 1e-5) + 1e-6  # two rounds of two releases
    odd = Privacy(noise=3.0, epsilon=epsilon_after(5, 3.0, 1e-5) + 1e-6)
    private = Privacy(noise=3.0, epsilon=budget)
    accountant = Accountant(private)
    for round_ in (1, 2):
        accountant.begin(round_)
    accountant.begin(1)  # the same numbers again tell nothing new
    with pytest.raises(BudgetError, match="round 3 would make"):
        accountant.begin(3)
    assert accountant.epsilon() <= budget
    dealt = domains(2)
    with local(plans(dealt, privacy=private, step=Step(eta=0.001))) as transport:
        ended = run_rounds(transport, 5)
        assert ended.standings[-1].round == 2
        assert "privacy budget" in ended.stopped
        assert ended.standings[-1].reports[0].epsilon == pytest.approx(budget, abs=1e-5)
    seen = []
    with local(plans(dealt, privacy=odd, step=Step(eta=0.001)), watch=seen.append) as transport:
        assert run_rounds(transport, 5).standings[-1].round == 2
    assert {m.round for m in seen if isinstance(m, Residuals)} == {1, 2}  # no half of a third


def test_a_run_gone_on_with_remembers_what_it_spent(tmp_path):
    """Stopped by its budget and begun again, an organisation sends nothing more."""
    private = Privacy(noise=3.0, epsilon=epsilon_after(4, 3.0, 1e-5) + 1e-6)
    dealt, seen = domains(2), []
    for done in (0, 1, 2):
        seen.clear()
        made = plans(dealt, tmp_path / "run", privacy=private, step=Step(eta=0.001))
        with local(made, watch=seen.append) as transport:
            ended = run_rounds(transport, 5, resume_after=done)
        assert ended.standings[-1].round == 2
        assert "privacy budget" in ended.stopped
        spent = [standing.reports[0].epsilon for standing in ended.standings]
        expected = [epsilon_after(2 * n, 3.0, 1e-5) for n in range(3)]
        assert spent == pytest.approx(expected)
    assert not [message for message in seen if isinstance(message, Residuals | Predictions)]


def test_predictions_sent_again_are_the_same_numbers():
    """The prediction stage repeats what was released: fresh noise would average out."""
    seen, _ = messages(2, completing=True, privacy=Privacy(noise=0.5))
    said = {}
    for message in seen:
        if isinstance(message, Predictions):
            said.setdefault((message.sender, message.receiver, message.round), []).append(message)
    assert len(said) == 4
    for first, second in said.values():
        np.testing.assert_array_equal(first.values, second.values)


def test_other_numbers_never_get_the_same_noise():
    """With one seed, a rating more must not be told by the difference of what is sent twice."""
    private = Privacy(noise=0.5, residual_clip=1e6)
    domain, peer = domains(2)
    one = domain.train
    changed = one.with_values(np.r_[one.values[:-1], 6.0 - one.values[-1]].astype("f4"))
    sent = []
    for train in (one, changed):
        seen = []
        with local(
            plans([replace(domain, train=train), peer], privacy=private), watch=seen.append
        ) as transport:
            run_rounds(transport, 1)
        sent.append(next(m for m in seen if isinstance(m, Residuals) and m.sender == domain.name))
    first, second = sent
    assert len(first.values) == len(second.values) > 100
    assert (np.abs(first.values - second.values) > 1.0).mean() > 0.9


def test_more_noise_is_other_noise():
    """Else two runs with one seed and data, but more noise in one, would tell what it covers."""
    drawn = []
    for noise in (0.5, 1.0, 0.5):
        with local(plans(domains(2), privacy=Privacy(noise=noise))) as transport:
            run_rounds(transport, 0)
            first, _ = transport.members.values()
            drawn.append(first.organisation._noise(0xA, 1).standard_normal())
    assert drawn[0] == drawn[2] != drawn[1]


def test_all_that_is_sent_is_noisy_and_all_receivers_get_the_same():
    """Neither residuals nor predictions leave as they are, and peers cannot compare notes."""
    dealt = domains(3)
    found = {}
    for private in (None, Privacy(noise=0.2)):
        seen = []
        with local(plans(dealt, privacy=private), watch=seen.append) as transport:
            run_rounds(transport, 1)
        found[private is None] = [m for m in seen if not hasattr(m, "digests")]
    for plain, noisy in zip(found[True], found[False], strict=True):
        assert (plain.values != noisy.values).all()
    one, other = (m for m in found[False] if isinstance(m, Residuals) and m.sender == "01")
    np.testing.assert_array_equal(one.values, other.values)


@pytest.mark.parametrize(
    "change", [{"noise": 0.0}, {"residual_clip": -1.0}, {"delta": 1.0}, {"epsilon": 0.0}]
)
def test_privacy_settings_out_of_range_are_refused(change):
    with pytest.raises(InputError, match=next(iter(change))):
        replace(Privacy(noise=1.0), **change).checked()
