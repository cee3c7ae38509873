"""An organisation: its own data, model, loss and seed, and what others have told it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from grouping.errors import GroupingError, InputError
from grouping.ratings import Ratings
from learners.entries import Entries
from learners.mtal.base import make_base
from learners.mtal.domain import Domain
from learners.mtal.matching import ascending, common_rows, digests
from learners.mtal.messages import VERSION, Message, Offer, Predictions, ProtocolError, Residuals
from learners.mtal.overarching import (
    Vector,
    mean_loss,
    of_feedback,
    quality,
    residuals,
    sigmoid,
)
from learners.mtal.privacy import Accountant, noisy_block, noisy_rows
from learners.mtal.settings import Settings
from learners.mtal.steps import Part, chosen_step, combined

if TYPE_CHECKING:
    from learners.mtal.local import Learner

_DIVERGED = 2.0  # a loss above so many times the base's
_TELLING = 30  # fewer held-out ratings do not tell chance from divergence
_SLIGHT = 0.01  # of the mean squared rating: a base may be as good as perfect
_PARTS = ("train", "validation", "test")


class DivergedError(GroupingError):
    """An organisation's scores run away; what it had before the round still stands."""


@dataclass(frozen=True)
class Report:
    """What an organisation tells whoever runs it of a round; peers are not told.

    Attributes
    ----------
    name : str
    round : int
    seconds : float
        What fitting its model took.
    squared : bool
        Whether its overarching loss is the squared error, else cross-entropy.
    train_loss, validation_loss : float
        Mean overarching loss; 0 without ratings.
    course : float
        Its loss on validation, else on train, as a multiple of the base's.
    validation, test : (float, int)
        Summed squared errors and number of ratings, or summed average precisions and number of
        rows; see `overarching.quality`.
    eta : float or None
        Of the round; none before the first.
    weights : dict of str to float
    common : dict of str to int
        Rows in common with each other organisation.
    epsilon : float or None
        Spent so far, where messages are noisy.
    """

    name: str
    round: int
    seconds: float
    squared: bool
    train_loss: float
    validation_loss: float
    course: float
    validation: tuple[float, int]
    test: tuple[float, int]
    eta: float | None = None
    weights: dict[str, float] = field(default_factory=dict)
    common: dict[str, int] = field(default_factory=dict)
    epsilon: float | None = None


@dataclass(eq=False)
class Peer:
    """What is known of another organisation.

    Attributes
    ----------
    columns : int
    rows : int64 array
        Own positions of the common rows, in the order of messages.
    fingerprint : str
    first : int
        Where its columns begin among all columns.
    """

    columns: int
    rows: NDArray[np.int64]
    fingerprint: str
    first: int = 0


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


