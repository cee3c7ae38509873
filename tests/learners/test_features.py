from dataclasses import replace

import numpy as np
import pytest

from grouping.errors import InputError
from grouping.ids import Ids
from grouping.reading.side_table import Table, read_table
from learners.features import encode, read_features
from learners.kinds import Kind, parse_kinds

PEOPLE = Table(
    "people",
    ["a", "b", "c"],
    {
        "age": ["17", "", "40"],
        "job": ["nurse", "smith", "nurse"],
        "likes": ["tea | rum", "", "rum"],
        "member": ["1", "0", ""],
    },
)


def test_each_kind_is_encoded_as_the_page_says():
    """Numbers standardised, categories and sets as indicators, what is unknown as zero."""
    features = encode(PEOPLE, ["c", "nobody", "a"])
    assert features.names == (
        "age", "job:nurse", "job:smith", "likes:rum", "likes:tea", "member",
    )  # fmt: skip
    np.testing.assert_array_equal(
        features.matrix,
        [[1, 1, 0, 1, 0, 0], [0, 0, 0, 0, 0, 0], [-1, 1, 0, 1, 1, 1]],
    )


def test_numbers_can_be_told_in_the_tables_own_terms():
    """Level and unit lead from a standardised number back to the cell, also of rows taken."""
    features = encode(PEOPLE, ["c", "a"]).take(np.array([1]))
    level, unit = features.scales[0]
    assert level + unit * features.matrix[0, 0] == pytest.approx(17)
    assert set(features.scales[1:]) == {(0.0, 1.0)}
    unknown = encode(Table("t", ["a", "b"], {"age": ["", ""]}), "ab", {"age": Kind("number")})
    assert unknown.scales == ((0.0, 1.0),)


