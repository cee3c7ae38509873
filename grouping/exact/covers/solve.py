"""Least misery: partitions relaxed to covers, solved by column generation, with certificates.

Taking members out of a group never lowers its value under least misery, so a partition into at
most l groups may be replaced by a cover: l sets of users that hold everyone, some of them twice.
For any multipliers of the users, not negative, and any price P that no set of users exceeds with
its value and its members' multipliers together, l groups are worth at most l P less the sum of
all multipliers: in that sum everyone is counted at least once. See docs/concepts/exact.md on least
misery for the proof, for the discounts that account for users being in one group only, and for
the branchings.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from grouping.exact.covers.certificate import SORTED, TOGETHER, CoverCertificate, CoverLeaf
from grouping.exact.covers.groups import formation
from grouping.exact.covers.listed import NotListedError
from grouping.exact.covers.listing import Listing
from grouping.exact.covers.master import WHOLE, Solution
from grouping.exact.covers.node import NEW_ROWS, Covers, Node
from grouping.exact.covers.pricing import KEPT, PriceProof, Pricer, Prices
from grouping.exact.search import Search
from grouping.stopping import CLOSE

STARTS = 48
"""Sets that hill climbing starts from, at most: the most active columns, and some at random."""

CLIMBED = 1 << 19
"""Ratings that hill climbing starts from, at most."""

IDLE, RESTED = 2, 3
"""Climbs from the columns that find nothing in a row, after which they are made in one round of
so many."""

LAST = 8
"""Sets found by a search that are climbed from: its last, among its last windows' best."""

FIRST_WORK = 20_000
"""Scans of an item's ratings that a search of a window may take at first."""

FEW = 4
"""Sets found in a window after which it is left, unless the bound is wanted."""

PATIENCE = 3
"""Searches that leave windows early in a row, before one that gives a bound."""

ROUNDING_NODES = 200
"""Size of the tree when groups are chosen among the columns."""

TRIED = 4
"""Branchings whose linear programs are compared."""

RAREST = 31
"""Chances to choose groups that are left out after many that gained nothing."""

MOST_LISTED = 1 << 18
"""Users in all columns that are listed, at most."""

LEAST_ROOM = 64
"""Columns are not looked at where no more than so many could be listed."""

REPORTED = 200
"""Linear programs of the tree over columns after which its bound is stated anew."""

GAINED = 0.2
"""Groups are chosen anew when the linear program has gained this share of what it leads by."""


def solve(search: Search) -> None:
    """Search for the best formation under least misery.

    Parameters
    ----------
    search : Search
    """
    if not search.over:
        _Course(search).run()


@dataclass(eq=False)
class _Tree:
    """A subproblem, and what it was branched into."""

    node: Node | None
    leaf: CoverLeaf | None
    bound: float
    branching: tuple[int, int, int] = (-1, -1, -1)
    value: float = 0.0
    children: list[_Tree] = field(default_factory=list)


