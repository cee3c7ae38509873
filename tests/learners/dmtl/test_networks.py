import numpy as np
import pytest
import scipy.sparse as sp

torch = pytest.importorskip("torch")

from learners.dmtl.encoding import Table, Tables, item_cells, rater_cells  # noqa: E402
from learners.dmtl.group_network import GroupNetwork, softmax_by_group  # noqa: E402
from learners.dmtl.inputs import build  # noqa: E402
from learners.dmtl.networks import make_network, members_of  # noqa: E402
from learners.dmtl.paper_network import PaperNetwork  # noqa: E402
from learners.dmtl.told import known_of  # noqa: E402
from tests.learners.dmtl import naive  # noqa: E402
from tests.learners.dmtl.making import (  # noqa: E402
    ITEMS,
    groups,
    settings,
    standard_ratings,
    told,
)

CPU = torch.device("cpu")


def made(classes=3, **changed):
    """A network with all parameters away from zero, its tables and its dense inputs."""
    chosen = settings(**changed)
    known = known_of(told())
    network = make_network(known, chosen, classes)
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    inputs = build(known, chosen.inputs)
    network.eval()
    return network, known, Tables.of(inputs, CPU), inputs


@pytest.mark.parametrize("profile_size", [None, 5])
def test_the_paper_network_is_the_printed_equations(profile_size):
    """Each pair's rating and logits, whether p_g has as many components as classes or not."""
    network, _, tables, inputs = made(network="paper", profile_size=profile_size)
    assert isinstance(network, PaperNetwork)
    users, items = torch.tensor([0, 3, 13]), torch.tensor([[2], [0], [8]])
    with torch.no_grad():
        ratings, logits = network.users(network.encode(tables), tables, users, items)
    for row in range(3):
        x_u = inputs.raters[[int(users[row])]].toarray()[0]
        x_i = inputs.items[[int(items[row, 0])]].toarray()[0]
        expected, of_class = naive.paper(network, x_u, x_i)
        assert float(ratings[row, 0]) == pytest.approx(expected, abs=1e-4)
        np.testing.assert_allclose(logits[row].numpy(), of_class, atol=1e-4)


def test_the_softmax_may_run_over_items():
    """With the other axis each component's weights of the items scored together sum to 1."""
    network, _, _, _ = made(network="paper", softmax="items")
    weights = network._softmax(torch.randn(4, 1, 6))
    np.testing.assert_allclose(weights.sum(dim=(0, 1)).numpy(), 1.0, rtol=1e-5)


@pytest.mark.parametrize("aggregation", ["mean", "attention", "min"])
def test_the_group_network_is_its_equations(aggregation):
    """Each pair of a group and an item, for groups of 1 to 4 members, with their own past."""
    network, known, tables, inputs = made(aggregation=aggregation)
    chosen = np.array([2, 0, 3, 1, 2])
    items = torch.tensor([[1, 4], [0, 8], [3, 3], [2, 7], [6, 5]])
    members = members_of(groups(), chosen, CPU)
    raters = torch.tensor(chosen + known.users)
    with torch.no_grad():
        ratings, logits = network.groups(network.encode(tables), tables, members, raters, items)
    dense, of_items = inputs.raters.toarray(), inputs.items.toarray()
    own = standard_ratings(known)
    for row, g in enumerate(chosen):
        for column in range(2):
            expected, of_class = naive.group(
                network,
                dense[groups().of_group(g)],
                dense[known.users + g],
                of_items[int(items[row, column])],
                own[groups().of_group(g), int(items[row, column])],
            )
            assert float(ratings[row, column]) == pytest.approx(expected, abs=1e-4)
        np.testing.assert_allclose(logits[row].numpy(), of_class, atol=1e-4)


@pytest.mark.parametrize("aggregation", ["mean", "attention", "min"])
def test_the_order_of_members_does_not_matter(aggregation):
    """A group is a set: no weight belongs to a place in it."""
    network, known, tables, _ = made(aggregation=aggregation)
    members = members_of(groups(), np.array([2]), CPU)
    turned = type(members)(members.users.flip(0), members.group, members.sizes)
    rater, items = torch.tensor([known.users + 2]), torch.tensor([[0, 1, 2]])
    with torch.no_grad():
        encoded = network.encode(tables)
        one, _ = network.groups(encoded, tables, members, rater, items)
        other, _ = network.groups(encoded, tables, turned, rater, items)
    np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-5)


