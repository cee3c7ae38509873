"""Ids are text as written, distinct, and ordered so that shuffled rows give the same order."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grouping import InputError
from grouping.ids import Ids, canonical_order, id_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("01", "01"), (" 1 ", "1"), ("1.0", "1.0"), (1, "1"), (1.0, "1"), (1.5, "1.5"),
        (np.float32(2.0), "2"), (np.int8(3), "3"), (b" x ", "x"), (-0.0, "0"),
    ],
)  # fmt: skip
def test_an_id_is_its_text_and_a_whole_float_an_integer(value, text):
    assert id_text(value) == text


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), np.float64("nan")])
def test_a_missing_id_is_refused(value):
    with pytest.raises(InputError, match="missing"):
        id_text(value, "user")


@pytest.mark.parametrize(
    ("names", "ordered"),
    [
        (["10", "9", "-1", "0"], ["-1", "0", "9", "10"]),
        (["10", "9", "01"], ["01", "10", "9"]),
        (["10", "9", "+1"], ["+1", "10", "9"]),
        (["10", "9", "-0"], ["-0", "10", "9"]),
        (["b", "B", "ä", "a"], ["B", "a", "b", "ä"]),
        ([str(10**30), "9"], ["9", str(10**30)]),
        ([], []),
    ],
)
def test_canonical_integers_are_ordered_as_numbers_others_by_code_point(names, ordered):
    assert [names[i] for i in canonical_order(names)] == ordered


@given(st.lists(st.text() | st.integers().map(str), unique=True), st.randoms())
def test_the_order_does_not_depend_on_where_it_starts(names: list[str], rng: random.Random):
    shuffled = names.copy()
    rng.shuffle(shuffled)
    one = [names[i] for i in canonical_order(names)]
    assert one == [shuffled[i] for i in canonical_order(shuffled)]


def test_positions_and_names_find_each_other():
    ids = Ids(["b", "a", 3.0], "item")
    assert ids[:] == ["b", "a", "3"]
    assert [ids.position(name) for name in ids] == [0, 1, 2]
    assert ids.take(np.array([2, 0])) == ["3", "b"]
    assert "a" in ids
    assert "x" not in ids
    with pytest.raises(InputError, match="unknown item id 'x'"):
        ids.position("x")


def test_positional_ids_are_made_when_asked_for_and_equal_to_the_same_names():
    ids = Ids(12)
    assert ids.positional
    assert len(ids) == 12
    assert ids[11] == ids[-1] == "11"
    assert ids.position("11") == 11
    assert ids.take([3, 4]) == ["3", "4"]
    assert ids == Ids([str(i) for i in range(12)])
    for unknown in ("12", "-1", "01", "x"):
        assert unknown not in ids
        with pytest.raises(InputError, match="unknown user id"):
            ids.position(unknown)
    with pytest.raises(IndexError):
        ids[12]


@pytest.mark.parametrize(
    ("names", "message"),
    [(["a", "b", "a"], "'a' occurs twice"), ([1, 1.0], "'1' occurs twice"), (["a", ""], "empty")],
)
def test_ids_are_distinct_and_not_empty(names, message):
    with pytest.raises(InputError, match=message):
        Ids(names)
