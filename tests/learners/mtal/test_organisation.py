"""What organisations do with what they know, and that they know nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from grouping.errors import InputError
from grouping.ids import Ids
from learners.entries import Entries
from learners.metrics import rmse
from learners.mtal.messages import VERSION, Offer, Predictions, ProtocolError, Residuals
from learners.mtal.organisation import Organisation
from learners.mtal.rounds import complete, run_rounds
from learners.mtal.steps import Step
from learners.mtal.wire import encode
from tests.learners.mtal.federations import KEY, QUICK, SESSION, domains, local, plans, settings

FITTED = {"step": Step(rate="validation", weights="train")}


def run(made_plans, rounds=2, **options):
    seen = []
    with local(made_plans, watch=seen.append, **options) as transport:
        ended = run_rounds(transport, rounds)
        assert ended.diverged is None
        complete(transport, rounds)
        ratings = {name: member.completed() for name, member in transport.members.items()}
        scores = {n: m.organisation.scores.copy() for n, m in transport.members.items()}
    return ended, seen, ratings, scores


def met(dealt, **options):
    """Organisations that have exchanged offers."""
    made = [plan.build()[0] for plan in plans(dealt, **options)]
    names = [one.name for one in made]
    for one in made:
        for offer in one.offer(names):
            next(other for other in made if other.name == offer.receiver).accept(offer)
    for one in made:
        one.meet()
    return made


def test_a_round_is_that_of_the_algorithm():
    """F1 = F0 + eta * mean of what all models say of own entries, for shared and private rows."""
    dealt = domains(shared=0.5)
    organisations = met(dealt)
    for one in organisations:
        for message in one.announce():
            by_name(organisations, message.receiver).accept(message)
    heard = {one.name: {} for one in organisations}
    before = {one.name: one.scores.copy() for one in organisations}
    for one in organisations:
        for message in one.assist():
            heard[message.receiver][message.sender] = message
            by_name(organisations, message.receiver).accept(message)
    for one in organisations:
        own = one.learner().at(one._network, one._cells)
        one.update()
        for cell in range(0, len(one._cells), 7):
            row, column = one._cells.rows[cell], one._cells.columns[cell]
            said = [own[cell]]
            for name, message in heard[one.name].items():
                at = np.flatnonzero(one.peers[name].rows == row)
                if len(at):
                    said.append(message.values[at[0], np.flatnonzero(one._outward == column)[0]])
            assert len(said) == (3 if " of " not in one.domain.rows[int(row)] else 1)
            expected = before[one.name][cell] + 0.3 * np.mean(said)
            assert one.scores[cell] == pytest.approx(expected, abs=1e-6)


def by_name(organisations, name):
    return next(one for one in organisations if one.name == name)


def test_the_first_residuals_are_twice_the_distance_to_the_mean():
    """2 (r - column mean) on the entries learned from, of common rows, in the order agreed on."""
    one, other, _ = met(domains(shared=0.5))
    message = next(m for m in one.announce() if m.receiver == other.name)
    rated = one.domain.ratings().toarray()
    sums, counts = rated.sum(axis=0), (rated != 0).sum(axis=0)
    rows = one.peers[other.name].rows
    assert len(message.starts) == len(rows) + 1
    for place, row in enumerate(rows):
        span = slice(message.starts[place], message.starts[place + 1])
        columns = one._outward[message.columns[span]]
        assert set(columns) == set(np.flatnonzero(rated[row]))
        expected = 2 * (rated[row, columns] - sums[columns] / counts[columns])
        np.testing.assert_allclose(message.values[span], expected, atol=1e-5)


def test_messages_carry_what_they_may_and_nothing_of_unshared_rows():
    """Every serialised message of a run is looked into.

    Offers: one digest a row. Residuals: an entry exactly where the sender has a rating to learn
    from on a common row. Predictions: as many rows as are common. No id, in any of them.
    """
    dealt = domains(shared=0.5)
    _, seen, _, _ = run(plans(dealt), through_bytes=True)
    by = {domain.name: domain for domain in dealt}
    ids = {name.encode() for domain in dealt for name in (*domain.rows, *domain.columns)}
    for message in seen:
        data = encode(message)
        assert not any(b'"' + name + b'"' in data for name in ids)
        sender, receiver = by[message.sender], by[message.receiver]
        shared = np.array([name in receiver.rows for name in sender.rows])
        assert shared.sum() == len(sender.rows) // 2
        if isinstance(message, Offer):
            assert message.digests.shape == (len(sender.rows), 32)
        elif isinstance(message, Residuals):
            counts = np.bincount(sender.train.rows, minlength=len(sender.rows))
            assert sorted(np.diff(message.starts)) == sorted(counts[shared])
        else:
            assert isinstance(message, Predictions)
            assert message.values.shape == (shared.sum(), len(receiver.columns))
    assert {type(message) for message in seen} == {Offer, Residuals, Predictions}
    # a pair's messages: an offer, two rounds of residuals and predictions, and the completion
    assert len(seen) == 6 * (1 + 2 * 2 + 2)


def test_held_out_ratings_leave_no_trace_in_messages():
    """Validation and test ratings change nothing that is sent: models never see them.

    With a constant rate: one that is chosen on validation ratings is seen in the next residuals.
    """
    dealt = domains(validation=0.2)
    emptied = [replace(domain, validation=Entries.none(), test=Entries.none()) for domain in dealt]
    (*_, with_them, _, _), (*_, without, _, _) = run(plans(dealt)), run(plans(emptied))
    for one, other in zip(with_them, without, strict=True):
        for name in one.ARRAYS:
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_an_organisation_holds_no_other_organisations_data():
    """In memory too: nothing reachable from an organisation is another's domain or its arrays."""
    made = met(domains())
    one = made[0]
    for message in made[1].announce():
        if message.receiver == one.name:
            one.accept(message)
    foreign = {id(array) for other in made[1:] for array in arrays_of(other.domain)}
    reachable = {id(array) for array in arrays_of(one)}
    assert not foreign & reachable


