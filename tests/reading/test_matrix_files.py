"""``.npy`` and ``.npz``: shared memory, safe loading, errors that name user and item."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from grouping import InputError, read_ratings
from grouping.reading import read


def base_of(array: np.ndarray) -> np.ndarray:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


@pytest.mark.parametrize("dtype", ["f4", "f8", "i1", "i8"])
def test_a_dense_matrix_is_mapped_not_copied(tmp_path, dtype):
    path = tmp_path / "r.npy"
    np.save(path, np.arange(12, dtype=dtype).reshape(3, 4))
    ratings, report = read(path)
    assert isinstance(base_of(ratings.matrix), np.memmap)
    assert ratings.dtype == np.dtype(dtype)
    assert not ratings.matrix.flags.writeable
    assert (report.format, report.rows) == ("npy", 3)


def test_a_change_in_the_mapped_file_shows_in_the_ratings(tmp_path):
    """The plainest proof that nothing was copied."""
    path = tmp_path / "r.npy"
    np.save(path, np.zeros((2, 2), np.float32))
    ratings = read_ratings(path)
    np.load(path, mmap_mode="r+")[1, 1] = 7
    assert ratings.matrix[1, 1] == 7


def test_ids_of_a_matrix_are_positions_and_nan_is_unrated(tmp_path):
    path = tmp_path / "r.npy"
    np.save(path, np.array([[1, np.nan], [np.nan, np.nan]]))
    ratings = read_ratings(path)
    assert (ratings.users[:], ratings.items[:]) == (["0", "1"], ["0", "1"])
    assert ratings.count() == 1


@pytest.mark.parametrize("array", [np.arange(3.0), np.zeros((2, 2, 2)), np.zeros((0, 3)),
                                   np.array([["a", "b"]]), np.ones((2, 2), complex)])  # fmt: skip
def test_what_is_no_numeric_matrix_is_refused(tmp_path, array):
    np.save(tmp_path / "r.npy", array)
    with pytest.raises(InputError, match=r"r\.npy: "):
        read_ratings(tmp_path / "r.npy")


def test_python_objects_are_never_loaded(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    objects = np.empty((1, 1), object)
    objects[0, 0] = Bomb()
    np.save(tmp_path / "r.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "r.npz", data=objects, indices=objects, indptr=objects, format=b"csr",
             shape=(1, 1))  # fmt: skip
    for name in ("r.npy", "r.npz"):
        with pytest.raises(InputError):
            read_ratings(tmp_path / name)


@pytest.mark.parametrize("container", [sp.csr_array, sp.csr_matrix, sp.csc_array, sp.coo_array])
def test_sparse_matrices_are_read_with_their_stored_zeros(tmp_path, container):
    matrix = sp.csr_array(([0.0, 2.5, 1.0], [0, 2, 1], [0, 2, 2, 3]), shape=(3, 4))
    sp.save_npz(tmp_path / "r.npz", container(matrix))
    ratings = read_ratings(tmp_path / "r.npz")
    assert ratings.sparse
    assert ratings.count() == 3
    assert ratings.shape == (3, 4)
    np.testing.assert_array_equal(ratings.row(0), [0, np.nan, 2.5, np.nan])


@pytest.mark.parametrize(
    "parts",
    [
        {"indices": [0, 9]},
        {"indices": [-1, 0]},
        {"indptr": [0, 1, 7]},
        {"indptr": [0, 2, 1]},
        {"format": b"odd"},
        {"format": b"dia"},
    ],
)
def test_inconsistent_indices_never_reach_the_kernels(tmp_path, parts):
    whole = {"data": [1.0, 2.0], "indices": [0, 1], "indptr": [0, 1, 2], "format": b"csr",
             "shape": (2, 2)}  # fmt: skip
    np.savez(tmp_path / "r.npz", **(whole | parts))
    with pytest.raises(InputError, match=r"r\.npz: "):
        read_ratings(tmp_path / "r.npz")


def test_an_archive_of_something_else_is_refused(tmp_path):
    np.savez(tmp_path / "r.npz", ratings=np.ones((2, 2)))
    with pytest.raises(InputError, match="no sparse matrix"):
        read_ratings(tmp_path / "r.npz")


def test_a_cell_stored_twice_or_nan_is_refused(tmp_path):
    twice = sp.csr_array(([1.0, 2.0], [1, 1], [0, 2]), shape=(1, 2))
    sp.save_npz(tmp_path / "r.npz", twice)
    with pytest.raises(InputError, match="twice"):
        read_ratings(tmp_path / "r.npz")
    sp.save_npz(tmp_path / "r.npz", sp.csr_array(([np.nan], [1], [0, 1]), shape=(1, 2)))
    with pytest.raises(InputError, match="NaN"):
        read_ratings(tmp_path / "r.npz")


@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_a_rating_outside_the_declared_scale_names_user_item_and_position(tmp_path, kind):
    dense = np.array([[1, 5, 0], [2, 9, 1]], np.float32)
    path = tmp_path / f"r.{kind}"
    if kind == "npy":
        np.save(path, dense)
    else:
        sp.save_npz(path, sp.csr_array(dense))
    message = r"the rating 9 of user '1' for item '1' \(row 1, column 1, from 0\) is outside"
    with pytest.raises(InputError, match=message):
        read_ratings(path, scale=(0, 5))
    assert read_ratings(path, scale=(0, 9)).scale == (0.0, 9.0)


def test_infinity_is_an_error_where_it_is_looked_for(tmp_path):
    """A mapped matrix is only read through for a scale; else the first use of it finds this."""
    matrix = np.array([[1.0, np.inf]])
    np.save(tmp_path / "r.npy", matrix)
    sp.save_npz(tmp_path / "r.npz", sp.csr_array(matrix))
    with pytest.raises(InputError, match="infinite"):
        read_ratings(tmp_path / "r.npz")
    with pytest.raises(InputError, match="infinite"):
        read_ratings(tmp_path / "r.npy", scale=(0, 5))
    with pytest.raises(InputError, match="infinite"):
        read_ratings(tmp_path / "r.npy").observed_range()


def test_columns_are_no_option_of_a_matrix(tmp_path):
    np.save(tmp_path / "r.npy", np.ones((2, 2)))
    with pytest.raises(InputError, match="--columns is for tables"):
        read_ratings(tmp_path / "r.npy", columns="user=1")
