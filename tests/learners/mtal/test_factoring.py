"""Learning by factors: what organisations arrive at together, and what they tell on the way."""

from dataclasses import replace

import numpy as np
import pytest

from grouping.errors import InputError
from grouping.ids import Ids
from learners.als import _Half
from learners.entries import Entries
from learners.mtal.messages import Contribution, Offer, ProtocolError
from learners.mtal.privacy import Privacy
from learners.mtal.processes import ProcessMember
from learners.mtal.rounds import complete, run_rounds
from learners.mtal.shared_factors import EXCHANGES, Factors, SharedFactors
from learners.mtal.transport import Transport
from learners.mtal.wire import encode
from learners.observed import both_sides
from tests.learners.mtal import made
from tests.learners.mtal.federations import domains, local, plans

SMALL = Factors(count=3, regularization=0.7, bias_regularization=0.5, implicit_regularization=4.0)


def factoring(dealt, folder=None, **options):
    return plans(dealt, folder, **{"method": "factors", "factors": SMALL, **options})


def run(made_plans, rounds=4, **options):
    seen = []
    with local(made_plans, watch=seen.append, **options) as transport:
        ended = run_rounds(transport, rounds, method="factors")
        complete(transport, rounds)
        ratings = {name: member.completed() for name, member in transport.members.items()}
        organisations = [member.organisation for member in transport.members.values()]
    return ended, seen, ratings, organisations


def centralised(dealt, organisations, sweeps):
    """The same factorisation where one has everything: halves of `BiasedALS`, from there."""
    rows = len(dealt[0].rows)
    columns = np.cumsum([0, *(len(domain.columns) for domain in dealt)])
    starts, parts = [], []
    for first, domain, one in zip(columns, dealt, organisations, strict=False):
        shared = SharedFactors(domain.train, domain.shape, SMALL, one.settings.seed, None)
        starts.append(shared.columns)
        values = (domain.train.values.astype(np.float64) - shared.mean) / shared.spread
        parts.append((domain.train.rows, domain.train.columns + first, values))
    r, c, v = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.lexsort((c, r))
    matrix = Entries.of(r, c, v).csr((rows, columns[-1])).astype(np.float64)
    matrix.data = v[order]
    by_row, by_column = both_sides(matrix, 0.0, 1.0)
    x, y = np.zeros((rows, SMALL.count + 1)), np.concatenate(starts)
    penalty = np.array([SMALL.bias_regularization] + [SMALL.regularization] * SMALL.count)
    of_rows = _Half(by_row, by_column, x, penalty, SMALL.implicit_regularization)
    of_columns = _Half(by_column, by_row, y, penalty, SMALL.implicit_regularization)
    for _ in range(sweeps):
        of_rows.update(y)
        of_columns.update(x)
    return x, np.split(y, columns[1:-1])


@pytest.mark.parametrize("align", ["user", "item"])
def test_together_they_arrive_where_one_with_everything_would(align):
    """The factors are those of the centralised factorisation, up to rounding."""
    dealt = domains(align=align)
    *_, organisations = run(factoring(dealt), rounds=5)
    rows, columns = centralised(dealt, organisations, 5)
    for one, own in zip(organisations, columns, strict=True):
        np.testing.assert_allclose(one.shared().rows, rows, atol=1e-8)
        np.testing.assert_allclose(one.shared().columns, own, atol=1e-8)


def test_all_who_share_a_row_have_the_same_bits_of_it():
    """Sums are added up in one order everywhere, so nobody drifts away from the others."""
    dealt = domains(4, shared=0.6)
    *_, organisations = run(factoring(dealt))
    first, *others = organisations
    for other in others:
        own, theirs = first.peers[other.name].rows, other.peers[first.name].rows
        assert 0 < len(own) < len(dealt[0].rows)
        np.testing.assert_array_equal(first.shared().rows[own], other.shared().rows[theirs])


