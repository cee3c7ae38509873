"""Rows that cannot be read: named by file and line, or skipped and counted."""

from __future__ import annotations

import io

import pytest

from grouping import InputError, read_ratings
from grouping.reading import read

HEADER = "user,item,rating\n"
GOOD = "u1,i1,5\n"

BAD_LINES = [
    ("u2,i2", "2 fields where 3 are expected", "with a wrong number of fields"),
    ("u2,i2,3,4", "4 fields where 3 are expected", "with a wrong number of fields"),
    ("u2,i2,abc", r"not a number \('abc'\)", "with a rating that is not a number"),
    ("u2,i2,1_0", "not a number", "with a rating that is not a number"),
    ("u2,i2,0x10", "not a number", "with a rating that is not a number"),
    ("u2,i2,\u0663", "not a number", "with a rating that is not a number"),
    ("u2,i2,", "is empty", "without a rating"),
    ("u2,i2,  ", "is empty", "without a rating"),
    ("u2,i2,nan", "'nan'", "without a rating"),
    ("u2,i2,NaN", "'NaN'", "without a rating"),
    (",i2,3", "user id is empty", "with an empty user id"),
    ("  ,i2,3", "user id is empty", "with an empty user id"),
    ('"",i2,3', "user id is empty", "with an empty user id"),
    ("u2,,3", "item id is empty", "with an empty item id"),
    ('"u2,i2,3', "bad quoting", "with bad quoting"),
    ('"u2"x,i2,3', "bad quoting", "with bad quoting"),
    (b"u\xff2,i2,3", r"not in UTF-8 \('u\\xff2'\)", "not in UTF-8"),
    (b"u2,i\xe9,3", "not in UTF-8", "not in UTF-8"),
]


@pytest.mark.parametrize(("line", "message", "reason"), BAD_LINES)
def test_a_bad_row_is_named_by_file_and_line(written, line, message, reason):
    raw = line if isinstance(line, bytes) else line.encode()
    path = written(HEADER.encode() + b"u1,i1,5\n\n" + raw + b"\nu3,i3,1\n")
    with pytest.raises(InputError, match=message) as caught:
        read_ratings(path)
    assert str(caught.value).startswith(f"{path}:4: ")
    assert "--on-bad-row skip" in str(caught.value)


@pytest.mark.parametrize(("line", "message", "reason"), BAD_LINES)
def test_a_skipped_row_is_counted_and_leaves_nothing_behind(written, line, message, reason):
    raw = line if isinstance(line, bytes) else line.encode()
    path = written(HEADER.encode() + b"u1,i1,5\n" + raw + b"\nu3,i3,1\n")
    ratings, report = read(path, on_bad_row="skip")
    assert report.skipped == {reason: 1}
    assert (ratings.users[:], ratings.items[:]) == (["u1", "u3"], ["i1", "i3"])


def test_read_ratings_warns_of_skipped_rows(written):
    path = written(f"{HEADER}{GOOD}u2,i2,x\nu3,,1\n")
    with pytest.warns(UserWarning, match="2 bad rows skipped"):
        read_ratings(path, on_bad_row="skip")


def test_each_reason_is_counted(written):
    path = written(f"{HEADER}{GOOD}u2,i2,x\nu2,i2,y\nu3,,1\nu4\n")
    _, report = read(path, on_bad_row="skip")
    assert report.skipped_rows == 4
    assert report.skipped["with a rating that is not a number"] == 2


def test_a_file_of_bad_rows_only_is_an_error_even_when_skipping(written):
    with pytest.raises(InputError, match="no row could be read"):
        read_ratings(written(f"{HEADER}a,b,c\nd,e,\n"), on_bad_row="skip")


@pytest.mark.parametrize("value", ["inf", "-Infinity", "1e999"])
@pytest.mark.parametrize("on_bad_row", ["error", "skip"])
def test_infinity_is_an_error_always(written, value, on_bad_row):
    with pytest.raises(InputError, match=r":3: the rating is infinite"):
        read_ratings(written(f"{HEADER}{GOOD}u2,i2,{value}\n"), on_bad_row=on_bad_row)
    with pytest.raises(InputError, match=r":2: the rating is infinite"):
        read_ratings(written(f"user,a,b\nx,1,{value}\n"), on_bad_row=on_bad_row)


