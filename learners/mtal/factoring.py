"""An organisation that learns by factors: everyone's ratings factorised, each holding its own."""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.ratings import Ratings
from learners.mtal.domain import Domain
from learners.mtal.masking import Masked, Secret, real, stream, whole
from learners.mtal.messages import (
    Contribution,
    DisagreementError,
    Knowledge,
    Message,
    ProtocolError,
)
from learners.mtal.overarching import Vector
from learners.mtal.participant import Arrays, Participant, Peer, Report
from learners.mtal.settings import Settings
from learners.mtal.shared_factors import EXCHANGES, Known, SharedFactors, Sums, Sweep

STEPS = ("exchange",) * (EXCHANGES + 1)
"""Of a round: all exchanges of a sweep, and what follows the last."""


@dataclass(frozen=True, eq=False)
class Swept:
    """What is kept of a round: the factors after it.

    Attributes
    ----------
    rows, columns : float64 arrays
    """

    rows: NDArray[np.float64]
    columns: NDArray[np.float64]
    eta: float | None = None
    weights: Vector | None = None


@dataclass(frozen=True, eq=False)
class _Masked:
    """Part of sums as it is sent."""

    rows: Masked
    totals: Masked


class FactoringOrganisation(Participant):
    """One organisation in an exact factorisation of all ratings; see `Participant`.

    A round is a sweep of `learners.mtal.shared_factors`. Contributions to a row's sums go to those
    who have the row, and nothing of a row to anybody else. They are masked: where three or more
    have a row, nobody sees what one of them adds to its sums. Sums are exact, so all arrive at the
    same bits.

    Side information stays where it is but for sums over all columns, or all rows, those that a
    receiver lacks among them. All must have the same features by name, and know the same of a row
    in common; else messages are refused.
    """

    def __init__(self, domain: Domain, settings: Settings, session: str, key: bytes) -> None:
        super().__init__(domain, settings, session, key)
        if settings.privacy is not None:
            raise InputError(
                "noise is added to residuals and predictions: it has no use for factors"
            )
        self._known = _known(domain, settings)
        self.rounds: list[Swept] = []
        self._shared: SharedFactors | None = None
        self._sweep: Sweep | None = None
        self._own: _Masked | None = None
        self._exchange = 0
        self._heard: dict[str, Contribution] = {}
        self._alike: dict[str, Knowledge] = {}
        self._completing: int | None = None
        self._secret = Secret()
        self._secrets: dict[str, bytes] = {}

    def done(self) -> list[Swept]:
        """What is kept of each round."""
        return self.rounds

    def act(self, step: str) -> tuple[list[Message], Report | None]:
        """Go on with a sweep as far as the next exchange; see `Participant.act`.

        Before the first, all say what they know of the rows in common.
        """
        if step == "compare":
            return self._knowledge(), None
        if step != "exchange":
            raise ValueError(f"there is no step {step!r}")
        started = time.perf_counter()
        try:
            if self._sweep is None:
                self.seconds, self._exchange = 0.0, 0
                if self.domain.row_features is not None:
                    self._require(self._alike, "knowledge of rows")
                self._sweep = self.shared().sweep()
                part = next(self._sweep)
            else:
                part = self._sweep.send(self._summed())
        except StopIteration:
            self._sweep = self._own = None
            shared = self.shared()
            self.rounds.append(Swept(shared.rows.copy(), shared.columns.copy()))
            self._rescore()
            self.seconds += time.perf_counter() - started
            return [], self.report()
        self._exchange += 1
        self._own = self._masked(part)
        sent = self._contributions(self._own)
        self.seconds += time.perf_counter() - started
        return [*sent], None

    def hear(self, message: Message, peer: Peer) -> None:
        """Take in a contribution, or knowledge of rows; see `Participant.hear`."""
        if isinstance(message, Knowledge):
            self._compare(message, peer)
            return
        if not isinstance(message, Contribution):
            raise message.refused("has no place in this method")
        self._in_turn(message, message.rows, peer, message.sender in self._heard)
        if self._own is None or message.exchange != self._exchange:
            raise message.refused(f"out of turn: exchange {self._exchange} is on")
        expected = (len(peer.rows), self._own.rows.shape[1]), self._own.totals.shape
        if (message.values.shape, message.totals.shape) != expected:
            raise message.refused(
                f"shapes {message.values.shape} and {message.totals.shape}, where {expected[0]} "
                f"and {expected[1]} were agreed upon"
            )
        self._heard[message.sender] = message

    def foretell(self, round_: int) -> list[Message]:
        """Nothing: each has all that it takes to complete its own ratings."""
        return []

    def begin_completion(self, rounds: int) -> None:
        """Remember with which round to complete."""
        self._completing = rounds

    def completed(self) -> Ratings:
        """All ratings of its users for its items; see `Participant.completed`."""
        rounds = len(self.rounds) if self._completing is None else self._completing
        if rounds == 0:
            return self._whole(self._base.block(*self.domain.shape))
        done, shared = self.rounds[rounds - 1], self.shared()
        x, y = done.rows, done.columns
        found = x[:, :1] + y[:, 0] + x[:, 1:] @ y[:, 1:].T
        return self._whole(self._as_scores(shared.mean + shared.spread * found))

    def kept(self) -> Arrays:
        """Factors, profiles and scores after the last round."""
        return {**self.shared().state(), "scores": self.scores}

    def take_up(self, arrays: Arrays) -> None:
        """Append a round; see `Participant.take_up`."""
        if arrays["scores"].shape != self.scores.shape:
            raise ValueError("scores have another shape")
        self.shared().restore({k: v for k, v in arrays.items() if k != "scores"})
        self.rounds.append(Swept(arrays["rows"].copy(), arrays["columns"].copy()))
        self.scores = arrays["scores"].copy()

    def shared(self) -> SharedFactors:
        """Its part of the factorisation; made when all peers are known."""
        if self._shared is None:
            counted = np.ones(self.domain.shape[0], dtype=bool)
            for name, peer in self.peers.items():
                if name < self.name:
                    counted[peer.rows] = False
            self._shared = SharedFactors(
                self.domain.train, self.domain.shape, self.settings.factors,
                self.settings.seed, counted, *self._known,
            )  # fmt: skip
        return self._shared

    def _knowledge(self) -> list[Message]:
        if self.domain.row_features is None:
            return []
        return [
            Knowledge(**self._head(name, 0), rows=peer.fingerprint, mark=self._mark_of(peer))
            for name, peer in self.peers.items()
        ]

    def _compare(self, message: Knowledge, peer: Peer) -> None:
        if message.round != 0 or message.sender in self._alike:
            raise message.refused("came twice or too late")
        if message.rows != peer.fingerprint:
            raise message.refused("for another set of rows than agreed upon")
        if self.domain.row_features is None or message.mark != self._mark_of(peer):
            raise message.refused(
                f"other side information of the {self.domain.rows.what}s in common than "
                f"{self.name!r} has: all must know the same of them. Give one table for all, or "
                "see where the tables differ",
                DisagreementError,
            )
        self._alike[message.sender] = message

    def _mark_of(self, peer: Peer) -> str:
        """Of what is known of the rows in common, together: of one row it could be guessed."""
        assert self.domain.row_features is not None
        return self._mark("rows", (self.domain.row_features[peer.rows] + 0.0).tobytes())

    def _features(self) -> str:
        """What is known of rows and columns, by name under the common key."""
        domain = self.domain
        parts = []
        for ids, features, names in (
            (domain.rows, domain.row_features, domain.row_feature_names),
            (domain.columns, domain.column_features, domain.column_feature_names),
        ):
            if features is not None:
                mark = self._mark("names", "\0".join(names).encode(errors="surrogatepass"))
                parts.append(f"{features.shape[1]} features of {ids.what}s ({mark[:16]})")
        return " and ".join(parts)

    def _mark(self, what: str, content: bytes) -> str:
        """Keyed hash that two with the same content have alike in this session."""
        said = f"{what} of {self.session}\0\0".encode() + content  # no id is hashed like this
        return hmac.new(self._key, said, hashlib.sha256).hexdigest()

    def _public(self) -> NDArray[np.uint8]:
        return self._secret.public()

    def _masked(self, own: Sums) -> _Masked:
        """Own part of sums, with a mask for each of those who add theirs."""
        parts = len(self.peers) + 1
        rows, totals = whole(own.rows, parts), whole(own.totals, parts)
        width, size = rows.shape[1], len(totals)
        for name, peer in self.peers.items():
            count = len(peer.rows) * width
            drawn = self._mask_with(name, peer, count + size)
            rows[peer.rows] += drawn[:count].reshape(len(peer.rows), width)
            totals += drawn[count:]
        return _Masked(rows, totals)

    def _mask_with(self, name: str, peer: Peer, count: int) -> Masked:
        """Numbers for this exchange; the peer's own are the same but for the sign."""
        where = self.session, len(self.rounds) + 1, self._exchange
        drawn = stream(self._secret_of(name, peer), *where, count=count)
        # the one adds what the other subtracts, modulo 2^64
        return ~drawn + np.uint64(1) if name < self.name else drawn

    def _secret_of(self, name: str, peer: Peer) -> bytes:
        if name not in self._secrets:
            try:
                self._secrets[name] = self._secret.shared_with(peer.public)
            except ValueError as error:
                raise ProtocolError(
                    f"alignment offer of organisation {name!r} to {self.name!r}: {error}"
                ) from error
        return self._secrets[name]

    def _contributions(self, own: _Masked) -> list[Contribution]:
        # those who share the same rows are told the same: it need not be there for each of them
        parts = {peer.fingerprint: peer.rows for peer in self.peers.values()}
        values = {rows: own.rows[positions] for rows, positions in parts.items()}
        return [
            Contribution(
                **self._head(name, len(self.rounds) + 1),
                rows=peer.fingerprint,
                exchange=self._exchange,
                values=values[peer.fingerprint],
                totals=own.totals,
            )
            for name, peer in self.peers.items()
        ]

    def _summed(self) -> Sums:
        """Own and others' contributions, added up: the masks cancel."""
        self._require(self._heard, f"contribution to exchange {self._exchange}")
        own = self._own
        assert own is not None
        rows, totals = own.rows.copy(), own.totals.copy()
        for name, peer in self.peers.items():
            rows[peer.rows] += self._heard[name].values
            totals += self._heard[name].totals
        self._heard.clear()
        return Sums(real(rows), real(totals))

    def _rescore(self) -> None:
        found = self.shared().scores(self._cells.rows, self._cells.columns)
        self.scores = self._as_scores(found)

    def _as_scores(self, found: NDArray[np.float64]) -> NDArray[np.float64]:
        """Ratings within their range; of likes, which were learned as 0 and 1, the logits."""
        if self.loss == "squared":
            values = self.domain.train.values
            return np.clip(found, values.min(), values.max())
        logits: NDArray[np.float64] = 4.0 * (found - 0.5)  # the tangent at one half
        return logits


def _known(domain: Domain, settings: Settings) -> list[Known]:
    """What is known of rows and columns; users' and items' features are held apart."""
    strengths = settings.factors.feature_regularizations(domain.align)
    return [
        Known.of(features, len(ids), f"{ids.what}s of organisation {domain.name!r}", strength)
        for features, ids, strength in zip(
            (domain.row_features, domain.column_features),
            (domain.rows, domain.columns),
            strengths,
            strict=True,
        )
    ]
