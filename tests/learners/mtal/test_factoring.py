"""Learning by factors: what organisations arrive at together, and what they tell on the way."""

from dataclasses import replace

import numpy as np
import pytest

from grouping.errors import GroupingError, InputError
from grouping.ids import Ids
from learners.als import _Half
from learners.entries import Entries
from learners.feature_prior import levelled
from learners.mtal.masking import real, stream, whole
from learners.mtal.messages import (
    Contribution,
    DisagreementError,
    Knowledge,
    Offer,
    ProtocolError,
)
from learners.mtal.privacy import Privacy
from learners.mtal.processes import ProcessMember
from learners.mtal.rounds import complete, run_rounds
from learners.mtal.shared_factors import EXCHANGES, Factors, SharedFactors
from learners.mtal.transport import Transport
from learners.mtal.wire import encode
from learners.observed import both_sides
from tests.learners.mtal import made
from tests.learners.mtal.federations import SESSION, domains, local, plans

SMALL = Factors(3, 0.7, 0.5, 4.0, user_feature_regularization=6.0, item_feature_regularization=3.0)


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
    """The same factorisation where one has everything: halves of `BiasedALS`, from there.

    Returns where each organisation's rows are, the rows, and each one's columns.
    """
    ids = list(dict.fromkeys(name for domain in dealt for name in domain.rows))
    places = [np.array([ids.index(name) for name in domain.rows]) for domain in dealt]
    columns = np.cumsum([0, *(len(domain.columns) for domain in dealt)])
    starts, parts = [], []
    for first, domain, one, place in zip(columns, dealt, organisations, places, strict=False):
        shared = SharedFactors(domain.train, domain.shape, SMALL, one.settings.seed, None)
        starts.append(shared.columns)
        values = (domain.train.values.astype(np.float64) - shared.mean) / shared.spread
        parts.append((place[domain.train.rows], domain.train.columns + first, values))
    r, c, v = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.lexsort((c, r))
    matrix = Entries.of(r, c, v).csr((len(ids), columns[-1])).astype(np.float64)
    matrix.data = v[order]
    by_row, by_column = both_sides(matrix, 0.0, 1.0)
    x, y = np.zeros((len(ids), SMALL.count + 1)), np.concatenate(starts)
    penalty = np.array([SMALL.bias_regularization] + [SMALL.regularization] * SMALL.count)
    known = known_of(dealt, places)
    of_rows = _Half(by_row, by_column, x, penalty, SMALL.implicit_regularization, *known[0])
    of_columns = _Half(by_column, by_row, y, penalty, SMALL.implicit_regularization, *known[1])
    for _ in range(sweeps):
        of_rows.update(y)
        of_columns.update(x)
    return places, x, np.split(y, columns[1:-1])


def known_of(dealt, places):
    """Features of all rows and columns, and how strongly they are held, for `_Half`."""
    rows = None
    if dealt[0].row_features is not None:
        rows = np.zeros((1 + max(map(max, places)), dealt[0].row_features.shape[1]))
        for domain, place in zip(dealt, places, strict=True):
            rows[place] = domain.row_features
    columns = [domain.column_features for domain in dealt]
    strengths = [SMALL.user_feature_regularization, SMALL.item_feature_regularization]
    if dealt[0].align == "item":
        strengths.reverse()
    every = None if columns[0] is None else np.concatenate(columns)
    return [
        () if of is None else (levelled(of, len(of), "rows"), strength)
        for of, strength in zip((rows, every), strengths, strict=True)
    ]


def agree(dealt, sweeps=5):
    """Compare factors with those of the centralised factorisation, up to the unit of sums."""
    *_, organisations = run(factoring(dealt), rounds=sweeps)
    places, rows, columns = centralised(dealt, organisations, sweeps)
    for one, place, own in zip(organisations, places, columns, strict=True):
        np.testing.assert_allclose(one.shared().rows, rows[place], atol=1e-6)
        np.testing.assert_allclose(one.shared().columns, own, atol=1e-6)


def sided(**options):
    return domains(profiles=made.profiles(40), attributes=made.genres(24), **options)


@pytest.mark.parametrize("side", [domains, sided], ids=["ratings", "side"])
@pytest.mark.parametrize("align", ["user", "item"])
def test_together_they_arrive_where_one_with_everything_would(align, side):
    """The factors are those of the centralised factorisation, up to the unit of sums."""
    agree(side(align=align))