def test_a_rating_outside_the_declared_scale_is_a_bad_row(written):
    path = written(f"{HEADER}{GOOD}u2,i2,6\nu3,i3,0.5\n")
    with pytest.raises(InputError, match=r":3: the rating 6 is outside the scale 1:5"):
        read_ratings(path, scale=(1, 5))
    ratings, report = read(path, scale=(1, 5), on_bad_row="skip")
    assert report.skipped == {"outside the scale": 2}
    assert ratings.scale == (1.0, 5.0)


def test_a_quote_that_is_never_closed_takes_no_other_line_with_it(written):
    path = written(f'{HEADER}"u1,i1,5\nu2,i2,4\n"u3,i3,3\nu4,i4,2\n')
    ratings, report = read(path, on_bad_row="skip")
    assert ratings.users[:] == ["u2", "u4"]
    assert report.skipped == {"with bad quoting": 2}


def test_bytes_that_are_not_utf8_do_not_matter_in_columns_that_are_not_read(written):
    path = written(b"user,item,rating,title\nu1,i1,5,caf\xe9\n")
    assert read_ratings(path).count() == 1


def test_the_first_row_of_a_file_without_header_can_be_bad(written):
    with pytest.raises(InputError, match=r":1: .*'abc'"):
        read_ratings(written("1,10,abc\n2,20,3\n"))
    with pytest.raises(InputError, match=r":1: .*is empty"):
        read_ratings(written("1,10,\n2,20,3\n"))


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", "::", "\t", ";", " "])
def test_line_numbers_hold_far_into_a_file(separator, ending):
    rows = [separator.join((f"u{i}", f"i{i % 7}", "3")) for i in range(60_000)]
    rows[51_234] = separator.join(("u", "i", "bad"))
    rows.insert(100, "")
    data = ending.join([separator.join(("user", "item", "rating")), *rows])
    with pytest.raises(InputError, match=r"^input:51237: "):
        read_ratings(io.BytesIO(data.encode()))


def test_a_duplicate_names_both_lines(written):
    path = written(f"{HEADER}{GOOD}\nu2,i2,3\nu1,i1,4\nu2,i2,3\n")
    with pytest.raises(InputError, match=r":5: user 'u1' rates item 'i1' again \(first at 2\)"):
        read_ratings(path)


def test_lines_of_duplicates_count_skipped_rows(written):
    path = written(f"{HEADER}bad\nu1,i1,4\nu,i,x\nu1,i1,5\n")
    with pytest.raises(InputError, match=r":5: .*first at 3"):
        read_ratings(path, on_bad_row="skip")


@pytest.mark.parametrize(("duplicates", "value"), [("last", 2.0), ("mean", 3.5)])
def test_duplicates_are_merged_as_asked(written, duplicates, value):
    path = written(f"{HEADER}u1,i1,5\nu2,i2,1\nu1,i1,3.5\nu1,i1,2\n")
    ratings, report = read(path, duplicates=duplicates)
    assert report.merged == 2
    assert ratings.row(0)[0] == value
    assert ratings.row(1)[1] == 1


def test_merging_can_make_a_table_complete_and_wider(written):
    path = written("1,1,3\n1,1,3.1\n")
    ratings = read_ratings(path, duplicates="mean")
    assert ratings.matrix.tolist() == [[3.05]]
    assert read_ratings(written("1,1,3.1\n1,1,3\n"), duplicates="last").dtype == "f4"


@pytest.mark.parametrize("option", ["format", "on_bad_row", "duplicates"])
def test_an_unknown_option_value_names_those_there_are(written, option):
    with pytest.raises(InputError, match=f"{option} 'odd': there is"):
        read_ratings(written(GOOD), **{option: "odd"})
