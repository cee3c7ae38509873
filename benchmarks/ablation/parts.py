"""The parts of refine, and how each is switched off."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from unittest.mock import patch

from grouping.exact.bounding import Bound
from grouping.exact.search import OwnListCertificate
from grouping.exact.weakest import solve as weakest
from grouping.local import alternation, annealing, catalogues, coverage, hard_users, lists
from grouping.local import weakest as levelled
from grouping.methods import refine


def _nothing(*_, **__):
    return iter(())


def _leave(self, labels, *_):
    self.best = labels


def _keep(self, labels, *_):
    return labels


def _from_lists(self, lists):
    """One division of the users, and no alternation."""
    with patch.object(alternation, "ROUNDS", 1):
        return _alternate(self, lists)


def _unshaken(self, lists):
    """The same lists, to be climbed from again."""
    return lists, []


def _unclimbed(self, lists, *_, **__):
    return lists


def _own_lists(problem, **_):
    return Bound(OwnListCertificate(problem), "own lists")


_alternate = alternation.ListsWithinSizes.alternate

PARTS = {
    "starts: around hard users": patch.object(hard_users, "formations", _nothing),
    "starts: coverage": patch.object(coverage, "formation", lambda *_: None),
    "starts: lists": patch.object(lists, "improve", _nothing),
    "starts: clusters": patch.object(refine, "CLUSTERINGS", 0),
    "soft scores": patch.object(refine, "soften", _nothing),
    "soft scores from 4 too": patch.object(refine, "SOFTEST", (8.0,)),
    "soft scores from 8 too": patch.object(refine, "SOFTEST", (4.0,)),
    "alternation": patch.object(alternation.ListsWithinSizes, "alternate", _from_lists),
    "lists shaken": patch.object(alternation.ListsWithinSizes, "shake", _keep),
    "lists made anew": patch.object(catalogues.CatalogueSearch, "shake", _unshaken),
    "items exchanged": patch.object(catalogues.CatalogueSearch, "climb", _unclimbed),
    "lists a little worse": patch.object(catalogues, "BELOW", -1.0),
    "levelled: lists chosen": patch.object(weakest, "CHOSEN", 0.0),
    "levelled: lists shaken": patch.object(weakest, "CHOSEN", 1.0),
    "levelled: items exchanged": patch.object(levelled.ListSearch, "climb", _unclimbed),
    "levelled: long divisions": patch.multiple(weakest, LONG=200_000, LONGEST=200_000),
    "moves": patch.object(annealing, "EXCHANGES", 1.0),
    "exchanges": patch.object(annealing, "EXCHANGES", 0.0),
    "annealing": patch.object(annealing.Annealing, "run", _leave),
    "heat of the annealing": patch.object(refine, "HOT", 1e-9),
    "merge and split": patch.object(refine, "MERGES", 0),
}
"""What refine is left without: patches of names in its modules."""


def _by_sums(case):
    return case.name == "av-sum"


def _levelled(case):
    return case.name == "av-min"


APPLY = {
    "starts: around hard users": lambda case: (
        case.semantics == "lm" and not (case.members or case.within_sizes)
    ),
    "starts: coverage": lambda case: case.members and not case.within_sizes,
    "starts: lists": lambda case: case.members and not case.within_sizes,
    "starts: clusters": lambda case: case.within_sizes,
    "soft scores": lambda case: case.semantics == "lm",
    "soft scores from 4 too": lambda case: case.semantics == "lm",
    "soft scores from 8 too": lambda case: case.semantics == "lm",
    "alternation": lambda case: case.semantics == "av" and case.within_sizes,
    "lists shaken": lambda case: case.semantics == "av" and case.within_sizes,
    "lists made anew": _by_sums,
    "items exchanged": _by_sums,
    "lists a little worse": _by_sums,
    "levelled: lists chosen": _levelled,
    "levelled: lists shaken": _levelled,
    "levelled: items exchanged": _levelled,
    "levelled: long divisions": _levelled,
    "moves": lambda case: case.moves,
    "exchanges": lambda case: case.moves,
    "annealing": lambda case: case.annealed,
    "heat of the annealing": lambda case: case.annealed,
    "merge and split": lambda case: case.semantics == "lm" and (case.members or case.within_sizes),
}
"""Where a part has a say."""


@contextmanager
def without(part: str | None):
    """Switch a part off within the block; None: nothing.

    The bound is that of own lists: a better one takes its time, and makes no formation better.
    """
    with patch.object(refine, "upper_bound", _own_lists), PARTS[part] if part else nullcontext():
        yield