@pytest.mark.parametrize("side", [domains, sided], ids=["ratings", "side"])
def test_so_they_do_where_each_has_rows_of_its_own_in_an_order_of_its_own(side):
    """Some rows are one organisation's alone, some two's, some everyone's."""
    draws = np.random.default_rng(5)
    agree([some_rows(domain, draws) for domain in side(organisations=4)])


def some_rows(domain, draws):
    """About half of a domain's rows, shuffled."""
    half = np.flatnonzero(draws.random(len(domain.rows)) < 0.5)
    return with_rows(domain, draws.permutation(half))


def with_rows(domain, kept):
    place = np.full(len(domain.rows), -1)
    place[kept] = np.arange(len(kept))

    def part(entries):
        of = place[entries.rows] >= 0
        return Entries.of(place[entries.rows[of]], entries.columns[of], entries.values[of])

    return replace(
        domain,
        rows=Ids([domain.rows[int(row)] for row in kept], domain.rows.what),
        train=part(domain.train),
        validation=part(domain.validation),
        test=part(domain.test),
        row_features=None if domain.row_features is None else domain.row_features[kept],
    )


def test_all_who_share_a_row_have_the_same_bits_of_it():
    """Sums are exact, so nobody drifts away from the others."""
    dealt = domains(4, shared=0.6)
    *_, organisations = run(factoring(dealt))
    first, *others = organisations
    for other in others:
        own, theirs = first.peers[other.name].rows, other.peers[first.name].rows
        assert 0 < len(own) < len(dealt[0].rows)
        np.testing.assert_array_equal(first.shared().rows[own], other.shared().rows[theirs])