@pytest.mark.parametrize("by_group", [False, True])
def test_a_rating_left_out_cannot_be_copied(by_group):
    """With its inputs cut, the prediction of a rating does not depend on its value.

    The other way round: without leaving it out, it does.
    """
    network, known, _, _ = made(aggregation="mean")
    assert isinstance(network, GroupNetwork)
    ratings = known.ratings
    wanted = ratings.rows >= known.users if by_group else ratings.rows < known.users
    place = int(np.flatnonzero(wanted)[3])
    rater, item = torch.tensor([ratings.rows[place]]), torch.tensor([[ratings.columns[place]]])
    found = {}
    for value in (1.0, 5.0):
        values = ratings.values.copy()
        values[place] = value
        tables = Tables.of(
            build(known.with_ratings(ratings.with_values(values)), settings().inputs), CPU
        )
        standard = torch.tensor(known.scale.standard(values[place : place + 1]))
        with torch.no_grad():
            encoded = network.encode(tables)
            for left_out in (None, standard):
                if by_group:
                    members = members_of(groups(), ratings.rows[[place]] - known.users, CPU)
                    made_of, _ = network.groups(encoded, tables, members, rater, item, left_out)
                else:
                    made_of, _ = network.users(encoded, tables, rater, item, left_out)
                found[value, left_out is None] = float(made_of[0, 0])
    # a member's own rating of the item stays in a group's prediction: it is another's rating
    assert found[1.0, False] == pytest.approx(found[5.0, False], abs=1e-5)
    assert abs(found[1.0, True] - found[5.0, True]) > 1e-4


def test_cells_name_the_columns_of_a_rating():
    """They point at the value and the mark of the pair, -1 where a block is left out."""
    _, known, tables, inputs = made(inputs=("seen",))
    rater, item = torch.tensor([known.users + 1]), torch.tensor([2])
    history, seen = rater_cells(tables, rater, item)
    assert int(history) == -1
    assert int(seen) == inputs.seen[known.users + 1] + 2
    assert [int(c) for c in item_cells(tables, rater)] == [-1, inputs.item_seen + known.users + 1]


def test_softmax_by_group_sums_to_one_in_each_group():
    """Also for scores far apart, and a group of one weighs 1."""
    group = torch.tensor([0, 0, 1, 2, 2, 2])
    weights = softmax_by_group(100 * torch.randn(6, 4), group, 3)
    sums = torch.zeros(3, 4).index_add(0, group, weights)
    np.testing.assert_allclose(sums.numpy(), 1.0, rtol=1e-5)
    np.testing.assert_allclose(weights[2].numpy(), 1.0)


def test_members_of_a_batch_are_gathered_in_order():
    """Groups may occur more than once in a batch."""
    members = members_of(groups(), np.array([1, 1, 0]), CPU)
    assert members.users.tolist() == [1, 3, 1, 3, 0, 2, 4]
    assert members.group.tolist() == [0, 0, 1, 1, 2, 2, 2]
    assert members.sizes.tolist() == [2, 2, 3]


@pytest.mark.parametrize("left_out", [None, torch.tensor([0.5, -1.0, 2.0])])
@pytest.mark.parametrize("by_group", [False, True])
def test_candidates_asked_together_are_rated_as_in_pairs(by_group, left_out):
    """Asked about more often than there are items, each item is computed once; nothing changes."""
    network, known, tables, _ = made(aggregation="attention")
    rows = np.array([2, 0, 3])
    items = torch.tensor([[1, 4, 0, 8, 2], [3, 2, 7, 6, 5], [5, 1, 1, 2, 0]])
    assert items[:, 1:].numel() > ITEMS

    def asked(items):
        with torch.no_grad():
            encoded = network.encode(tables)
            if not by_group:
                return network.users(encoded, tables, torch.tensor(rows), items, left_out)[0]
            members = members_of(groups(), rows, CPU)
            raters = torch.tensor(rows + known.users)
            return network.groups(encoded, tables, members, raters, items, left_out)[0]

    together = asked(items)
    for column in range(1, items.shape[1]):
        pair = asked(items[:, [0, column]])
        np.testing.assert_allclose(together[:, [0, column]], pair, rtol=1e-4, atol=1e-5)


def test_a_sparse_table_and_its_gradient_are_those_of_the_dense_one():
    """The product with a learned matrix, forwards and backwards, empty rows included."""
    csr = sp.csr_array(np.array([[0, 2.0, 0], [0, 0, 0], [-1.0, 0, 0.5], [0, 0, 3.0]], "f4"))
    weight = torch.randn(3, 2, requires_grad=True)
    same = weight.detach().clone().requires_grad_()
    table = Table.of(csr, CPU)
    made_of, expected = table.times(weight), torch.tensor(csr.toarray()) @ same
    np.testing.assert_allclose(made_of.detach(), expected.detach(), rtol=1e-6)
    for product in (made_of, expected):
        (product**2).sum().backward()
    np.testing.assert_allclose(weight.grad, same.grad, rtol=1e-6)
    assert len(table) == 4