def test_contributions_carry_sums_of_common_rows_and_nothing_else():
    """Every serialised message of a run is looked into.

    Sums have a row for each common row and for no other; what is not by row has as many numbers
    as there are factors and a bias. No id is sent, and nothing of another row.
    """
    dealt = domains(shared=0.5)
    _, seen, _, organisations = run(factoring(dealt), rounds=2, through_bytes=True)
    by = {one.name: one for one in organisations}
    ids = {name.encode() for domain in dealt for name in (*domain.rows, *domain.columns)}
    width = SMALL.count + 1
    assert {type(message) for message in seen} == {Offer, Contribution}
    assert len(seen) == 6 * (1 + 2 * EXCHANGES)
    for message in seen:
        data = encode(message)
        assert not any(b'"' + name + b'"' in data for name in ids)
        if isinstance(message, Offer):
            continue
        common = len(dealt[0].rows) // 2
        assert len(by[message.sender].peers[message.receiver].rows) == common
        equations = width * (width + 1) // 2 + width + 1
        assert message.values.shape in {(common, equations), (common, width), (common, 0)}
        assert len(message.totals) in {0, width}


def test_what_a_row_tells_is_up_to_its_own_columns():
    """Who has no rating in a common row says zeros of it in every exchange."""
    dealt = domains(2)
    train = dealt[0].train
    kept = train.rows != 0
    silent = replace(
        dealt[0],
        train=Entries(train.rows[kept], train.columns[kept], train.values[kept]),
    )
    _, seen, _, organisations = run(factoring([silent, dealt[1]]), rounds=2)
    place = int(np.flatnonzero(organisations[0].peers["02"].rows == 0)[0])
    told = [m for m in seen if isinstance(m, Contribution) and m.sender == "01"]
    for message in told:
        np.testing.assert_array_equal(message.values[place], 0.0)


def test_held_out_ratings_leave_no_trace():
    """Validation and test ratings change nothing that is sent."""
    dealt = domains(validation=0.2)
    emptied = [replace(domain, validation=Entries.none(), test=Entries.none()) for domain in dealt]
    (_, one, *_), (_, other, *_) = (run(factoring(each), rounds=2) for each in (dealt, emptied))
    for with_them, without in zip(one, other, strict=True):
        for name in with_them.ARRAYS:
            np.testing.assert_array_equal(getattr(with_them, name), getattr(without, name))


def test_learning_by_factors_helps():
    """Together they predict better than from means, and the round is chosen on validation."""
    dealt = domains(4, users=100, items=40, validation=0.2)
    ended, *_ = run(factoring(dealt), rounds=8)
    scores = [standing.validation for standing in ended.standings]
    assert min(scores) < 0.8 * scores[0]
    assert ended.chosen == int(np.argmin(scores))


@pytest.mark.parametrize("align", ["user", "item"])
@pytest.mark.parametrize("feedback", ["explicit", "implicit"])
def test_completed_ratings_are_the_scores(align, feedback):
    """Of the last round, and of an earlier one; what is known stays as it is."""
    dealt = domains(shared=0.7, align=align)
    made_plans = factoring(dealt, feedback=feedback)
    with local(made_plans) as transport:
        run_rounds(transport, 3, method="factors")
        complete(transport, 3)
        for member, domain in zip(transport.members.values(), dealt, strict=True):
            whole = np.asarray(member.completed().matrix)
            by_row = whole if align == "user" else whole.T
            expected = member.held_out_scores()
            if feedback == "implicit":
                expected = 1 / (1 + np.exp(-expected))
                domain = domain.binarised(3.5)
            test = domain.test
            np.testing.assert_allclose(by_row[test.rows, test.columns], expected, atol=1e-5)
            train = domain.train
            np.testing.assert_array_equal(by_row[train.rows, train.columns], train.values)
            complete(transport, 0)
            assert not np.array_equal(np.asarray(member.completed().matrix), whole)
            complete(transport, 3)


def test_a_stopped_run_resumes_and_processes_compute_the_same(tmp_path):
    """Bit for bit: in one go, in two, through bytes and side by side, or in processes."""
    dealt = domains(3, shared=0.6)
    *_, expected, _ = run(factoring(dealt))
    with local(factoring(dealt, tmp_path), through_bytes=True, workers=3) as transport:
        run_rounds(transport, 2, method="factors")
        transport.step("exchange")  # stopped in the middle of the third
    members = [ProcessMember(plan) for plan in factoring(dealt, tmp_path)]
    with Transport(members, workers=2) as transport:
        ended = run_rounds(transport, 4, method="factors", resume_after=2)
        complete(transport, 4)
        for name, member in transport.members.items():
            found = np.asarray(member.completed().matrix)
            np.testing.assert_array_equal(found, np.asarray(expected[name].matrix))
    assert [standing.round for standing in ended.standings] == [0, 1, 2, 3, 4]


