"""What an organisation decides for itself and tells nobody."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from grouping.errors import InputError
from learners.models.schedule import Fitting
from learners.mtal.domain import Feedback
from learners.mtal.privacy import Privacy
from learners.mtal.shared_factors import Factors
from learners.mtal.steps import Step

LOCAL_LOSSES = {"l1": "absolute", "l2": "squared"}
MODELS = ("aae",)
INPUTS = ("raw", "centred")
METHODS = ("residuals", "factors")


@dataclass(frozen=True)
class Settings:
    """An organisation's own choices.

    Attributes
    ----------
    feedback : {"explicit", "implicit"}
        Its overarching loss: squared error, or cross-entropy.
    method : {"residuals", "factors"}
        By residuals, as the paper does, or by an exact factorisation of all ratings. All
        organisations must choose it alike; what follows down to `privacy`, but for `factors`, is
        for residuals.
    model : {"aae"}
        Of its rounds; one that scores rows by what it reads of them.
    base : {"mean", "bias"}
        What it starts from.
    inputs : {"raw", "centred"}
        What its model reads: the ratings, or what they exceed the base by, with a mask of what is
        rated beside it.
    local_loss : {"l1", "l2"}
        By which its models fit the residuals.
    fitting : Fitting
    step : Step
    privacy : Privacy or None
    factors : Factors
        For the method of that name.
    seed : int
        Of its models, of the order in which others see its columns and of what its factors start
        from, and of its noise. To be kept secret: whoever knows it undoes that order, and takes
        noise off. With `privacy` another one for each session, as the same noise twice cancels.
    device : str
    """

    feedback: Feedback = "explicit"
    method: str = "residuals"
    model: str = "aae"
    base: str = "mean"
    inputs: str = "raw"
    local_loss: str = "l2"
    fitting: Fitting = field(default_factory=Fitting)
    step: Step = field(default_factory=Step)
    privacy: Privacy | None = None
    factors: Factors = field(default_factory=Factors)
    seed: int = 0
    device: str = "cpu"

    def checked(self) -> Settings:
        """Return the settings if each has a value that there is.

        Raises
        ------
        InputError
        """
        for what, value, values in (
            ("feedback", self.feedback, ("explicit", "implicit")),
            ("method", self.method, METHODS),
            ("local loss", self.local_loss, tuple(LOCAL_LOSSES)),
            ("model", self.model, MODELS),
            ("inputs", self.inputs, INPUTS),
        ):
            if value not in values:
                raise InputError(f"{what} {value!r}: give one of {', '.join(values)}")
        if self.privacy is not None:
            self.privacy.checked()
        self.factors.checked()
        return self

    def agreed(self) -> str:
        """What all organisations must have chosen alike, in words for an offer."""
        if self.method == "residuals":
            return self.method
        chosen = ", ".join(f"{name} {value:g}" for name, value in asdict(self.factors).items())
        return f"{self.method} ({chosen})"

    def as_json(self) -> dict[str, Any]:
        """Plain values, for a JSON document."""
        plain = asdict(self)
        if self.privacy is not None and math.isinf(self.privacy.epsilon):
            plain["privacy"]["epsilon"] = None
        return plain

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Settings:
        """Settings from what `as_json` made of them.

        Raises
        ------
        InputError
            If the document is none.
        """
        try:
            given = dict(plain)
            given["fitting"] = Fitting(**given["fitting"])
            given["step"] = Step(**given["step"])
            given["factors"] = Factors(**given["factors"])
            if given["privacy"] is not None:
                private = dict(given["privacy"])
                if private["epsilon"] is None:
                    private["epsilon"] = math.inf
                given["privacy"] = Privacy(**private)
            return cls(**given).checked()
        except (KeyError, TypeError) as error:
            raise InputError(f"settings of an organisation cannot be read ({error})") from error