def arrays_of(thing, depth=6):
    if isinstance(thing, np.ndarray):
        return [thing] + ([] if thing.base is None else arrays_of(thing.base, depth - 1))
    if depth == 0 or isinstance(thing, (str, bytes, int, float, type(None), Ids)):
        return []
    inside = thing.values() if isinstance(thing, dict) else ()
    if isinstance(thing, (list, tuple)):
        inside = thing
    elif hasattr(thing, "__dict__"):
        inside = vars(thing).values()
    return [array for part in inside for array in arrays_of(part, depth - 1)]


def test_learning_together_helps():
    """Organisations with few columns each predict their own better with others' help."""
    dealt = domains(4, users=100, items=40, validation=0.2)
    ended, *_ = run(plans(dealt, fitting=replace(QUICK, epochs=15)), rounds=3)
    scores = [standing.validation for standing in ended.standings]
    assert min(scores) < 0.95 * scores[0]
    assert ended.chosen == int(np.argmin(scores))


@pytest.mark.parametrize("align", ["user", "item"])
@pytest.mark.parametrize("options", [{}, {"feedback": "implicit"}, FITTED], ids=str)
def test_completed_ratings_are_the_scores_of_the_rounds(align, options):
    """The prediction stage, which asks nobody, adds up to what learning arrived at."""
    dealt = domains(shared=0.7, align=align, profiles=None)
    made_plans = plans(dealt, **options)
    _, _, ratings, scores = run(made_plans)
    for plan in made_plans:
        organisation, _ = plan.build()
        name, domain = organisation.name, organisation.domain
        whole = np.asarray(ratings[name].matrix)
        assert whole.shape == (domain.shape if align == "user" else domain.shape[::-1])
        assert np.isfinite(whole).all()
        by_row = whole if align == "user" else whole.T
        span = organisation._spans["test"]
        expected = scores[name][span]
        if organisation.loss == "squared":
            expected = np.clip(expected, domain.train.values.min(), domain.train.values.max())
        else:
            expected = 1 / (1 + np.exp(-expected))
        test = domain.test
        np.testing.assert_allclose(by_row[test.rows, test.columns], expected, atol=1e-5)
        for part in (domain.train, domain.validation):
            np.testing.assert_array_equal(by_row[part.rows, part.columns], part.values)
        users = domain.rows if align == "user" else domain.columns
        assert ratings[name].users == users


