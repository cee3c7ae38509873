"""The learners' loops against matrix algebra in numpy."""

from __future__ import annotations

import numpy as np
import pytest

from learners.kernels import als, descent, scores, shared_rows, sparse_rows, tanh_layers

RNG = np.random.default_rng(0)
STARTS = np.array([0, 3, 3, 5])
COLUMNS = np.array([0, 2, 3, 1, 3], np.int32)
VALUES = np.array([4.0, 3.0, 5.0, 1.0, 2.0])
for array in (STARTS, COLUMNS, VALUES):  # as callers give them, for which the kernels compile
    array.flags.writeable = False
ROWS = np.repeat(np.arange(3), np.diff(STARTS))


def test_cholesky_solves():
    root = RNG.random((4, 4)) + np.eye(4)
    A, b = root @ root.T, RNG.random(4)
    x = b.copy()
    als.solve_in_place(A.copy(), x)
    np.testing.assert_allclose(A @ x, b)


def test_rows_minimise_squared_errors_and_penalty():
    """At the minimum the gradient is zero."""
    other, centre = RNG.random((4, 3)), RNG.random((3, 3))
    weight, penalty = np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.2, 0.2])
    rows = np.zeros((3, 3))
    als.update_rows(STARTS, COLUMNS, VALUES, other, centre, weight, penalty, rows)
    for u in range(3):
        some = slice(STARTS[u], STARTS[u + 1])
        design = other[COLUMNS[some]].copy()
        target = VALUES[some] - design[:, 0]
        design[:, 0] = 1
        gradient = design.T @ (design @ rows[u] - target)
        gradient += weight[u] * penalty * (rows[u] - centre[u])
        np.testing.assert_allclose(gradient, 0, atol=1e-9)
    errors = np.empty(3)
    als.squared_errors(STARTS, COLUMNS, VALUES, rows, other, errors)
    fitted = rows[ROWS, 0] + other[COLUMNS, 0] + (rows[ROWS, 1:] * other[COLUMNS, 1:]).sum(axis=1)
    np.testing.assert_allclose(errors, np.bincount(ROWS, (VALUES - fitted) ** 2, 3))


def test_rows_are_solved_from_parts_of_their_equations():
    """Parts by columns, added up, give the rows that one with all columns would find."""
    other, centre = RNG.random((4, 3)), RNG.random((3, 3))
    weight, penalty = np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.2, 0.2])
    expected, rows = np.zeros((3, 3)), np.zeros((3, 3))
    als.update_rows(STARTS, COLUMNS, VALUES, other, centre, weight, penalty, expected)
    whole = np.zeros((3, 9))
    for part in (COLUMNS < 2, COLUMNS >= 2):
        starts = np.concatenate(([0], np.cumsum(np.bincount(ROWS[part], minlength=3))))
        packed = np.full((3, 9), np.nan)
        shared_rows.normal_equations(starts, COLUMNS[part], VALUES[part], other, packed)
        whole += packed
    np.testing.assert_array_equal(whole[:, 0], np.diff(STARTS))
    shared_rows.solve_rows(whole, weight, penalty, centre, rows)
    np.testing.assert_allclose(rows, expected)


def test_right_sides_are_solved_by_one_factor():
    root = RNG.random((4, 4))
    A, sides = root @ root.T, RNG.random((3, 4))
    found = sides.copy()
    shared_rows.solve_alike(A[np.tril_indices(4)], 0.7, found)
    np.testing.assert_allclose(found, np.linalg.solve(A + 0.7 * np.eye(4), sides.T).T)


def test_partners_are_summed_up():
    other, weight, sums = RNG.random((4, 2)), np.array([1.0, 2.0, 0.5]), np.empty((3, 2))
    als.sum_partners(STARTS, COLUMNS, weight, other, sums)
    expected = [weight[u] * other[COLUMNS[u == ROWS]].sum(axis=0) for u in range(3)]
    np.testing.assert_allclose(sums, expected)


def test_pairs_and_rows_are_predicted_alike():
    """Rows are clipped to the scale."""
    user_bias, item_bias = RNG.normal(size=3), RNG.normal(size=4)
    p, q = RNG.normal(size=(3, 2)), RNG.normal(size=(4, 2))
    expected = 3.0 + user_bias[:, None] + item_bias + p @ q.T
    found = np.empty(12)
    users, items = np.divmod(np.arange(12), 4)
    scores.score_pairs(users, items, 3.0, user_bias, item_bias, p, q, found)
    np.testing.assert_allclose(found.reshape(3, 4), expected)
    low, high = np.quantile(expected[1:], [0.2, 0.8])
    block = np.empty((2, 4))
    by_factor = np.ascontiguousarray(q.T)
    scores.score_rows(1, 3.0, user_bias, item_bias, p, by_factor, low, high, block)
    np.testing.assert_allclose(block, np.clip(expected[1:], low, high))


