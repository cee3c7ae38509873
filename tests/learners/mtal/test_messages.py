import pickle
from dataclasses import FrozenInstanceError, fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learners.mtal.matching import ascending, common_rows, digests
from learners.mtal.messages import (
    KINDS,
    Contribution,
    Knowledge,
    Offer,
    Predictions,
    ProtocolError,
    Residuals,
)
from learners.mtal.wire import decode, encode

HEAD = {"session": "s", "sender": "a", "receiver": "b", "round": 2, "version": 3}
IDS = st.lists(st.text(max_size=4), max_size=8, unique=True)


def offer(ids=("x", "y", "z")):
    hashed = ascending(digests(ids, b"key", "s"))
    return Offer(
        **{**HEAD, "round": 0},
        digests=hashed,
        columns=5,
        align="user",
        method="residuals",
        features="",
        public=np.zeros(4, np.uint8),
    )


def residuals(values=(0.5, -1.0, 2.0), **changes):
    parts = {
        "rows": "fp",
        "starts": np.array([0, 2, 2, 3]),
        "columns": np.array([0, 4, 1], np.int32),
        "values": np.array(values, np.float32),
        "width": 5,
    }
    return Residuals(**HEAD, **{**parts, **changes})


def predictions(values=((1.0, 2.0), (3.0, 4.0))):
    return Predictions(**HEAD, rows="fp", values=np.array(values, np.float32))


def contribution(values=((1, 2), (3, 4)), totals=(2**63,)):
    return Contribution(
        **HEAD,
        rows="fp",
        exchange=3,
        values=np.array(values, np.uint64),
        totals=np.array(totals, np.uint64),
    )


ALL = [
    offer(), Knowledge(**HEAD, rows="fp", mark="0f"), residuals(), predictions(), contribution(),
    contribution(np.empty((2, 0)), ()),
]  # fmt: skip


@pytest.mark.parametrize("message", ALL, ids=lambda m: m.KIND)
def test_messages_survive_the_wire(message):
    """What is read is what was written, to the bit, of the same type."""
    read = decode(encode(message))
    assert type(read) is type(message)
    for name in vars(message):
        one, other = getattr(message, name), getattr(read, name)
        if isinstance(one, np.ndarray):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)
        else:
            assert one == other


@pytest.mark.parametrize("message", ALL, ids=lambda m: m.KIND)
def test_messages_are_frozen(message):
    """Neither a field nor an array of a message can be changed after it was made."""
    with pytest.raises(FrozenInstanceError):
        message.round = 3
    for name in message.ARRAYS:
        with pytest.raises(ValueError, match="read-only"):
            getattr(message, name)[...] = 0


def test_there_are_five_kinds_of_messages_and_their_fields_are_these():
    """The protocol's surface: adding to it is a decision, not an accident."""
    head = {"session", "sender", "receiver", "round", "version"}
    found = {name: {field.name for field in fields(kind)} - head for name, kind in KINDS.items()}
    assert found == {
        "alignment offer": {"digests", "columns", "align", "method", "features", "public"},
        "knowledge of rows": {"rows", "mark"},
        "residuals": {"rows", "starts", "columns", "values", "width"},
        "predictions": {"rows", "values"},
        "contribution": {"rows", "exchange", "values", "totals"},
    }


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: residuals((0.5, np.nan, 1.0)), "'a' to 'b', round 2: values hold NaN"),
        (lambda: residuals((0.5, np.inf, 1.0)), "infinite"),
        (lambda: predictions([[np.nan]]), "'a'.*NaN"),
        (lambda: residuals(columns=np.array([0, 5, 1], np.int32)), "outside of 0..4"),
        (lambda: residuals(columns=np.array([4, 0, 1], np.int32)), "ascend within a row"),
        (lambda: residuals(starts=np.array([0, 2, 1, 3])), "ascend from 0"),
        (lambda: residuals(starts=np.array([0, 2, 2, 4])), "3 entries where the rows have 4"),
        (lambda: residuals(columns=np.array([0, 1, 2])), "not an array of int32"),
        (lambda: predictions([1.0, 2.0]), "1 dimensions"),
        (lambda: contribution([1, 2]), "other dimensions"),
        (lambda: replace(contribution(), totals=np.ones(1)), "not an array of uint64"),
        (lambda: replace(offer(), digests=offer().digests[::-1]), "ascending"),
        (lambda: replace(offer(), digests=offer().digests[:, :16]), "shape"),
        (lambda: replace(offer(), columns=0), "0 columns"),
    ],
)
def test_messages_that_contradict_themselves_cannot_be_made(make, said):
    """NaN, wrong sizes and disorder are refused with the sender's name."""
    with pytest.raises(ProtocolError, match=said):
        make()


def test_other_versions_kinds_and_contents_are_not_read():
    """A message carries exactly what its kind does; anything besides is refused."""
    data = encode(replace(residuals(), version=1))
    with pytest.raises(ProtocolError, match="'a': version 1, where version 3 is spoken"):
        decode(data)
    with pytest.raises(ProtocolError, match="unknown kind 'residualz'"):
        decode(encode(residuals()).replace(b'"residuals"', b'"residualz"'))
    with pytest.raises(ProtocolError, match="does not consist of"):
        decode(encode(residuals()).replace(b'"values"', b'"valuez"'))
    with pytest.raises(ProtocolError, match="does not consist of"):
        decode(encode(residuals()).replace(b'"width"', b'"withd"'))
    with pytest.raises(ProtocolError, match="is no number"):
        decode(encode(residuals()).replace(b'"width":"5"', b'"width":"x"'))


@pytest.mark.parametrize(
    "data",
    [b"", b"\0" * 8, pickle.dumps(residuals), encode(residuals())[:-3], b"\xff" * 64],
    ids=["nothing", "zeros", "pickle", "cut off", "noise"],
)
def test_bytes_that_are_no_message_are_refused(data):
    """Whatever comes in, it is never executed and never half read."""
    with pytest.raises(ProtocolError, match="no message"):
        decode(data)


@given(one=IDS, other=IDS)
def test_matching_finds_the_common_ids_and_nothing_else(one, other):
    """Both sides find the same rows in the same order, whatever text the ids are."""
    ours, theirs = digests(one, b"key", "s"), digests(other, b"key", "s")
    rows, fingerprint = common_rows(ours, ascending(theirs))
    back, same = common_rows(theirs, ascending(ours))
    assert fingerprint == same
    assert [one[row] for row in rows] == [other[row] for row in back]
    assert {one[row] for row in rows} == set(one) & set(other)


def test_without_the_key_or_in_another_session_nothing_matches():
    """Hashes are keyed and salted: those of another run cannot be linked to these."""
    ids = ["1", "2", "3"]
    ours = digests(ids, b"key", "s")
    for key, session in ((b"kez", "s"), (b"key", "t")):
        assert len(common_rows(ours, digests(ids, key, session))[0]) == 0


def test_an_offer_tells_nothing_by_its_order():
    """Digests come sorted: the same ids in any order make the same offer, without any id in it."""
    one, other = offer(["anna", "bert"]), offer(["bert", "anna"])
    np.testing.assert_array_equal(one.digests, other.digests)
    assert b"anna" not in encode(one)