@pytest.mark.parametrize("side", [domains, sided], ids=["ratings", "side"])
def test_contributions_carry_sums_of_common_rows_and_nothing_else(side):
    """Every serialised message of a run is looked into.

    Sums have a row for each common row and for no other; what is not by row has as many numbers
    as there are factors and a bias, or as the equations of a map from features have. No id is sent,
    no name of a feature, and nothing of another row.
    """
    dealt = side(shared=0.5)
    _, seen, _, organisations = run(factoring(dealt), rounds=2, through_bytes=True)
    by = {one.name: one for one in organisations}
    ids = {name.encode() for domain in dealt for name in (*domain.rows, *domain.columns)}
    ids |= {name.encode() for name in (*dealt[0].row_feature_names, *dealt[0].column_feature_names)}
    width = SMALL.count + 1
    maps = [0, 0]
    if side is sided:
        maps = [q * (q + 1) // 2 + q * width for q in (3, 2)]  # of columns, then of rows
    kinds = {Offer, Contribution} | ({Knowledge} if side is sided else set())
    assert {type(message) for message in seen} == kinds
    assert len(seen) == 6 * (len(kinds) - 1 + 2 * EXCHANGES)
    for message in seen:
        data = encode(message)
        assert not any(b'"' + name + b'"' in data for name in ids)
        if isinstance(message, (Offer, Knowledge)):
            continue
        common = len(dealt[0].rows) // 2
        assert len(by[message.sender].peers[message.receiver].rows) == common
        equations = width * (width + 1) // 2 + width + 1
        assert message.values.shape in {(common, equations), (common, width), (common, 0)}
        told = {1: maps[0], 8: maps[1]}.get(message.exchange, width)
        assert len(message.totals) == told


def test_where_three_have_a_row_nobody_sees_what_one_adds():
    """What is sent looks random, bit by bit; in the sum the masks cancel."""
    dealt = domains(3)
    first, second, third = organisations = met(dealt)
    sent = {one.name: {m.receiver: m for m in one.act("exchange")[0]} for one in organisations}
    for message in (sent[name][first.name] for name in (second.name, third.name)):
        bits = np.unpackbits(message.values.view(np.uint8))
        assert abs(bits.mean() - 0.5) < 5 / np.sqrt(len(bits))
        # the one mask that the receiver shares does not uncover it
        peer = first.peers[message.sender]
        drawn = stream(
            first._secret_of(message.sender, peer), SESSION, 1, 1, count=message.values.size
        ).reshape(message.values.shape)
        for candidate in (message.values + drawn, message.values - drawn):
            assert np.abs(real(candidate)).max() > 1e6
        first.accept(message)
    counts = sum(np.diff(domain.ratings().indptr) for domain in dealt)
    np.testing.assert_array_equal(first._summed().rows[:, 0], counts)


def test_masks_are_new_in_every_exchange_and_run():
    """No two streams are alike: neither of exchanges nor of runs of the same data."""
    _, one, *_ = run(factoring(domains(2)), rounds=1)
    _, other, *_ = run(factoring(domains(2)), rounds=1)
    told = [m.values.tobytes() for m in (*one, *other) if isinstance(m, Contribution)]
    told = [values for values in told if values]
    assert len(told) == len(set(told))


def test_public_halves_that_give_no_secret_are_refused():
    """One, zero and their like would make a secret that anybody knows."""
    pair = [plan.build()[0] for plan in factoring(domains(2))]
    (offer,) = pair[1].offer(["01", "02"])
    for told in (np.zeros(256, np.uint8), np.empty(0, np.uint8), np.full(256, 255, np.uint8)):
        one = factoring(domains(2))[0].build()[0]
        one.offer(["01", "02"])
        one.accept(replace(offer, public=told))
        one.meet()
        with pytest.raises(ProtocolError, match=r"'02' to '01'.*no public half"):
            one.act("exchange")


def test_numbers_too_large_to_mask_are_refused():
    """A sum that would not fit is not sent; what fits comes back to the unit."""
    values = np.array([-3.25, 0.0, 1e-3, 2.0**27])
    np.testing.assert_allclose(real(whole(values)), values, atol=2.0**-35)
    for wrong in (1e9, np.nan, np.inf):
        with pytest.raises(GroupingError, match="too large"):
            whole(np.array([wrong]))
    largest = np.nextafter(2.0**29 / 24, 0)
    summed = np.zeros(1, np.uint64)
    for _ in range(24):
        summed += whole(np.array([largest]), 24)
    assert real(summed) == pytest.approx(24 * largest)
    with pytest.raises(GroupingError, match="too large"):
        whole(np.array([2.0**29 / 24]), 24)


def test_held_out_ratings_leave_no_trace():
    """Validation and test ratings change nothing that is sent, under the masks."""
    dealt = domains(validation=0.2)
    emptied = [replace(domain, validation=Entries.none(), test=Entries.none()) for domain in dealt]
    (*_, one), (*_, other) = (run(factoring(each), rounds=2) for each in (dealt, emptied))
    for with_them, without in zip(one, other, strict=True):
        for name, state in with_them.shared().state().items():
            np.testing.assert_array_equal(state, without.shared().state()[name])


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
    dealt = sided(organisations=3, shared=0.6)
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


def met(dealt):
    """Organisations that have exchanged offers."""
    organisations = [plan.build()[0] for plan in factoring(dealt)]
    by = {one.name: one for one in organisations}
    for one in organisations:
        for offer in one.offer(list(by)):
            by[offer.receiver].accept(offer)
    for one in organisations:
        one.meet()
    for one in organisations:
        for message in one.act("compare")[0]:
            by[message.receiver].accept(message)
    return organisations


def told():
    """A message of the first exchange, and who is to hear it."""
    one, other = met(domains(2))
    (message,), _ = one.act("exchange")
    other.act("exchange")
    return message, other


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"round": 2}, "out of turn"),
        ({"exchange": 2}, "exchange 1 is on"),
        ({"rows": "0" * 64}, "another set of rows"),
        ({"values": np.zeros((40, 3), np.uint64)}, "were agreed upon"),
        ({"values": np.zeros((39, 15), np.uint64)}, "were agreed upon"),
        ({"totals": np.zeros(2, np.uint64)}, "were agreed upon"),
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


def test_silence_is_named():
    """Nothing goes on while a contribution is missing."""
    _, other = told()
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
    """Another method or width is refused with the offer."""
    pair = [plan.build()[0] for plan in (factoring(domains(2))[0], plans(domains(2))[1])]
    (offer,) = pair[1].offer(["01", "02"])
    with pytest.raises(DisagreementError, match=r"'02'.*learns by residuals, factors \(count 3"):
        pair[0].accept(offer)


def offered(one, other):
    """What the first says to the second's offer."""
    pair = [factoring(dealt)[place].build()[0] for place, dealt in enumerate((one, other))]
    (offer,) = pair[1].offer(["01", "02"])
    pair[0].accept(offer)


def test_organisations_must_agree_on_what_side_information_there_is():
    """As many features under other names, or none at all, are refused with the offer."""
    flags, table = sided(organisations=2), made.genres(24)
    offered(flags, sided(organisations=2))
    renamed = replace(table, names=("crime", "drama", "love"))
    for other, told in (
        (domains(2), "nothing of users and items"),
        (domains(2, profiles=made.profiles(40)), "2 features of users"),
        (domains(2, profiles=made.profiles(40), attributes=renamed), ".*3 features of items"),
    ):
        with pytest.raises(DisagreementError, match=f"'02'.*knows {told}.*where '01' knows 2"):
            offered(flags, other)