class Organisation:
    """One organisation in the protocol (Diao, Tarokh, Ding, algorithm 1).

    It is driven by `take`, one step after another, and hears others only through `accept`.

    Parameters
    ----------
    domain : Domain
        Its data.
    settings : Settings
        Its choices.
    session : str
        Of the run.
    key : bytes
        Agreed upon by all organisations, for matching rows.

    Raises
    ------
    InputError
        If it cannot take part: no ratings, or settings that cannot be.
    """

    def __init__(self, domain: Domain, settings: Settings, session: str, key: bytes) -> None:
        domain.checked()
        self.name = domain.name
        self.domain = domain
        self.settings = settings.checked()
        settings.step.checked(len(domain.validation) > 0)
        self.loss = of_feedback(settings.feedback)
        self.session = session
        self.rounds: list[Round] = []
        self.peers: dict[str, Peer] = {}
        self._key = key
        self._digests = np.empty((0, 32), dtype=np.uint8)
        self._offers: dict[str, Offer] = {}
        self._base = make_base(settings.base, domain.train, domain.shape, self.loss)
        self._accountant = None if settings.privacy is None else Accountant(settings.privacy)
        # the order in which others see its columns is its own affair
        shuffle = np.random.default_rng([settings.seed, 0x0C])
        self._outward = shuffle.permutation(domain.shape[1]).astype(np.int64)
        self._cells, self._spans = _joined(domain)
        self.scores = self._base.at(self._cells.rows, self._cells.columns)
        self._start = {part: self._loss_on(part, self.scores) for part in _PARTS[:2]}
        self._heard: dict[str, Residuals] = {}
        self._outputs: dict[str, NDArray[np.float32]] = {}
        self._network: Any = None
        self._learner: Learner | None = None
        self._seconds = 0.0
        self._completing: _Completing | None = None

    # what others tell

    def accept(self, message: Message) -> None:
        """Take a message in, or refuse it.

        Parameters
        ----------
        message : Message

        Raises
        ------
        ProtocolError
            If it is of another version or session, not for this organisation, out of turn, or
            does not fit what was agreed upon.
        """
        if message.version != VERSION:
            raise message.refused(f"version {message.version}, {VERSION} is spoken here")
        if message.session != self.session:
            raise message.refused("belongs to another session")
        if message.receiver != self.name or message.sender == self.name:
            raise message.refused(f"reached {self.name!r}")
        if isinstance(message, Offer):
            self._accept_offer(message)
            return
        peer = self.peers.get(message.sender)
        if peer is None:
            raise message.refused("the sender was not met")
        if isinstance(message, Residuals):
            self._accept_residuals(message, peer)
        elif isinstance(message, Predictions):
            self._accept_predictions(message, peer)

    def _accept_offer(self, offer: Offer) -> None:
        if self.peers or offer.sender in self._offers:
            raise offer.refused("came twice or too late")
        if offer.align != self.domain.align:
            raise offer.refused(f"aligned by {offer.align}, {self.domain.align} is meant here")
        if offer.round != 0:
            raise offer.refused("offers are made before the first round")
        self._offers[offer.sender] = offer

    def _accept_residuals(self, message: Residuals, peer: Peer) -> None:
        self._in_turn(message, peer, message.sender in self._heard)
        if len(message.starts) != len(peer.rows) + 1 or message.width != peer.columns:
            raise message.refused(
                f"{len(message.starts) - 1} rows and {message.width} columns, where "
                f"{len(peer.rows)} and {peer.columns} were agreed upon"
            )
        self._heard[message.sender] = message

    def _accept_predictions(self, message: Predictions, peer: Peer) -> None:
        if self._completing is None:
            self._in_turn(message, peer, message.sender in self._outputs)
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

    def _in_turn(self, message: Residuals | Predictions, peer: Peer, again: bool) -> None:
        if message.round != len(self.rounds) + 1 or again:
            raise message.refused(f"out of turn: round {len(self.rounds) + 1} is on")
        if message.rows != peer.fingerprint:
            raise message.refused("for another set of rows than agreed upon")

    # what it does, step by step

    def offer(self, names: list[str]) -> list[Offer]:
        """Offer alignment to others.

        Parameters
        ----------
        names : list of str

        Returns
        -------
        offers : list of Offer
        """
        hashed = digests(self.domain.rows, self._key, self.session)
        self._digests = hashed
        return [
            Offer(
                **self._head(name, 0),
                digests=ascending(hashed),
                columns=self.domain.shape[1],
                align=self.domain.align,
            )
            for name in names
            if name != self.name
        ]

    def meet(self) -> Report:
        """Find the rows in common with those who made an offer.

        Returns
        -------
        report : Report

        Raises
        ------
        InputError
            If there are none in common with anybody.
        """
        for name, offer in sorted(self._offers.items()):
            rows, fingerprint = common_rows(self._digests, offer.digests)
            self.peers[name] = Peer(offer.columns, rows, fingerprint)
        self._offers.clear()
        if not any(len(peer.rows) for peer in self.peers.values()):
            what = self.domain.rows.what
            raise InputError(
                f"organisation {self.name!r} shares no {what} with any other: it can neither help "
                f"nor be helped. Leave it out, or see whether {what}s have the same ids everywhere"
            )
        first = self.domain.shape[1]
        for peer in self.peers.values():
            peer.first = first
            first += peer.columns
        return self.report()

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
        """
        self._require(self._heard, "residuals")
        started = time.perf_counter()
        round_ = len(self.rounds) + 1
        learner = self.learner()
        self._network = learner.fit(self._targets(), round_)
        self._heard.clear()
        self._outputs[self.name] = learner.at(self._network, self._cells)
        sent = self._foretold(self._network, round_)
        self._seconds = time.perf_counter() - started
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
        parts = {part: self._part(part, outputs) for part in _PARTS[:2]}
        step = self.settings.step
        eta, weights = chosen_step(step, self.loss, parts["train"], parts["validation"])
        scores = self.scores + eta * combined(outputs, weights)
        self._check_course(scores, eta)
        self.scores = scores
        self.rounds.append(Round(self._network, eta, weights))
        return self.report()

    def foretell(self, round_: int) -> list[Predictions]:
        """Prediction stage: what the model of a round predicts for others, asking nobody.

        Parameters
        ----------
        round_ : int

        Returns
        -------
        predictions : list of Predictions
        """
        return self._foretold(self.rounds[round_ - 1].network, round_)

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
            own = self.learner().block(done.network, slice(0, self.domain.shape[1]))
            self._completing.add_rows(self.name, number, slice(None), own)

    def completed(self) -> Ratings:
        """All ratings of its users for its items: its own where it has them, else predicted.

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
        scores, domain = completing.scores, self.domain
        if self.loss == "squared":
            values = domain.train.values
            np.clip(scores, values.min(), values.max(), out=scores)
        else:
            scores = sigmoid(scores)
        whole = scores.astype(np.float32)
        for part in (domain.train, domain.validation):
            whole[part.rows, part.columns] = part.values
        self._completing = None
        sides = [domain.rows, domain.columns]
        if domain.align == "item":
            whole, sides = np.ascontiguousarray(whole.T), sides[::-1]
        return Ratings.of(whole, users=sides[0], items=sides[1], source=self.name)

    def report(self) -> Report:
        """Where it stands."""
        done = self.rounds[-1] if self.rounds else None
        names = self._names()
        losses = {part: self._loss_on(part, self.scores) for part in self._start}
        judged = "validation" if len(self.domain.validation) else "train"
        return Report(
            self.name,
            len(self.rounds),
            self._seconds,
            self.loss == "squared",
            losses["train"],
            losses["validation"],
            losses[judged] / max(self._start[judged], 1e-12),
            self._quality_on("validation"),
            self._quality_on("test"),
            None if done is None else done.eta,
            {} if done is None else dict(zip(names, done.weights.tolist(), strict=True)),
            {name: len(peer.rows) for name, peer in self.peers.items()},
            None if self._accountant is None else self._accountant.epsilon(),
        )

    def held_out_scores(self) -> NDArray[np.float64]:
        """Scores of the ratings to be tested on, for whoever examines it."""
        return self.scores[self._spans["test"]].copy()

    # how

    def _head(self, receiver: str, round_: int) -> dict[str, Any]:
        return {
            "session": self.session,
            "sender": self.name,
            "receiver": receiver,
            "round": round_,
            "version": VERSION,
        }

    def _names(self) -> list[str]:
        return sorted([self.name, *self.peers])

    def _require(self, heard: dict[str, Any], what: str) -> None:
        missing = sorted(set(self.peers) - set(heard))
        if missing:
            raise ProtocolError(
                f"organisation {self.name!r}, round {len(self.rounds) + 1}: no {what} from "
                f"{', '.join(map(repr, missing))}"
            )

    def _own_residuals(self) -> Vector:
        span = self._spans["train"]
        truth = self._cells.values[span].astype(np.float64)
        return residuals(self.loss, self.scores[span], truth)

    def _released_residuals(self, round_: int) -> sp.csr_array:
        """Residuals on all own rows as they may be sent."""
        train = self.domain.train.with_values(self._own_residuals()).csr(self.domain.shape)
        privacy = self.settings.privacy
        if privacy is not None and self._accountant is not None:
            self._accountant.release("residuals", round_)
            rng = np.random.default_rng([self.settings.seed, 0xA, round_])
            train.data = noisy_rows(train, privacy.residual_clip, privacy.noise, rng)
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
        learner, privacy = self.learner(), self.settings.privacy
        sent = []
        whole = None
        if privacy is not None and self._accountant is not None:
            self._accountant.release("predictions", round_)
            foreign = slice(self.domain.shape[1], self._all_columns())
            # the same numbers whenever they are sent: new noise would be a new release
            rng = np.random.default_rng([self.settings.seed, 0xB, round_])
            whole = noisy_block(
                learner.block(network, foreign), privacy.prediction_clip, privacy.noise, rng
            )
        for name, peer in self.peers.items():
            if whole is None:
                values = learner.block(
                    network, slice(peer.first, peer.first + peer.columns), peer.rows
                )
            else:
                first = peer.first - self.domain.shape[1]
                values = whole[peer.rows, first : first + peer.columns]
            head = self._head(name, round_)
            sent.append(Predictions(**head, rows=peer.fingerprint, values=values))
        return sent

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

    def _loss_on(self, part: str, scores: Vector) -> float:
        span = self._spans[part]
        truth = self._cells.values[span].astype(np.float64)
        return mean_loss(self.loss, scores[span], truth) if len(truth) else 0.0

    def _quality_on(self, part: str) -> tuple[float, int]:
        span = self._spans[part]
        truth = self._cells.values[span].astype(np.float64)
        return quality(self.loss, self._cells.rows[span], self.scores[span], truth)

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
                    f"{start:.4g}. Take a smaller eta"
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


def _joined(domain: Domain) -> tuple[Entries, dict[str, slice]]:
    """All own entries one part after the other, and where each part lies."""
    parts = [domain.train, domain.validation, domain.test]
    ends = np.cumsum([len(part) for part in parts])
    spans = {
        name: slice(int(end) - len(part), int(end))
        for name, part, end in zip(_PARTS, parts, ends, strict=True)
    }
    joined = Entries(
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.columns for part in parts]),
        np.concatenate([part.values for part in parts]),
    )
    return joined, spans
