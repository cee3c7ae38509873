"""The paper's baseline: K-means under Kendall's tau, then a list for each cluster (section 7)."""

from __future__ import annotations

from grouping.kendall import PairVectors, pair_vectors
from grouping.methods import Budget, Outcome
from grouping.methods.kmeans import k_means
from grouping.problem import Problem


def run(problem: Problem, budget: Budget) -> Outcome:
    """Cluster users by how they rank all items, without regard to semantics or lists.

    The paper takes Kendall-tau distances between users and then K-means, which needs points, not
    distances. Here K-means runs on the users' unit vectors of pairwise signs: half the squared
    Euclidean distance of two users is 1 - tau_b. scikit-learn does the clustering, from one
    k-means++ start by the seed.

    Parameters
    ----------
    problem : Problem
        Dense or CSR.
    budget : Budget
        `iterations` at most, else 100 as in the paper; no time limit is looked at.

    Returns
    -------
    outcome : Outcome
        Fewer groups than asked for where fewer users differ. With many items the distances rest
        on a sample of pairs; `advice` then says how far off they are.

    Raises
    ------
    GroupingError
        If memory does not suffice.
    """
    vectors = pair_vectors(problem.given, budget.seed)
    labels = k_means(vectors.values, problem.groups, budget, overwrite=True)
    return Outcome(labels, advice=[] if vectors.exact else [_error_of(vectors)])


def _error_of(vectors: PairVectors) -> str:
    return (
        f"Kendall's tau is estimated from {vectors.values.shape[1]} of {vectors.of_pairs} pairs of "
        f"items: off by {vectors.error:.2g} (root mean square), {vectors.worst:.2g} at most, "
        "between users drawn to see that"
    )