def test_rows_of_whom_another_is_known_are_refused():
    """A single flag that differs is found out before anything is added up, with a name."""
    one, other = sided(organisations=2)
    changed = other.row_features.copy()
    changed[5, 0] = 1 - changed[5, 0]
    pair = [one, replace(other, row_features=changed)]
    with pytest.raises(DisagreementError, match=r"'01' to '02'.*other side information of the use"):
        met(pair)
    with (
        pytest.raises(InputError, match="all must know the same"),
        local(factoring(pair)) as transport,
    ):
        run_rounds(transport, 1, method="factors")


def test_only_what_is_known_of_rows_in_common_must_be_the_same():
    """Whatever their order; nobody need know anything of others' rows. Minus zero is zero."""
    draws = np.random.default_rng(2)
    one, other = (some_rows(domain, draws) for domain in sided(organisations=2))
    alone = [row for row, name in enumerate(other.rows) if name not in set(one.rows)]
    changed = other.row_features.copy()
    changed[alone] = 0.5
    assert alone
    met([one, replace(other, row_features=np.where(changed == 0, np.float32(-0.0), changed))])


def test_knowledge_that_is_missing_late_or_of_other_rows_is_refused():
    """Nothing is added up before all have said what they know."""
    first, second = (plan.build()[0] for plan in factoring(sided(organisations=2)))
    for one, other in ((first, second), (second, first)):
        for offer in one.offer(["01", "02"]):
            other.accept(offer)
    first.meet()
    second.meet()
    (message,), _ = first.act("compare")
    with pytest.raises(ProtocolError, match="no knowledge of rows from '01'"):
        second.act("exchange")
    with pytest.raises(ProtocolError, match="another set of rows"):
        second.accept(replace(message, rows="others"))
    with pytest.raises(ProtocolError, match="too late"):
        second.accept(replace(message, round=1))
    second.accept(message)
    with pytest.raises(ProtocolError, match="came twice"):
        second.accept(message)


def test_sums_over_rows_tell_of_a_lone_row_that_the_receiver_lacks():
    """What the docs admit: of one stranger among all the others' rows, profile and count are read.

    Three take part, so masks do not help: it is the sum over all that tells.
    """
    everyone = sided(organisations=3)
    stranger = int(np.flatnonzero(everyone[0].row_features.all(axis=1))[0])
    known = np.delete(np.arange(40), stranger)
    dealt = [with_rows(everyone[0], known), *everyone[1:]]
    organisations = met(dealt)
    by = {one.name: one for one in organisations}
    for _ in range(8):
        for message in [m for one in organisations for m in one.act("exchange")[0]]:
            by[message.receiver].accept(message)
    told = by["01"]._summed().totals[:3]

    profiles = levelled(everyone[0].row_features, 40, "users").toarray()
    counts = sum(np.diff(domain.ratings().indptr) for domain in dealt[1:])
    counts[known] += np.diff(dealt[0].ratings().indptr)
    products = np.sqrt(counts) * (profiles[:, [0, 1, 1]] * profiles[:, [0, 0, 1]]).T
    assert products[:, stranger].any()
    np.testing.assert_allclose(
        told - products[:, known].sum(axis=1), products[:, stranger], atol=1e-6
    )


def test_two_alone_see_what_the_other_adds():
    """What the docs admit: a sum of two is no secret to either, and one rating in it neither."""
    dealt = domains(2)
    train = dealt[0].train
    kept = (train.rows != 0) | (np.cumsum(train.rows == 0) == 1)
    lone = replace(
        dealt[0], train=Entries(train.rows[kept], train.columns[kept], train.values[kept])
    )
    one, other = met([lone, dealt[1]])
    one.act("exchange")
    for message in other.act("exchange")[0]:
        one.accept(message)
    summed = one._summed().rows[0]
    own = next(one.shared().sweep()).rows[0]
    theirs = next(other.shared().sweep()).rows[0]
    np.testing.assert_allclose(summed - theirs, own, atol=1e-8)
    assert own[0] == 1
    (rating,) = lone.train.values[lone.train.rows == 0]
    shared = one.shared()
    assert shared.mean + shared.spread * own[10] == pytest.approx(rating)


def test_no_row_in_common_is_named():
    """As with residuals."""
    dealt = domains(2)
    stranger = replace(dealt[0], rows=Ids([f"x{i}" for i in range(40)], "user"))
    with (
        pytest.raises(InputError, match="shares no user"),
        local(factoring([stranger, dealt[1]])) as transport,
    ):
        run_rounds(transport, 1, method="factors")
