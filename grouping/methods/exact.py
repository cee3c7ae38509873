"""The optimum with a proof where one can be had, else the best found with a bound."""

from __future__ import annotations

from grouping.exact import few_users, formulation_for
from grouping.exact.search import Search
from grouping.methods import Budget, Outcome, greedy
from grouping.problem import Problem


def run(problem: Problem, budget: Budget) -> Outcome:
    """Search for the optimum by the strongest formulation for the problem.

    Parameters
    ----------
    problem : Problem
    budget : Budget
        The search ends when the optimum is proven, `gap` is reached or the time is over;
        an interrupt (Ctrl-C) ends it with the best formation so far.

    Returns
    -------
    outcome : Outcome
        ``optimal`` only with a proof: a bound that meets the objective, by `certificate`.

    Raises
    ------
    InputError
        If there is no formulation for the problem (ndcg beyond a few users).
    """
    formulation = formulation_for(problem)
    search = Search(problem, budget)
    interrupted = False
    try:
        search.offer(greedy.run(problem, budget).labels)
        if problem.semantics == "lm":
            search.offer(greedy.run(problem, budget, split_buckets=True).labels)
            if not problem.aggregation.per_member:
                search.prove(few_users.bound_certificate(problem))
        if not search.over:
            formulation.solve(search)
    except KeyboardInterrupt:
        interrupted = True
    if search.proven:
        status = "optimal"
    elif interrupted:
        status = "interrupted"
    else:
        status = "time_limit" if search.remaining <= 0 else "feasible"
    return Outcome(
        search.labels,
        status=status,
        bound=max(search.bound, search.objective),
        certificate=search.certificate,
    )