def test_classes_part_the_numbers_at_their_edges():
    """An edge belongs to the class above it; an empty cell to no class."""
    table = Table("t", list("vwxyz"), {"age": ["17", "18", "34.5", "35", ""], "zip": list("12345")})
    features = encode(table, "vwxyz", parse_kinds("age=classes:18:35, zip=ignore"))
    assert features.names == ("age:<18", "age:18..35", "age:>=35")
    np.testing.assert_array_equal(
        features.matrix, [[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]
    )


DECLARED = parse_kinds(
    "age=number:30:5, job=category:smith:nurse:clerk, likes=set:rum:tea:gin, member=flag"
)


def test_columns_whose_kinds_are_declared_do_not_depend_on_the_rows():
    """Whatever the table holds: the columns named, in that order, on the scale given."""
    features = encode(PEOPLE, "abc", DECLARED)
    names = (
        "age", "job:smith", "job:nurse", "job:clerk", "likes:rum", "likes:tea", "likes:gin",
        "member",
    )  # fmt: skip
    assert features.names == names
    np.testing.assert_allclose(
        features.matrix,
        [[-2.6, 0, 1, 0, 1, 1, 0, 1], [0, 1, 0, 0, 0, 0, 0, 0], [2, 0, 1, 0, 1, 0, 0, 0]],
        rtol=1e-6,
    )
    other = Table(
        "other",
        ["c", "d"],
        {"age": ["40", "2"], "job": ["nurse", ""], "likes": ["rum", "gin"], "member": ["", ""]},
    )
    assert encode(other, "cd", DECLARED).described() == features.described()
    np.testing.assert_array_equal(encode(other, "cd", DECLARED).matrix[0], features.matrix[2])
    assert encode(other, "cd").described() != encode(PEOPLE, "abc").described()


def test_a_value_that_is_not_declared_is_refused_by_name():
    """A misspelt value, or one that another organisation did not think of, is not lost."""
    for kinds, said in (
        ("job=category:nurse", "people: column 'job' holds 'smith'.*name it too"),
        ("likes=set:tea", "people: column 'likes' holds 'rum'.*name it too"),
    ):
        with pytest.raises(InputError, match=said):
            encode(PEOPLE, "abc", parse_kinds(kinds))


def test_columns_are_described_with_what_their_numbers_mean():
    """So that equal descriptions mean the same: numbers of another scale are told apart."""
    features = encode(PEOPLE, "abc", DECLARED)
    assert features.described() == ("age (30.0 + 5.0 * cell)", *features.names[1:])
    for scale in ((30.0, 6.0), (31.0, 5.0), (0.0, 1.0)):
        other = encode(PEOPLE, "abc", {**DECLARED, "age": Kind("number", scale=scale)})
        assert other.names == features.names
        assert other.described() != features.described()
    near = [Kind("classes", (edge,)) for edge in (1234567.0, 1234568.0)]
    assert len({encode(PEOPLE, "abc", {"age": kind}).described() for kind in near}) == 2


def test_columns_can_be_put_in_an_order_of_their_own():
    """Tables that hold the same in columns of another order come out alike."""
    turned = replace(PEOPLE, columns=dict(reversed(PEOPLE.columns.items())))
    one, other = (encode(table, "acx", DECLARED) for table in (PEOPLE, turned))
    assert one.described() != other.described()
    one, other = one.in_order(), other.in_order()
    assert one.described() == other.described() == tuple(sorted(one.described()))
    assert one.scales == other.scales
    assert one.names.index("age") == one.scales.index((30.0, 5.0))
    np.testing.assert_array_equal(one.matrix, other.matrix)
    assert one.matrix[1, one.names.index("age")] == 2
    assert one.listed.tolist() == [True, True, False]


def test_it_is_said_whom_a_table_does_not_list():
    """Ids that are written another way are the likeliest reason, and nothing else tells."""
    assert encode(PEOPLE, "ca").lacking(Ids("ca"), "p.csv") == ""
    said = encode(PEOPLE, "xay").lacking(Ids("xay"), "p.csv")
    assert said.startswith("p.csv lists 1 of 3 users")
    assert "'x'" in said
    said = encode(PEOPLE, ["01", "2"]).lacking(Ids(["01", "2"], "item"), "p.csv")
    assert said.startswith("p.csv lists none of the 2 items")
    assert "'01'" in said


def test_a_table_without_rows_is_refused(tmp_path):
    """A header alone says nothing of anybody."""
    (tmp_path / "t.csv").write_text("id,age,job\n")
    for kinds in (None, DECLARED):
        with pytest.raises(InputError, match=r"t\.csv: .*a header but no rows"):
            read_features(tmp_path / "t.csv", ["a"], kinds)


def test_what_cannot_be_encoded_is_refused_by_name():
    """A wrong column, number, kind or edge must not become a silent zero."""
    with pytest.raises(InputError, match="no column 'agee'"):
        encode(PEOPLE, "abc", {"agee": Kind("number")})
    with pytest.raises(InputError, match="'nurse', which is no number"):
        encode(PEOPLE, "abc", {"job": Kind("number")})
    for cell in ("tea", "0.5", "nan", "-1"):
        table = Table("t", ["a", "b", "c"], {"x": ["1", "", cell]})
        with pytest.raises(InputError, match=f"'x' holds '{cell}', and a flag is 0 or 1"):
            encode(table, "abc", {"x": Kind("flag")})
    many = Table("t", [str(i) for i in range(99)], {"title": [f"film {i}" for i in range(99)]})
    with pytest.raises(InputError, match="99 distinct values"):
        encode(many, many.ids)
    with pytest.raises(InputError, match="no column of side information is left"):
        encode(PEOPLE, "abc", {name: Kind("ignore") for name in PEOPLE.columns})
    for text in (
        "age",
        "age=years",
        "age=classes",
        "age=classes:3:1",
        "age=classes:x",
        "age=classes:nan",
        "age=flag:1",
        "age=number:36",
        "age=number:36:12:1",
        "age=number:36:0",
        "age=number:36:-1",
        "age=number:36:inf",
        "age=number:nan:1",
        "age=set:old:",
        "age=category:old::young",
        "age=category:old:young: old",
        "age=set:old|young",
        "age=flag,age=ignore",
    ):
        with pytest.raises(InputError, match="age"):
            parse_kinds(text)
    huge = Table("t", ["a", "b"], {"x": ["1e308", "-1e308"]})
    for kinds in (None, {"x": Kind("number", scale=(0.0, 1e-300))}):
        with pytest.raises(InputError, match="'x' holds a number that is too large"):
            encode(huge, "ab", kinds)


@pytest.mark.parametrize("separator", [",", "\t", ";", "|", "::"])
def test_tables_are_read_with_any_separator(tmp_path, separator):
    """The usual text tables, with blanks and another encoding."""
    rows = (("id", "job", "x"), ("01", "café", "2"), ("b", "", "4"))
    text = "\n".join(separator.join(row) for row in rows)
    (tmp_path / "t").write_bytes(text.encode("latin-1"))
    table = read_table(tmp_path / "t")
    assert table.ids == ["01", "b"]
    assert table.columns == {"job": ["café", ""], "x": ["2", "4"]}
    assert read_features(tmp_path / "t", ["b"]).matrix.tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ("text", "said"),
    [("id,x\na,1\na,2\n", "twice"), ("id,x\n,1\n", "no id"), ("id\na\n", "one more column")],
)
def test_tables_without_proper_ids_are_refused(tmp_path, text, said):
    """Rows are found by id: each must have one of its own."""
    (tmp_path / "t").write_text(text)
    with pytest.raises(InputError, match=said):
        read_table(tmp_path / "t")


@pytest.mark.parametrize("rows", [3, 6, 7, 10])
def test_a_column_of_one_number_tells_nothing(rows):
    """The mean of so many times .1 is not quite .1, and must not be told from it."""
    table = Table("goods", [str(row) for row in range(rows)], {"price": ["0.1"] * rows})
    kinds = {"price": Kind("number")}
    assert not encode(table, table.ids, kinds).matrix.any()
