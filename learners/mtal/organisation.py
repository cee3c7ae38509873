"""An organisation that learns by residuals: fits everyone's, and steps on with what all predict."""

from __future__ import annotations

import time
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from grouping.ratings import Ratings
from learners.entries import Entries
from learners.mtal.domain import Domain
from learners.mtal.messages import Message, Predictions, ProtocolError, Residuals
from learners.mtal.overarching import Vector, residuals
from learners.mtal.participant import PARTS, Arrays, DivergedError, Participant, Peer, Report
from learners.mtal.privacy import Accountant, noisy_block, noisy_rows
from learners.mtal.settings import Settings
from learners.mtal.steps import Part, chosen_step, combined

if TYPE_CHECKING:
    from learners.mtal.local import Learner

_DIVERGED = 2.0  # a loss above so many times the base's
_TELLING = 30  # fewer held-out ratings do not tell chance from divergence
_SLIGHT = 0.01  # of the mean squared rating: a base may be as good as perfect
_MODEL = "model."  # its weights among what is kept of a round


@dataclass(eq=False)
class Round:
    """What an organisation keeps of a round.

    Attributes
    ----------
    network : Network
    eta : float
    weights : float64 array
        Of all organisations by name.
    """

    network: Any
    eta: float
    weights: Vector


class Organisation(Participant):
    """One organisation in the protocol (Diao, Tarokh, Ding, algorithm 1); see `Participant`."""

    def __init__(self, domain: Domain, settings: Settings, session: str, key: bytes) -> None:
        super().__init__(domain, settings, session, key)
        settings.step.checked(len(domain.validation) > 0)
        self.rounds: list[Round] = []
        self._accountant = None if settings.privacy is None else Accountant(settings.privacy)
        # the order in which others see its columns is its own affair
        shuffle = np.random.default_rng([settings.seed, 0x0C])
        self._outward = shuffle.permutation(domain.shape[1]).astype(np.int64)
        self._heard: dict[str, Residuals] = {}
        self._outputs: dict[str, NDArray[np.float32]] = {}
        self._network: Any = None
        self._learner: Learner | None = None
        self._completing: _Completing | None = None

    # what others tell

    def hear(self, message: Message, peer: Peer) -> None:
        """Take in residuals or predictions; see `Participant.hear`."""
        if isinstance(message, Residuals):
            self._accept_residuals(message, peer)
        elif isinstance(message, Predictions):
            self._accept_predictions(message, peer)
        else:
            raise message.refused("has no place in this method")

    def _accept_residuals(self, message: Residuals, peer: Peer) -> None:
        self._in_turn(message, message.rows, peer, message.sender in self._heard)
        if len(message.starts) != len(peer.rows) + 1 or message.width != peer.columns:
            raise message.refused(
                f"{len(message.starts) - 1} rows and {message.width} columns, where "
                f"{len(peer.rows)} and {peer.columns} were agreed upon"
            )
        self._heard[message.sender] = message

    def _accept_predictions(self, message: Predictions, peer: Peer) -> None:
        if self._completing is None:
            self._in_turn(message, message.rows, peer, message.sender in self._outputs)
        elif message.rows != peer.fingerprint:
            raise message.refused("for another set of rows than agreed upon")
        expected = (len(peer.rows), self.domain.shape[1])
        if message.values.shape != expected:
            raise message.refused(f"shape {message.values.shape}, where {expected} was agreed upon")
        if self._completing is not None:
            self._completing.add(message, peer, self._inward(message.values))
            return
        place = np.full(self.domain.shape[0], -1, dtype=np.int64)
        place[peer.rows] = np.arange(len(peer.rows))
        at = place[self._cells.rows]
        known = at >= 0
        output = np.full(len(self._cells), np.nan, dtype=np.float32)
        output[known] = self._inward(message.values)[at[known], self._cells.columns[known]]
        self._outputs[message.sender] = output

    # what it does, step by step

    def done(self) -> list[Round]:
        """What is kept of each round."""
        return self.rounds

    def act(self, step: str) -> tuple[list[Message], Report | None]:
        """Announce, assist or update; see `Participant.act`."""
        if step == "announce":
            return [*self.announce()], None
        if step == "assist":
            return [*self.assist()], None
        if step == "update":
            return [], self.update()
        raise ValueError(f"there is no step {step!r}")

    def announce(self) -> list[Residuals]:
        """Tell each other organisation the residuals on the rows in common with it.

        Returns
        -------
        residuals : list of Residuals

        Raises
        ------
        BudgetError
            If the privacy budget does not allow it.
        """
        round_ = len(self.rounds) + 1
        own = self._released_residuals(round_)
        place = np.argsort(self._outward)
        sent = []
        for name, peer in self.peers.items():
            part = own[peer.rows]
            part = sp.csr_array((part.data, place[part.indices], part.indptr), shape=part.shape)
            part.sort_indices()
            sent.append(
                Residuals(
                    **self._head(name, round_),
                    rows=peer.fingerprint,
                    starts=part.indptr.astype(np.int64),
                    columns=part.indices.astype(np.int32),
                    values=part.data.astype(np.float32),
                    width=self.domain.shape[1],
                )
            )
        return sent

    def assist(self) -> list[Predictions]:
        """Fit a model to all residuals, and tell each other organisation what it predicts.

        Returns
        -------
        predictions : list of Predictions

        Raises
        ------
        ProtocolError
            If someone's residuals are missing.
        DivergedError
            If the model's outputs are no numbers.
        """
        self._require(self._heard, "residuals")
        started = time.perf_counter()
        round_ = len(self.rounds) + 1
        learner = self.learner()
        self._network = learner.fit(self._targets(), round_)
        self._heard.clear()
        outputs = learner.at(self._network, self._cells)
        if not np.isfinite(outputs).all():
            raise DivergedError(
                f"the model of organisation {self.name!r} runs away in round {round_}: its outputs "
                "are no numbers. Let it learn in smaller steps"
            )
        self._outputs[self.name] = outputs
        sent = self._foretold(self._network, round_)
        self.seconds = time.perf_counter() - started
        return sent

    def update(self) -> Report:
        """Step on with what everyone predicted.

        Returns
        -------
        report : Report

        Raises
        ------
        ProtocolError
            If someone's predictions are missing.
        DivergedError
            If the loss runs away. The organisation is as it was before the round then.
        """
        self._require(self._outputs, "predictions")
        outputs = np.array([self._outputs[name] for name in self._names()], dtype=np.float64)
        self._outputs.clear()
        parts = {part: self._part(part, outputs) for part in PARTS[:2]}
        step = self.settings.step
        eta, weights = chosen_step(step, self.loss, parts["train"], parts["validation"])
        scores = self.scores + eta * combined(outputs, weights)
        self._check_course(scores, eta)
        self.scores = scores
        self.rounds.append(Round(self._network, eta, weights))
        return self.report()

    def foretell(self, round_: int) -> list[Message]:
        """Prediction stage: what the model of a round predicts for others, asking nobody.

        Parameters
        ----------
        round_ : int

        Returns
        -------
        predictions : list of Predictions
        """
        return [*self._foretold(self.rounds[round_ - 1].network, round_)]

    def begin_completion(self, rounds: int) -> None:
        """Prediction stage: get ready to add up what others predict in the first rounds.

        Parameters
        ----------
        rounds : int
        """
        known = np.zeros((len(self._names()), self.domain.shape[0]), dtype=bool)
        for number, name in enumerate(self._names()):
            known[number, self.peers[name].rows if name in self.peers else slice(None)] = True
        start = self._base.block(*self.domain.shape)
        self._completing = _Completing(start, self.rounds[:rounds], self._names(), known)
        for number, done in enumerate(self.rounds[:rounds], 1):
            (own,) = self.learner().blocks(done.network, [(slice(self.domain.shape[1]), None)])
            self._completing.add_rows(self.name, number, slice(None), own)

    def completed(self) -> Ratings:
        """All ratings of its users for its items: its own but those tested on, else predicted.

        Returns
        -------
        ratings : Ratings
            Dense float32, users as rows whatever was aligned. Explicit ones are clipped to the
            range of the ratings learned from; implicit ones are probabilities.

        Raises
        ------
        ProtocolError
            If someone's predictions are missing.
        """
        completing = self._completing
        if completing is None:
            raise ProtocolError(f"organisation {self.name!r}: completion was not begun")
        completing.check_all()
        self._completing = None
        return self._whole(completing.scores)

    def kept(self) -> Arrays:
        """Model, rate, weights and scores of the last round."""
        done = self.rounds[-1]
        state = self.learner().state(done.network)
        return {
            **{_MODEL + name: part for name, part in state.items()},
            "scores": self.scores,
            "eta": np.array([done.eta]),
            "weights": done.weights,
        }

    def take_up(self, arrays: Arrays) -> None:
        """Append a round; see `Participant.take_up`."""
        eta, weights, scores = (arrays[name] for name in ("eta", "weights", "scores"))
        shapes = ((1,), (len(self._names()),), self.scores.shape)
        if (eta.shape, weights.shape, scores.shape) != shapes:
            raise ValueError("eta, weights or scores have another shape")
        state = {
            name.removeprefix(_MODEL): part
            for name, part in arrays.items()
            if name.startswith(_MODEL)
        }
        self.rounds.append(Round(self.learner().restored(state), float(eta[0]), weights))
        self.scores = scores.copy()
        if self._accountant is not None:
            self._accountant.remember(len(self.rounds))

    def spent(self) -> float | None:
        """Epsilon spent so far, where messages are noisy."""
        return None if self._accountant is None else self._accountant.epsilon()

    # how

    def _own_residuals(self) -> Vector:
        span = self._spans["train"]
        truth = self._cells.values[span].astype(np.float64)
        return residuals(self.loss, self.scores[span], truth)

    def _released_residuals(self, round_: int) -> sp.csr_array:
        """Residuals on all own rows as they may be sent."""
        train = self.domain.train.with_values(self._own_residuals()).csr(self.domain.shape)
        privacy = self.settings.privacy
        if privacy is not None and self._accountant is not None:
            self._accountant.begin(round_)
            noise = self._noise(0xA, round_)
            train.data = noisy_rows(train, privacy.residual_clip, privacy.noise, noise)
        return train

    def _targets(self) -> sp.csr_array:
        """Residuals of all organisations on own rows, own columns first."""
        own = self.domain.train.with_values(self._own_residuals())
        rows, columns, values = [own.rows], [own.columns], [own.values]
        for name, message in sorted(self._heard.items()):
            peer = self.peers[name]
            rows.append(np.repeat(peer.rows, np.diff(message.starts)))
            columns.append(message.columns.astype(np.int64) + peer.first)
            values.append(message.values)
        joined = Entries.of(*(np.concatenate(part) for part in (rows, columns, values)))
        return joined.csr((self.domain.shape[0], self._all_columns()))

    def _all_columns(self) -> int:
        return self.domain.shape[1] + sum(peer.columns for peer in self.peers.values())

    def learner(self) -> Learner:
        """What fits its models."""
        if self._learner is None:
            from learners.mtal.local import Learner

            centred = None
            if self.settings.inputs == "centred":
                train = self.domain.train
                base = self._base.at(train.rows, train.columns)
                centred = train.with_values(train.values - base)
            self._learner = Learner(self.domain, self.settings, centred, self._all_columns())
        return self._learner

    def _foretold(self, network: Any, round_: int) -> list[Predictions]:
        privacy = self.settings.privacy
        peers = self.peers.values()
        if privacy is None:
            wanted = [(slice(peer.first, peer.first + peer.columns), peer.rows) for peer in peers]
            blocks = self.learner().blocks(network, wanted)
        else:
            own = self.domain.shape[1]
            (whole,) = self.learner().blocks(network, [(slice(own, self._all_columns()), None)])
            noise = self._noise(0xB, round_)
            whole = noisy_block(whole, privacy.prediction_clip, privacy.noise, noise)
            firsts = [peer.first - own for peer in peers]
            blocks = [
                whole[peer.rows, first : first + peer.columns]
                for peer, first in zip(peers, firsts, strict=True)
            ]
        return [
            Predictions(**self._head(name, round_), rows=self.peers[name].fingerprint, values=block)
            for name, block in zip(self.peers, blocks, strict=True)
        ]

    def _noise(self, what: int, round_: int) -> np.random.Generator:
        """What noise is drawn from.

        The same for the same numbers, whenever they are sent: new noise would be a new release. And
        never the same for other numbers, whose difference would then be told without noise: of
        other data, and with other settings or other peers. What peers send moves numbers too, so
        that a seed must not serve two sessions with peers of the same names.
        """
        data = int(self.domain.digest(), 16)
        with_whom = repr((self.settings, sorted(self.peers))).encode()
        course = int(sha256(with_whom).hexdigest(), 16)
        return np.random.default_rng([self.settings.seed, data, course, what, round_])

    def _inward(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Columns in one's own order."""
        own = np.empty_like(values)
        own[:, self._outward] = values
        return own

    def _part(self, part: str, outputs: NDArray[np.float64]) -> Part:
        span = self._spans[part]
        return Part(
            self.scores[span],
            self._cells.values[span].astype(np.float64),
            outputs[:, span],
        )

    def _check_course(self, scores: Vector, eta: float) -> None:
        truth = self.domain.train.values.astype(np.float64)
        slight = _SLIGHT * float(truth @ truth) / len(truth)
        for part, start in self._start.items():
            loss = self._loss_on(part, scores)
            tells = part == "train" or len(self.domain.validation) >= _TELLING
            runs_away = tells and loss > _DIVERGED * max(start, slight)
            if runs_away or not np.isfinite(scores).all():
                raise DivergedError(
                    f"organisation {self.name!r} diverges in round {len(self.rounds) + 1}: eta "
                    f"{eta:.3g} makes the {part} loss {loss:.4g}, where the base has "
                    f"{start:.4g}. Take a smaller eta, or one chosen on validation"
                )


class _Completing:
    """Adds up, round by round, what all organisations predict for all entries."""

    def __init__(
        self,
        start: NDArray[np.float64],
        rounds: list[Round],
        names: list[str],
        known: NDArray[np.bool_],
    ) -> None:
        self.scores = start
        self._rounds = rounds
        self._names = names
        self._shares = [
            np.where(known, done.weights[:, None], 0.0)
            / np.where(known, done.weights[:, None], 0.0).sum(axis=0)
            for done in rounds
        ]
        self._open = {(name, number) for name in names for number in range(1, len(rounds) + 1)}

    def add(self, message: Predictions, peer: Peer, values: NDArray[np.float32]) -> None:
        if (message.sender, message.round) not in self._open:
            raise message.refused("was not asked for, or came twice")
        self.add_rows(message.sender, message.round, peer.rows, values)

    def add_rows(
        self,
        name: str,
        round_: int,
        rows: NDArray[np.int64] | slice,
        values: NDArray[np.float32],
    ) -> None:
        self._open.discard((name, round_))
        share = self._shares[round_ - 1][self._names.index(name)][rows]
        self.scores[rows] += self._rounds[round_ - 1].eta * share[:, None] * values

    def check_all(self) -> None:
        if self._open:
            name, round_ = min(self._open)
            raise ProtocolError(f"no predictions of round {round_} from organisation {name!r}")