class _Course:
    """The search for one problem."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self.covers = Covers(search.problem)
        n = len(self.covers.personal)
        self.root = Node(self.covers, np.full(n, -np.inf), np.full(n, np.inf))
        self.random = np.random.default_rng(search.budget.seed)
        self.columns = self.nodes = self.subproblems = 0
        self.failed = self.waited = 0  # choices of whole columns that gained nothing; left out

    def run(self) -> None:
        """Solve the root, then branch until the bound meets the best formation."""
        self._first_columns(self.root)
        self.improve(self.root, wanted=True)
        if not self.search.over:
            self.branch_over_columns(self.root)
        if not self.search.over:
            self.branch(self.root)

    def _first_columns(self, node: Node) -> None:
        """Everyone, the groups of the best formation, and the users who are worth most alone."""
        node.add_rows(np.argsort(node.personal, kind="stable")[:NEW_ROWS])
        node.add_set(np.arange(len(node.personal)))
        for group in range(self.search.labels.max() + 1):
            node.add_set(np.flatnonzero(self.search.labels == group))
        for user in np.argsort(-node.personal, kind="stable")[: 2 * node.most]:
            node.add_set(np.array([user]))

    # --- one subproblem -----------------------------------------------------------------------

    def improve(self, node: Node, *, wanted: bool) -> None:
        """Lower a subproblem's bound until it proves the incumbent, or is the linear program's.

        Parameters
        ----------
        node : Node
        wanted : bool
            Whether its bound is of use where it does not prove the incumbent.
        """
        search, covers = self.search, self.covers
        self.subproblems += 1
        work, tried, hasty = FIRST_WORK, -math.inf, 0
        idle = rounds = 0
        while not search.over:
            target = covers.target(search.objective)
            node.rule_out(target)
            if node.prove_poor():
                self._state_root(node)
                return
            solution = node.master.solve(search.remaining)
            if solution is None:
                return
            node.solution = solution
            if self._add_rows(node, solution):
                self._complete_rows(node)
                continue
            prices = node.prices(solution)
            alone, user, number = node.best_alone(prices)
            aim = node.price_for(target, prices)
            known = node.price_of_columns(prices)
            price = max(aim, known, alone)
            least = price + 1e-9 * max(1.0, abs(price))
            if alone > max(aim, known) + 1e-9 * max(1.0, abs(alone)):
                node.add_set(np.array([user]), number, prices)
            pricers = [node.pricer(prices, number) for number in range(len(node.cuts))]
            rounds += 1
            if idle < IDLE or rounds % RESTED == 0:
                if self._climb(node, solution, prices, pricers, least):
                    idle = 0
                    continue
                idle += 1
            lead = solution.objective - search.objective
            if solution.objective >= max(covers.above(search.objective), tried + GAINED * lead):
                tried = solution.objective
                if self._worth_rounding(solution) and self._round(node, solution):
                    continue
            if price > aim and not wanted:
                return
            few = FEW if price <= aim or hasty < PATIENCE else 1 << 40
            hasty = hasty + 1 if few == FEW else 0
            new, proven, proofs, work = self._search(node, prices, pricers, price, work, few)
            if proofs is not None and node.prove(prices, proven, proofs):
                self._state_root(node)
            self._report()
            solved = proofs is not None and (proven <= price or not new)
            if solved or (wanted and price > aim and self._near(node, solution)):
                if wanted and not search.over and self._enrich(node, prices, price, work):
                    continue
                return

    def _enrich(self, node: Node, prices: Prices, price: float, work: int) -> bool:
        """Choose among more columns: some that a better formation can have, by what they lack.

        By the bound as it was rounded to what objectives there can be: of whole numbers the sets
        found are hardly more than those worth the price.

        Parameters
        ----------
        node : Node
            Its linear program is solved, or nearly.
        prices : Prices
        price : float
            Of its columns.
        work : int

        Returns
        -------
        better : bool
            Whether a better formation was found.
        """
        if len(self.covers.weights) == 1:
            return False  # all of them are listed afterwards
        lack = node.bound - self.covers.target(self.search.objective)
        pricers = [node.pricer(prices, number) for number in range(len(node.cuts))]
        new, _, _ = self._search_once(node, prices, pricers, price - lack, work, KEPT)
        if not new:
            return False
        solution = node.master.solve(self.search.remaining, corner=True)
        return solution is not None and self._round(node, solution)

    def _near(self, node: Node, solution: Solution) -> bool:
        """Whether the bound is so near to the linear program's that branching gains more."""
        return node.bound - solution.objective < 0.1 * (node.bound - self.search.objective)

    def _add_rows(self, node: Node, solution: Solution) -> bool:
        missing = node.missing_rows(solution)
        level = node.missing_level(solution)
        if level is not None:
            node.add_level(level)
        if len(missing):
            node.add_rows(missing)
        return level is not None or len(missing) > 0

    def _complete_rows(self, node: Node) -> None:
        """Add rows until a corner of the program lacks none: most of what its middle would lack."""
        while not self.search.over:
            solution = node.master.solve(self.search.remaining, corner=True)
            if solution is None or not self._add_rows(node, solution):
                return

    def _climb(
        self,
        node: Node,
        solution: Solution,
        prices: Prices,
        pricers: list[tuple[Pricer | None, NDArray[np.int64]]],
        least: float,
    ) -> bool:
        classes = node.class_of(node.master.values)
        used = np.argsort(-solution.activity, kind="stable")
        used = used[solution.activity[used] > 0]
        cells = max(1, len(prices.users) * node.ratings.shape[1])
        starts = max(4, min(STARTS, CLIMBED // cells))
        used, added = used[: -(-3 * starts // 4)], 0
        for number, (pricer, users) in enumerate(pricers):
            if pricer is None:
                continue
            if len(self.covers.weights) == 1:
                sets = pricer.best_by_item(least)
                added += self._add_sets(node, prices, number, users, sets)
                continue
            some = self.random.random((starts // 4, len(users))) < 0.05
            some[:, self.random.integers(len(users))] = True
            known = node.master.covers[used[classes[used] == number]][:, users]
            sets = np.concatenate([known, some])
            sets = np.unique(sets[sets.any(axis=1)], axis=0)
            worth = pricer.climb(sets, least)
            added += self._add_sets(node, prices, number, users, sets[worth > least])
        return added > 0

    def _search(
        self,
        node: Node,
        prices: Prices,
        pricers: list[tuple[Pricer | None, NDArray[np.int64]]],
        price: float,
        work: int,
        few: int,
    ) -> tuple[int, float, list[PriceProof | None] | None, int]:
        """Search every class, with more work until there are columns or proofs.

        Number of columns added, price proven, proofs if all is done, work it took.
        """
        while True:
            new, proven, proofs = self._search_once(node, prices, pricers, price, work, few)
            if new or proofs is not None or self.search.over:
                return new, proven, proofs, work
            work *= 4

    def _search_once(
        self,
        node: Node,
        prices: Prices,
        pricers: list[tuple[Pricer | None, NDArray[np.int64]]],
        price: float,
        work: int,
        few: int,
    ) -> tuple[int, float, list[PriceProof | None] | None]:
        proofs: list[PriceProof | None] = []
        added, proven, finished = 0, price, True
        for number, (pricer, users) in enumerate(pricers):
            if pricer is None:
                proofs.append(None)
                continue
            proof, found = pricer.search(price, work, few, self._over)
            self.nodes += pricer.nodes
            proofs.append(proof)
            if proof is None:
                finished = False
            else:
                proven = max(proven, proof.price)
            if len(found):
                climbed = found[-LAST:].copy()
                pricer.climb(climbed, price)
                sets = np.concatenate([found, climbed])
                added += self._add_sets(node, prices, number, users, sets)
        return added, proven, proofs if finished else None

    def _add_sets(
        self,
        node: Node,
        prices: Prices,
        number: int,
        users: NDArray[np.int64],
        sets: NDArray[np.bool_],
    ) -> int:
        added = 0
        for members in np.unique(sets, axis=0):
            added += node.add_set(users[members], number, prices)
        self.columns += added
        return added

    def _worth_rounding(self, solution: Solution) -> bool:
        """Whether to choose whole columns: ever more rarely where that gained nothing."""
        off = np.abs(solution.activity - np.rint(solution.activity)).max()
        if off > WHOLE and self.waited < min(2**self.failed - 1, RAREST):
            self.waited += 1
            return False
        self.waited = 0
        return True

    def _round(self, node: Node, solution: Solution) -> bool:
        """Offer a formation of whole columns; tell whether it is better."""
        better = self._whole(node, solution)
        self.failed = 0 if better else self.failed + 1
        return better

    def _whole(self, node: Node, solution: Solution) -> bool:
        worth, remaining = self.search.objective, self.search.remaining
        chosen = node.master.whole(solution, worth, remaining, ROUNDING_NODES)
        if chosen is None:
            return False
        covers = self.covers
        labels = formation(
            covers.ratings,
            node.master.covers[chosen[chosen > 0]],
            covers.problem.groups,
            covers.weights,
            covers.personal,
        )
        return self.search.offer(labels)

    # --- the tree over all columns that are left ----------------------------------------------

    def branch_over_columns(self, root: Node) -> None:
        """Branch over the columns that a better formation can have, where they can be listed.

        They can where only a list's first item counts, and are if they are few.
        """
        search, covers = self.search, self.covers
        if len(covers.weights) > 1 or covers.weights[0] <= 0 or root.solution is None:
            return
        if len(root.solution.discounts) != len(root.master.levels):
            return  # solved before the last rows were added, which could not be solved
        root.rule_out(covers.target(search.objective))
        if root.prove_poor():
            self._state_root(root)
            return
        room = MOST_LISTED // len(covers.personal)
        if room < LEAST_ROOM:
            return
        prices = root.prices(root.solution)
        try:
            listing = Listing(covers, root, prices, search.objective, room, lambda: search.over)
        except NotListedError:
            return
        tree = listing.tree(lambda: search.remaining)

        def offer(chosen: NDArray[np.bool_]) -> None:
            problem = covers.problem
            search.offer(
                formation(covers.ratings, chosen, problem.groups, covers.weights, covers.personal)
            )

        def over() -> bool:
            self.subproblems = before + tree.linear_programs
            if tree.linear_programs >= reported[0]:
                reported[0] = tree.linear_programs + REPORTED
                search.prove(listing.certificate(tree))
                self._report()
            return search.over

        reported, before = [REPORTED], self.subproblems
        self.columns += len(listing.columns.values)
        tree.grow(self._proven, offer, over)
        search.prove(listing.certificate(tree))
        self._report()

    # --- the tree -----------------------------------------------------------------------------

    def branch(self, root: Node) -> None:
        """Branch where most is to be expected, until the bound meets the best formation."""
        tree = _Tree(root, root.leaf, root.bound)
        open_trees, made = [(-root.bound, 0, tree)], 0
        cheap = len(self.covers.weights) == 1
        while open_trees and not self.search.over:
            _, _, worst = heapq.heappop(open_trees)
            if self._proven(worst.bound) or worst.node is None or worst.node.solution is None:
                continue  # the last: its linear program could not be solved
            branched = self._branched(worst.node)
            if branched is None:
                return
            worst.branching, worst.value, children = branched
            for child in children:
                self.improve(child, wanted=cheap)
                bound = min(worst.bound, child.bound)
                worst.children.append(_Tree(child, child.leaf, bound))
                if self._proven(child.bound):
                    continue
                made += 1
                expected = bound if child.solution is None else child.solution.objective
                heapq.heappush(open_trees, (-min(bound, expected), made, worst.children[-1]))
            worst.node = None
            self._state(tree)
            self._report()

    def _proven(self, bound: float) -> bool:
        objective = self.search.objective
        return bound <= objective + 0.9 * CLOSE * max(1.0, abs(objective))

    def _branched(self, node: Node) -> tuple[tuple[int, int, int], float, list[Node]] | None:
        """Branch where both linear programs, with the columns there are, fall furthest."""
        assert node.solution is not None
        least, most = 1e-9, max(node.solution.objective - self.search.objective, 1e-9)
        best: tuple[float, tuple[int, int, int], float, list[Node]] | None = None
        for branching, value in self._branchings(node):
            children = [self._child(node, branching, value, side) for side in (0, 1)]
            falls = 1.0
            for child in children:
                solution = child.master.solve(self.search.remaining, corner=True)
                if solution is None:
                    return None
                falls *= min(max(node.solution.objective - solution.objective, least), most)
            if best is None or falls > best[0]:
                best = falls, branching, value, children
        return None if best is None else best[1:]

    def _branchings(self, node: Node) -> list[tuple[tuple[int, int, int], float]]:
        """What to branch on: a user's group is worth more than a value, or not; the best users."""
        assert node.solution is not None
        activity = node.solution.activity
        used = np.flatnonzero(activity[: len(node.master.values)] > 1e-6)
        values, activity = node.master.values[used], activity[used]
        steps = np.unique(values)
        found: list[tuple[float, int, float]] = []
        for user in node.master.rows:
            best: tuple[float, int, float] | None = None
            held = activity * node.master.covers[used, user]
            total = held.sum()
            for low in steps[:-1]:
                above = held[values > low].sum() / max(total, 1e-12)
                if not 0.02 < above < 0.98 or low <= node.floor:
                    continue
                if not (node.above[user] < low < node.up_to[user]):
                    continue
                value = float(low)
                spread = (held[values > low] @ values[values > low]) / held[values > low].sum()
                spread -= (held[values <= low] @ values[values <= low]) / held[values <= low].sum()
                gain = min(above, 1 - above) * float(spread)
                if best is None or gain > best[0]:
                    best = gain, user, value
            if best is not None:
                found.append(best)
        found.sort(key=lambda best: (-best[0], best[1]))
        if found:
            return [((SORTED, user, -1), value) for _, user, value in found[:TRIED]]
        pair = self._pair(node, used, activity)
        return [] if pair is None else [pair]

    def _pair(
        self, node: Node, used: NDArray[np.int64], activity: NDArray[np.float64]
    ) -> tuple[tuple[int, int, int], float] | None:
        """Choose two users to be in one group or in two."""
        rows = np.array(node.master.rows)
        held = node.master.covers[used][:, rows].astype(np.float64)
        both = held.T @ (activity[:, None] * held)
        share = both / np.maximum(np.minimum.outer(both.diagonal(), both.diagonal()), 1e-12)
        share[np.tril_indices(len(rows))] = 0.0
        for u, w in node.apart:
            share[np.ix_(np.isin(rows, [u, w]), np.isin(rows, [u, w]))] = 0.0
        fair = np.minimum(share, 1.0 - share)
        at = np.unravel_index(fair.argmax(), fair.shape)
        if fair[at] <= 1e-6:
            return None
        pair = sorted((int(rows[at[0]]), int(rows[at[1]])))
        return (TOGETHER, pair[0], pair[1]), 0.0

    def _child(
        self, parent: Node, branching: tuple[int, int, int], value: float, side: int
    ) -> Node:
        kind, user, other = branching
        above, up_to = parent.above.copy(), parent.up_to.copy()
        together, apart = parent.together, parent.apart
        if kind == SORTED:
            members = list(parent.merged(user))
            if side == 0:
                above[members] = value
            else:
                up_to[members] = value
        elif side == 0:
            merged = tuple(sorted(parent.merged(user) + parent.merged(other)))
            together = (*(t for t in together if t[0] not in (user, other)), merged)
        else:
            apart = (*apart, (user, other))
        child = Node(self.covers, above, up_to, together, apart)
        child.rule_out(self.covers.target(self.search.objective))
        child.take_columns(parent)
        rows = [user for user in parent.master.rows if child.standing[user]]
        child.add_rows(np.array(rows, np.int64))
        for level, _ in parent.master.levels:
            child.add_level(level)
        return child

    # --- standing -----------------------------------------------------------------------------

    def _over(self) -> bool:
        return self.search.over

    def _state_root(self, node: Node) -> None:
        if node is self.root:
            self._state(_Tree(node, node.leaf, node.bound))

    def _state(self, tree: _Tree) -> None:
        """State the certificate of a tree if its bound is lower than the best."""
        bound = _bound(tree)
        if not bound < self.search.bound:
            return
        branchings: list[tuple[int, int, int]] = []
        values: list[float] = []
        leaves: list[CoverLeaf] = []
        _collect(tree, branchings, values, leaves)
        self.search.prove(
            CoverCertificate(np.array(branchings, np.int64), np.array(values), tuple(leaves), bound)
        )

    def _report(self) -> None:
        self.search.report(columns=self.columns, nodes=self.nodes, subproblems=self.subproblems)


def _bound(tree: _Tree) -> float:
    """Bound of a tree: its own, or the highest of its branches' if that is lower."""
    own = math.inf if tree.leaf is None else _leaf_bound(tree)
    if not tree.children:
        return own
    return min(own, max(_bound(child) for child in tree.children))


def _leaf_bound(tree: _Tree) -> float:
    return tree.bound


def _collect(
    tree: _Tree,
    branchings: list[tuple[int, int, int]],
    values: list[float],
    leaves: list[CoverLeaf],
) -> None:
    own = math.inf if tree.leaf is None else tree.bound
    if tree.children and max(_bound(child) for child in tree.children) < own:
        branchings.append(tree.branching)
        values.append(tree.value)
        for child in tree.children:
            _collect(child, branchings, values, leaves)
        return
    assert tree.leaf is not None
    branchings.append((-1, -1, -1))
    values.append(0.0)
    leaves.append(tree.leaf)