def test_organisations_of_different_kinds_learn_together():
    """Explicit beside implicit, l1 beside l2, fitted beside constant: nobody knows of it."""
    dealt = domains()
    made_plans = [
        replace(plan, settings=settings(number, **options))
        for number, (plan, options) in enumerate(
            zip(
                plans(dealt),
                (
                    {"feedback": "implicit"},
                    {"local_loss": "l1", "base": "bias", "inputs": "centred"},
                    {"step": Step(rate="validation", weights="validation")},
                ),
                strict=True,
            )
        )
    ]
    ended, _, ratings, _ = run(made_plans, rounds=3)
    assert [report.squared for report in ended.standings[0].reports] == [False, True, True]
    assert ended.standings[-1].validation is None
    assert ended.standings[-1].course < 1
    implicit = np.asarray(ratings[dealt[0].name].matrix)
    assert implicit.min() >= 0
    assert implicit.max() <= 1


def test_side_information_changes_what_its_owner_fits_and_no_message_carries_it():
    """Profiles and attributes stay at home."""
    from tests.learners.mtal import made

    plain = run(plans(domains()))
    sided = run(plans(domains(profiles=made.profiles(40), attributes=made.genres(24))))
    assert {m.KIND for m in sided[1]} == {m.KIND for m in plain[1]}
    first = [m for m in sided[1] if isinstance(m, Residuals) and m.round == 1]
    for one, other in zip(first, (m for m in plain[1] if isinstance(m, Residuals)), strict=False):
        np.testing.assert_array_equal(one.values, other.values)
    name = next(iter(plain[3]))
    assert not np.array_equal(plain[3][name], sided[3][name])


def test_seeds_decide_and_keys_do_not():
    """Another seed is another result; another key only finds the same rows by other hashes."""
    dealt = domains()
    first, again, rekeyed, reseeded = (
        run(made_plans)[3]
        for made_plans in (
            plans(dealt),
            plans(dealt),
            [replace(plan, key=b"another") for plan in plans(dealt)],
            [replace(p, settings=settings(7 + n)) for n, p in enumerate(plans(dealt))],
        )
    )
    for name, scores in first.items():
        np.testing.assert_array_equal(scores, again[name])
        np.testing.assert_array_equal(scores, rekeyed[name])
        assert not np.array_equal(scores, reseeded[name])


# faults


def test_no_overlap_is_named():
    """Who shares no user with anybody is told so; sharing with one is enough."""
    dealt = domains()
    stranger = replace(dealt[0], rows=Ids([f"x{i}" for i in range(40)], "user"))
    with (
        pytest.raises(InputError, match=f"{stranger.name!r} shares no user with any other"),
        local(plans([stranger, *dealt[1:]])) as transport,
    ):
        run_rounds(transport, 1)
    half = list(dealt[1].rows)[:20] + [f"y{i}" for i in range(20)]
    apart = [f"x{i}" for i in range(20)] + half[:20]
    pair = [
        replace(dealt[0], rows=Ids(apart, "user")),
        replace(dealt[1], rows=Ids(half, "user")),
        replace(dealt[2], rows=Ids([f"y{i}" for i in range(40)], "user")),
    ]
    ended, *_ = run(plans(pair), rounds=1)
    common = {report.name: report.common for report in ended.standings[0].reports}
    assert common[dealt[0].name] == {dealt[1].name: 20, dealt[2].name: 0}


def test_an_organisation_without_ratings_is_named():
    domain = domains()[0]
    empty = replace(domain, train=Entries.none())
    with pytest.raises(InputError, match=f"{domain.name!r} has no rating"):
        Organisation(empty, settings(), SESSION, KEY)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"model": "mf"}, "model 'mf'"),
        ({"model": "vae"}, "model 'vae'"),
        ({"local_loss": "l3"}, "local loss 'l3'"),
        ({"feedback": "none"}, "feedback 'none'"),
        ({"inputs": "cooked"}, "inputs 'cooked'"),
        ({"base": "zero"}, "base 'zero'"),
        ({"base": "bias", "feedback": "implicit"}, "explicit"),
    ],
)
def test_settings_that_cannot_be_are_refused(options, said):
    """Each choice is checked before others are kept waiting, or when it is first needed."""
    with pytest.raises(InputError, match=said), local(plans(domains(), **options)) as transport:
        run_rounds(transport, 1)


@pytest.mark.parametrize("eta", [3.0, 1e30])
def test_a_diverging_rate_is_named_and_the_last_good_round_kept(eta):
    """The paper's own explosion: detected in the round it happens, what was before stands."""
    dealt = domains()
    made_plans = plans(dealt)
    made_plans[1] = replace(made_plans[1], settings=settings(1, step=Step(eta=eta)))
    with local(made_plans) as transport:
        ended = run_rounds(transport, 8)
        assert ended.diverged is not None
        assert f"{dealt[1].name!r} diverges in round" in ended.diverged
        kept = ended.standings[-1].round
        one = transport.members[dealt[1].name].organisation
        assert len(one.rounds) == kept < 8
        assert np.isfinite(one.scores).all()
        complete(transport, kept)
        assert np.isfinite(np.asarray(one.completed().matrix)).all()