def told():
    """A message of the first exchange, and who is to hear it."""
    organisations = [plan.build()[0] for plan in factoring(domains(2))]
    one, other = organisations
    for sender, receiver in ((one, other), (other, one)):
        for offer in sender.offer([one.name, other.name]):
            receiver.accept(offer)
    for each in organisations:
        each.meet()
    (message,), _ = one.act("exchange")
    other.act("exchange")
    return message, other


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"round": 2}, "out of turn"),
        ({"exchange": 2}, "exchange 1 is on"),
        ({"rows": "0" * 64}, "another set of rows"),
        ({"values": np.zeros((40, 3))}, "were agreed upon"),
        ({"values": np.zeros((39, 15))}, "were agreed upon"),
        ({"totals": np.zeros(2)}, "were agreed upon"),
        ({"session": "another"}, "another session"),
    ],
)
def test_contributions_that_do_not_fit_are_refused_with_the_senders_name(change, said):
    """Out of turn, for other rows or of another size; what fits is taken once."""
    message, other = told()
    with pytest.raises(ProtocolError, match=said) as caught:
        other.accept(replace(message, **change))
    assert "'01'" in str(caught.value)
    other.accept(message)
    with pytest.raises(ProtocolError, match="out of turn"):
        other.accept(message)


def test_numbers_that_are_not_finite_and_silence_are_named():
    """NaN cannot even be said; nothing goes on while a contribution is missing."""
    message, other = told()
    with pytest.raises(ProtocolError, match=r"'01'.*NaN"):
        replace(message, values=np.full_like(message.values, np.nan))
    with pytest.raises(ProtocolError, match="no contribution to exchange 1 from '01'"):
        other.act("exchange")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"factors": Factors(count=-1)}, "0 or more"),
        ({"factors": Factors(regularization=0.0)}, "positive"),
        ({"privacy": Privacy(1.0)}, "no use for factors"),
        ({"method": "guessing"}, "residuals, factors"),
    ],
)
def test_choices_that_cannot_be_are_refused(options, said):
    """Before anybody is kept waiting."""
    with pytest.raises(InputError, match=said):
        factoring(domains(), **options)[0].build()


def test_organisations_must_agree_on_the_method():
    """Side information is for networks; another method or width is refused with the offer."""
    with pytest.raises(InputError, match="ratings alone"):
        factoring(domains(profiles=made.profiles(40)))[0].build()
    pair = [plan.build()[0] for plan in (factoring(domains(2))[0], plans(domains(2))[1])]
    (offer,) = pair[1].offer(["01", "02"])
    with pytest.raises(ProtocolError, match=r"'02'.*learns by residuals, factors \(count 3"):
        pair[0].accept(offer)


def test_a_row_of_one_rating_gives_it_away():
    """What the docs admit: of a row with one rating, the first sums hold it, standardised."""
    dealt = domains(2)
    train = dealt[0].train
    kept = (train.rows != 0) | (np.cumsum(train.rows == 0) == 1)
    lone = replace(
        dealt[0], train=Entries(*(a[kept] for a in (train.rows, train.columns, train.values)))
    )
    _, seen, _, organisations = run(factoring([lone, dealt[1]]), rounds=1)
    first = next(m for m in seen if isinstance(m, Contribution) and m.sender == "01")
    place = int(np.flatnonzero(organisations[0].peers["02"].rows == 0)[0])
    count, total = first.values[place, 0], first.values[place, 10]
    assert count == 1
    shared = organisations[0].shared()
    (rating,) = lone.train.values[lone.train.rows == 0]
    assert shared.mean + shared.spread * total == pytest.approx(rating)


def test_no_row_in_common_is_named():
    """As with residuals."""
    dealt = domains(2)
    stranger = replace(dealt[0], rows=Ids([f"x{i}" for i in range(40)], "user"))
    with (
        pytest.raises(InputError, match="shares no user"),
        local(factoring([stranger, dealt[1]])) as transport,
    ):
        run_rounds(transport, 1, method="factors")
