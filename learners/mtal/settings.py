"""What an organisation decides for itself and tells nobody."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from grouping.errors import InputError
from learners.models.schedule import Fitting
from learners.mtal.domain import Feedback
from learners.mtal.privacy import Privacy
from learners.mtal.steps import Step

LOCAL_LOSSES = {"l1": "absolute", "l2": "squared"}
INPUTS = ("raw", "centred")


@dataclass(frozen=True)
class Settings:
    """An organisation's own choices.

    Attributes
    ----------
    feedback : {"explicit", "implicit"}
        Its overarching loss: squared error, or cross-entropy.
    model : str
        Of its rounds; one that fits rows.
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
    seed : int
        Of its models, and of its noise: with `privacy`, to be kept secret.
    device : str
    """

    feedback: Feedback = "explicit"
    model: str = "aae"
    base: str = "mean"
    inputs: str = "raw"
    local_loss: str = "l2"
    fitting: Fitting = field(default_factory=Fitting)
    step: Step = field(default_factory=Step)
    privacy: Privacy | None = None
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
            ("local loss", self.local_loss, tuple(LOCAL_LOSSES)),
            ("inputs", self.inputs, INPUTS),
        ):
            if value not in values:
                raise InputError(f"{what} {value!r}: give one of {', '.join(values)}")
        if self.privacy is not None:
            self.privacy.checked()
        return self

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
            if given["privacy"] is not None:
                private = dict(given["privacy"])
                if private["epsilon"] is None:
                    private["epsilon"] = math.inf
                given["privacy"] = Privacy(**private)
            return cls(**given).checked()
        except (KeyError, TypeError) as error:
            raise InputError(f"settings of an organisation cannot be read ({error})") from error