def test_products_with_sparse_rows():
    table, dense = RNG.random((4, 3), np.float32), RNG.random((3, 3), np.float32)
    starts, columns, values = STARTS.copy(), COLUMNS.astype(np.int64), VALUES.astype(np.float32)
    X = np.zeros((3, 4), np.float32)
    X[ROWS, columns] = values
    sums = np.empty((3, 3), np.float32)
    sparse_rows.weighted_sums(starts, columns, values, table, sums)
    np.testing.assert_allclose(sums, X @ table, rtol=1e-5)
    changed = table.copy()
    sparse_rows.add_outer(starts, columns, values, dense, changed)
    np.testing.assert_allclose(changed, table + X.T @ dense, rtol=1e-5)
    products = np.empty(5, np.float32)
    sparse_rows.dot_products(starts, columns, dense, table, products)
    np.testing.assert_allclose(products, (dense @ table.T)[ROWS, columns], rtol=1e-5)


def test_rows_are_taken_in_another_order():
    """Some twice, one empty."""
    order = np.array([2, 0, 1, 2])
    starts = np.array([0, 2, 5, 5, 7])
    columns, values = np.empty(7, np.int64), np.empty(7, np.float32)
    given = COLUMNS.astype(np.int64), VALUES.astype(np.float32)
    sparse_rows.take_rows(STARTS[:-1][order], *given, starts, columns, values)
    np.testing.assert_array_equal(columns, [1, 3, 0, 2, 3, 1, 3])
    np.testing.assert_array_equal(values, [1, 2, 4, 3, 5, 1, 2])


def test_the_hyperbolic_tangent_is_within_rounding():
    """From zero to far beyond where float32 knows no difference from one, bias included."""
    x = np.linspace(-12, 12, 602, dtype=np.float32).reshape(2, 301)
    bias = np.linspace(-1, 1, 301, dtype=np.float32)
    expected = np.tanh(x.astype(np.float64) + bias)
    tanh_layers.to_tanh(x, bias)
    np.testing.assert_allclose(x, expected, rtol=0, atol=4e-7)


def test_what_is_no_number_stays_none_through_a_layer():
    """A model that ran away is not hidden behind finite scores."""
    given = np.array([[1.0, np.nan], [1.0, 1.0], [np.inf, 1.0]], np.float32)
    outputs = np.empty((3, 1), np.float32)
    tanh_layers.to_tanh(given, np.zeros(2, np.float32))
    np.testing.assert_array_equal(np.isnan(given), [[False, True], [False, False], [False, False]])
    tanh_layers.dense_layer(given, np.ones((1, 2), np.float32), np.zeros(1, np.float32), outputs)
    np.testing.assert_array_equal(np.isnan(outputs[:, 0]), [True, False, False])


def check_gradients(loss, arrays, gradients):
    """Gradients, to which ones were added, against central differences of a loss in float64."""
    wide = [array.astype(np.float64) for array in arrays]
    for array, gradient in zip(wide, gradients, strict=True):
        for at in np.ndindex(array.shape):
            kept, found = array[at], []
            for step in (1e-5, -1e-5):
                array[at] = kept + step
                found.append(loss(*wide) / 2e-5)
            array[at] = kept
            assert abs(gradient[at] - 1 - (found[0] - found[1])) < 1e-3


def test_dense_layers_with_their_gradients():
    """Of a weighted sum of the outputs: by weight, bias and what was given."""
    sizes = [(6, 3), (5, 3), (5,)]
    given, weight, bias = (RNG.normal(size=size).astype(np.float32) for size in sizes)
    slopes, outputs = RNG.normal(size=(6, 5)).astype(np.float32), np.empty((6, 5), np.float32)
    tanh_layers.dense_layer(given, weight, bias, outputs)
    np.testing.assert_allclose(outputs, np.tanh(given @ weight.T + bias), atol=1e-6)
    by_weight, by_bias, by_given = (np.ones_like(a) for a in (weight, bias, given))
    tanh_layers.learn_dense_layer(
        given, outputs, slopes.copy(), weight, by_weight, by_bias, by_given
    )

    def loss(given, weight, bias):
        return (slopes * np.tanh(given @ weight.T + bias)).sum()

    check_gradients(loss, [given, weight, bias], [by_given, by_weight, by_bias])


