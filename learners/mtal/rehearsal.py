"""A round of each method among made organisations: it loads and compiles all that one runs."""

from __future__ import annotations


def rehearse() -> None:
    """Let two organisations of two items go through a round of each method."""
    import numpy as np

    from grouping.ids import Ids
    from learners.entries import Entries
    from learners.models.schedule import Fitting
    from learners.mtal import processes  # noqa: F401
    from learners.mtal.domain import Domain
    from learners.mtal.plans import Held, Plan
    from learners.mtal.rounds import complete, run_rounds
    from learners.mtal.settings import Settings
    from learners.mtal.transport import LocalMember, Transport

    users = Ids(4)
    rows, columns = np.divmod(np.arange(8), 2)
    rated = Entries(rows, columns, np.array([1, 5, 2, 4, 3, 3, 4, 1], dtype=np.float32))
    for method in ("residuals", "factors"):
        members = []
        for number in range(2):
            items = Ids([f"{number} {i}" for i in range(2)], "item")
            domain = Domain(str(number), "user", users, items, rated, rated, rated)
            settings = Settings(method=method, fitting=Fitting(epochs=1), seed=number)
            members.append(LocalMember(*Plan(Held(domain), settings, "rehearsal", b"key").build()))
        with Transport(members, 1) as transport:
            run_rounds(transport, 1, method=method)
            complete(transport, 1)
