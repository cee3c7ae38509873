"""What can be set of a DMTL model, and what the paper leaves open."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from grouping.errors import InputError

NETWORKS = ("group", "paper")
AGGREGATIONS = ("mean", "attention", "min")
LOSSES = ("squared", "ranking")
SOFTMAX_AXES = ("components", "items")
BLOCKS = ("id", "history", "seen", "profile", "attributes")
LABELS_FROM = ("all", "ratings", "profiles")

_FROM_ZERO = (
    "profile_weight", "group_weight", "weight_decay", "patience", "seed", "base_factors",
)  # fmt: skip
_STEPS, _FEWEST, _MOST = 40, 32, 2000  # an epoch's steps, and bounds on their ratings


@dataclass(frozen=True)
class Settings:
    """How a model is built and trained.

    Parameters
    ----------
    network : {"group", "paper"}
        The network made for groups, or the paper's as written.
    aggregation : {"mean", "attention", "min"}
        How members make a group (`GroupNetwork`).
    loss : {"squared", "ranking"}
        Of the recommendation: equation 12 on ratings, or, for implicit ratings, the cross-entropy
        of the rated item among `negatives` drawn ones.
    inputs : tuple of str
        Blocks of the inputs x_u and x_i, of `BLOCKS`: ids; ratings by and of; what was rated at
        all; the tables of users; and of items.
    size : int
        Components of h_u and h_i.
    profile_size : int or None
        Components h of the profile p_g. None: as many as classes in the paper's network, which
        makes equation 13 a softmax of p_g itself; `size` in the other.
    softmax : {"components", "items"}
        Axis of equation 5 (the paper's network): the components of one pair's embedding, or the
        items that are scored together.
    base_factors : int
        Factors of the matrix factorisation that the network for groups corrects
        (`loss="squared"`); 0: it starts from nothing.
    leave_out : bool or None
        Whether a rating is taken out of its own inputs while it is learned from. None: yes,
        but not in the paper's network.
    profile_weight : float
        Lambda of equation 11; 0 trains without the profiling head.
    group_weight : float
        Of the loss on groups' ratings against that on users'.
    classes : int
        Clusters, where the labels are made by KMeans.
    labels_from : {"all", "ratings", "profiles"}
        What KMeans clusters: all inputs of users but the ids, or some of them.
    negatives : int
        Items drawn for each rated one (`loss="ranking"`).
    dropout : float
        Of h_u and h_i.
    own_dropout : float
        Share of the group ratings that are learned from without the group's own past, so that
        groups without one are predicted too.
    learning_rate : float or None
        Of AdamW. None: 0.001 where a factorisation is corrected, 0.003 where not.
    weight_decay : float
        Of AdamW, for matrices.
    averaging : float
        Decay of the running mean of the parameters, which is what predicts; 0: the last ones.
    batch : int or None
        Ratings a step. None: about 40 steps an epoch, of 32 ratings at least and 2,000 at most.
    epochs : int
        At most.
    patience : int
        Epochs without a lower validation loss after which to stop; 0: never.
    validation : float
        Share of the ratings to stop on; 0: none, all epochs are run.
    refit : bool
        Whether to train anew on all ratings, for as many epochs as the validation part chose.
    finish : bool
        Whether the profiling head is learned to the end once the rest is trained (not in the
        paper's network, which has none of its own); recommendations stay as they are.
    seed : int
    """

    network: str = "group"
    aggregation: str = "mean"
    loss: str = "squared"
    inputs: tuple[str, ...] = BLOCKS
    size: int = 64
    profile_size: int | None = None
    softmax: str = "components"
    base_factors: int = 20
    leave_out: bool | None = None
    profile_weight: float = 0.01
    group_weight: float = 1.0
    classes: int = 20
    labels_from: str = "all"
    negatives: int = 8
    dropout: float = 0.5
    own_dropout: float = 0.1
    learning_rate: float | None = None
    weight_decay: float = 1.0
    averaging: float = 0.99
    batch: int | None = None
    epochs: int = 30
    patience: int = 3
    validation: float = 0.1
    refit: bool = True
    finish: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", tuple(self.inputs))
        for name, allowed in (
            ("network", NETWORKS),
            ("aggregation", AGGREGATIONS),
            ("loss", LOSSES),
            ("softmax", SOFTMAX_AXES),
            ("labels_from", LABELS_FROM),
        ):
            if getattr(self, name) not in allowed:
                raise InputError(
                    f"{name} {getattr(self, name)!r}: give one of {', '.join(allowed)}"
                )
        unknown = [block for block in self.inputs if block not in BLOCKS]
        if unknown or not self.inputs:
            raise InputError(f"inputs {', '.join(self.inputs)!r}: give some of {', '.join(BLOCKS)}")
        for name in ("size", "profile_size", "batch", "epochs", "negatives", "classes"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name} must be 1 or more, not {value}")
        for name in _FROM_ZERO:
            if not 0 <= getattr(self, name) < math.inf:
                raise InputError(f"{name} must be 0 or more, not {getattr(self, name)}")
        for name in ("dropout", "own_dropout", "averaging", "validation"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name} must lie from 0 to under 1, not {getattr(self, name)}")
        if not 0 < self.rate < math.inf:
            raise InputError(f"learning_rate must be above 0, not {self.learning_rate}")

    @property
    def rate(self) -> float:
        """The learning rate."""
        if self.learning_rate is not None:
            return self.learning_rate
        return 0.001 if self.based else 0.003

    @property
    def based(self) -> bool:
        """Whether there is a factorisation that the network corrects."""
        return self.network == "group" and self.loss == "squared" and self.base_factors > 0

    @property
    def leaves_out(self) -> bool:
        """Whether a rating is taken out of its own inputs."""
        return self.network == "group" if self.leave_out is None else self.leave_out

    def batch_of(self, ratings: int) -> int:
        """Ratings a step, of so many an epoch."""
        if self.batch is not None:
            return self.batch
        return min(max(math.ceil(ratings / _STEPS), _FEWEST), _MOST)

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self) | {"inputs": list(self.inputs)}

    @classmethod
    def from_dict(cls, given: dict[str, Any]) -> Settings:
        """Settings from a saved document.

        Raises
        ------
        InputError
            If a name is unknown or a value is not valid.
        """
        known = {field.name for field in fields(cls)}
        for name in given:
            if name not in known:
                raise InputError(f"unknown setting {name!r}")
        return cls(**given)


AS_WRITTEN = Settings(
    network="paper", dropout=0.0, averaging=0.0, weight_decay=0.01, profile_weight=1.0, batch=1000
)
"""The paper's network trained plainly."""