def test_a_row_has_the_same_outputs_wherever_it_stands():
    """To the bit, among any number of rows."""
    given = RNG.normal(size=(7, 11)).astype(np.float32)
    weight, bias = RNG.normal(size=(9, 11)).astype(np.float32), np.zeros(9, np.float32)
    whole = np.empty((7, 9), np.float32)
    tanh_layers.dense_layer(given, weight, bias, whole)
    for some in ([3], [3, 0], [6, 5, 3], [0, 1, 2, 3, 4]):
        outputs = np.empty((len(some), 9), np.float32)
        tanh_layers.dense_layer(given[some], weight, bias, outputs)
        np.testing.assert_array_equal(outputs, whole[some])


def test_sparse_layers_with_their_gradients():
    """Of a weighted sum of the outputs: by table and bias."""
    starts, columns, values = STARTS.copy(), COLUMNS.astype(np.int64), VALUES.astype(np.float32)
    X = np.zeros((3, 4))
    X[ROWS, columns] = values
    table, bias = (0.2 * RNG.normal(size=size).astype(np.float32) for size in ((4, 2), (2,)))
    slopes, outputs = RNG.normal(size=(3, 2)).astype(np.float32), np.empty((3, 2), np.float32)
    tanh_layers.sparse_layer(starts, columns, values, table, bias, outputs)
    np.testing.assert_allclose(outputs, np.tanh(X @ table + bias), atol=1e-6)
    by_table, by_bias = np.ones_like(table), np.ones_like(bias)
    tanh_layers.learn_sparse_layer(
        starts, columns, values, outputs, slopes.copy(), by_table, by_bias
    )

    def loss(table, bias):
        return (slopes * np.tanh(X @ table + bias)).sum()

    check_gradients(loss, [table, bias], [by_table, by_bias])


def test_entries_are_listed_column_by_column():
    columns = COLUMNS.astype(np.int64)
    firsts = np.zeros(6, np.int32)
    order, rows = np.empty(5, np.int32), np.empty(5, np.int32)
    sparse_rows.by_columns(STARTS.copy(), columns, firsts, order, rows)
    np.testing.assert_array_equal(order, np.lexsort((ROWS, columns)))
    np.testing.assert_array_equal(rows, ROWS[order])
    np.testing.assert_array_equal(firsts, [0, 1, 2, 3, 5, 5])


@pytest.mark.parametrize("loss", range(3))
def test_the_gradient_of_products_is_that_of_differences(loss):
    """Squared, absolute and cross-entropy, against central differences of the mean loss."""
    columns, targets = COLUMNS.astype(np.int64), np.array([1, 0, 1, 1, 0], np.float32)
    sizes = [(3, 3), (5, 3), (5,)]
    arrays = [RNG.normal(size=size).astype(np.float32) for size in sizes]
    gradients = [np.ones(size, np.float32) for size in sizes]
    sparse_rows.learn_entries(STARTS.copy(), columns, targets, loss, *arrays, *gradients)

    def mean_loss(rows, table, bias):
        z = (rows[ROWS] * table[columns]).sum(axis=1) + bias[columns]
        each = [(z - targets) ** 2, abs(z - targets), np.logaddexp(0, z) - targets * z]
        return each[loss].mean()

    check_gradients(mean_loss, arrays, gradients)


def test_adam_steps_as_its_algorithm_says():
    """With the gradient shrunk and decay added; afterwards the gradient is zero."""
    p, g, m = (RNG.normal(size=5000).astype(np.float32) for _ in range(3))
    v = RNG.random(5000, np.float32)
    assert abs(descent.sum_of_squares(g) - (g.astype(float) ** 2).sum()) < 1e-2
    slope = 0.5 * g.astype(float) + 0.1 * p
    mean, square = 0.9 * m + 0.1 * slope, 0.99 * v + 0.01 * slope**2
    length = 0.2 / (1 - 0.9**3)
    expected = p - length * mean / (np.sqrt(square / (1 - 0.99**3)) + 1e-8)
    descent.adam_step(p, g, m, v, 0.5, 0.1, 0.2, 0.9, 0.99, 1e-8, 3)
    for ours, right in ((p, expected), (m, mean), (v, square), (g, 0.0)):
        np.testing.assert_allclose(ours, right, rtol=1e-4, atol=1e-4)