def test_a_model_that_runs_away_is_named_before_anything_of_it_is_sent():
    """Weights that are no numbers: the run ends, and the ratings are completed without it."""
    dealt = domains()
    made_plans = plans(dealt)
    made_plans[1] = replace(made_plans[1], settings=settings(1, fitting=replace(QUICK, rate=1e30)))
    with local(made_plans) as transport:
        ended = run_rounds(transport, 2)
        assert f"model of organisation {dealt[1].name!r} runs away in round 1" in ended.diverged
        assert [standing.round for standing in ended.standings] == [0]
        complete(transport, 0)
        completed = transport.members[dealt[1].name].completed()
        assert np.isfinite(np.asarray(completed.matrix)).all()


def test_a_base_as_good_as_perfect_is_no_divergence():
    """Equal ratings, or a few held out that the base meets by luck: a round makes it worse."""
    dealt = domains(validation=0)
    train = dealt[0].train
    equal = replace(dealt[0], train=train.with_values(np.full(len(train), 3.0)))
    luck = Entries.of([0], [0], [train.values[train.columns == 0].mean()])
    lucky = replace(dealt[1], validation=luck)
    ended, *_ = run(plans([equal, lucky, dealt[2]]), rounds=2)
    assert ended.standings[-1].round == 2


def announced():
    one, other, third = met(domains())
    message = next(m for m in one.announce() if m.receiver == other.name)
    return message, other, third


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 1}, "version 1"),
        ({"session": "another"}, "another session"),
        ({"receiver": "03"}, "reached '02'"),
        ({"sender": "02"}, "reached '02'"),
        ({"sender": "99"}, "was not met"),
        ({"round": 2}, "out of turn"),
        ({"rows": "0" * 64}, "another set of rows"),
        ({"width": 99}, "99 columns, where 40 and 8"),
    ],
)
def test_messages_that_do_not_fit_are_refused_with_the_senders_name(change, said):
    """Wrong version, session, round, set of users or size: refused, and the state is untouched."""
    message, other, _ = announced()
    with pytest.raises(ProtocolError, match=said) as caught:
        other.accept(replace(message, **change))
    assert repr(change.get("sender", message.sender)) in str(caught.value)
    other.accept(message)
    with pytest.raises(ProtocolError, match="out of turn"):
        other.accept(message)


def test_fewer_rows_than_agreed_upon_are_refused():
    """A residual message must speak of all common rows."""
    message, other, _ = announced()
    cut = replace(
        message,
        starts=message.starts[:-1],
        columns=message.columns[: message.starts[-2]],
        values=message.values[: message.starts[-2]],
    )
    with pytest.raises(ProtocolError, match="39 rows"):
        other.accept(cut)


def test_nothing_goes_on_while_something_is_missing():
    """A silent peer is named, before anything is fitted."""
    _, other, third = announced()
    with pytest.raises(ProtocolError, match="no residuals from '01', '03'"):
        other.assist()
    with pytest.raises(ProtocolError, match="no predictions from"):
        third.update()


def test_predictions_of_a_wrong_shape_are_refused():
    """Predictions cover the receiver's columns on all common rows."""
    one, other, _ = met(domains())
    peer = other.peers[one.name]
    message = Predictions(
        SESSION, one.name, other.name, 1, VERSION, peer.fingerprint, np.zeros((40, 9), np.float32)
    )
    with pytest.raises(ProtocolError, match=r"shape \(40, 9\), where \(40, 8\)"):
        other.accept(message)


def test_the_held_out_scores_are_those_of_the_tested_ratings():
    """An examiner gets the scores in the order of the ratings that it holds."""
    dealt = domains()
    with local(plans(dealt)) as transport:
        ended = run_rounds(transport, 1)
        errors = [
            rmse(domain.test.values, transport.members[domain.name].held_out_scores())
            for domain in dealt
        ]
    sums = [report.test for report in ended.standings[-1].reports]
    np.testing.assert_allclose(errors, [np.sqrt(total / count) for total, count in sums])
