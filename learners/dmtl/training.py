"""Training: equations 11 to 13, round by round, stopped on ratings held out for that."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from grouping.errors import GroupingError
from learners.dmtl.base import fit_base
from learners.dmtl.checkpoint import Checkpoint
from learners.dmtl.encoding import Tables
from learners.dmtl.group_network import GroupNetwork
from learners.dmtl.groups import Groups
from learners.dmtl.inputs import Known, build
from learners.dmtl.labels import Labels
from learners.dmtl.networks import Network, make_network, members_of
from learners.dmtl.paper_network import PaperNetwork
from learners.dmtl.sampling import Negatives, hold_out
from learners.dmtl.settings import Settings
from learners.entries import Entries
from learners.training import saving
from learners.training.devices import drawing_from
from learners.training.optimizers import (
    Arrays,
    network_arrays,
    optimizer_arrays,
    restore_network,
    restore_optimizer,
)
from learners.training.stopping import EarlyStop

Progress = Callable[[dict[str, Any]], None]

_FASTER = 5.0  # there are few steps in which to find how members make a group
_AT_ONCE = 2000  # ratings of the validation part predicted together
_NEGATIVES_TO_STOP_ON = 50


@dataclass
class Trained:
    """What training gave.

    Attributes
    ----------
    arrays : dict of str to array
        Parameters of the network.
    epochs : int
        Rounds that they were trained for.
    curve : list of dict
        By round: ``phase``, ``epoch``, ``recommendation`` and ``profiling`` (losses on what was
        learned from), ``validation`` (None without a validation part), ``seconds``.
    """

    arrays: Arrays
    epochs: int
    curve: list[dict[str, Any]] = field(default_factory=list)


def train(
    known: Known,
    groups: Groups,
    labels: Labels | None,
    settings: Settings,
    *,
    device: torch.device,
    progress: Progress | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    fingerprint: str = "",
) -> Trained:
    """Train a network.

    With a validation part and `settings.refit`, a first run chooses the number of rounds and a
    second one trains on all ratings for as many.

    Parameters
    ----------
    known : Known
        With all ratings that may be learned from.
    groups : Groups
        Those with ratings, in the order of their rows among the raters.
    labels : Labels or None
        Of the users; None trains without a profiling head.
    settings : Settings
    device : torch.device
    progress : callable, optional
        Told each line of the curve.
    checkpoint : path-like, optional
        Folder that is written after every round.
    resume : bool
        Whether to go on from the checkpoint, if there is one.
    fingerprint : str
        Of data and settings; a checkpoint of others is refused.

    Returns
    -------
    trained : Trained

    Raises
    ------
    InputError
        If a checkpoint is of other data or settings.
    GroupingError
        If the loss is no longer finite.
    """
    keeper = Checkpoint(checkpoint, fingerprint)
    state = keeper.read() if resume else None
    phase = "all"
    kept, held = known.ratings, Entries.none()
    if settings.validation:
        phase = "choose"
        kept, held = hold_out(known, settings.validation, settings.seed)
    curve: list[dict[str, Any]] = [] if state is None else list(state.document["curve"])
    if phase == "choose" and len(held):
        if state is None or state.document["phase"] == "choose":
            part = known.with_ratings(kept)
            run = _Run(part, held, groups, labels, settings, device, curve, phase)
            run.go(settings.epochs, progress, keeper, state)
            state = None
            chosen, arrays = run.stop.best_round + 1, run.best
        else:
            chosen, arrays = int(state.document["epochs"]), {}
        if not settings.refit:
            return Trained(arrays, chosen, curve)
    else:
        chosen = settings.epochs
    run = _Run(known, Entries.none(), groups, labels, settings, device, curve, "all")
    run.go(chosen, progress, keeper, state)
    return Trained(run.averaged(), chosen, curve)


class _Run:
    """One run of training over its rounds."""

    def __init__(
        self,
        known: Known,
        held: Entries,
        groups: Groups,
        labels: Labels | None,
        settings: Settings,
        device: torch.device,
        curve: list[dict[str, Any]],
        phase: str,
    ) -> None:
        self.known, self.groups, self.settings = known, groups, settings
        self.device, self.curve, self.phase = device, curve, phase
        self.network = make_network(known, settings, 0 if labels is None else len(labels.names))
        self.base: NDArray[np.float32] | None = None
        if isinstance(self.network, GroupNetwork) and settings.based:
            base = fit_base(known, settings.base_factors, settings.seed)
            self.network.set_base(base)
            self.base = base.held_out
        self.network.to(device)
        self.tables = Tables.of(build(known, settings.inputs), device)
        self.optimizer = _optimizer(self.network, settings)
        self.average = {n: p.detach().clone() for n, p in self.network.state_dict().items()}
        self.steps = 0
        self.stop = EarlyStop(settings.patience)
        self.best: Arrays = {}
        self.negatives = Negatives(known)
        of_user = known.ratings.rows < known.users
        self.of_users = np.flatnonzero(of_user)
        # the paper's network knows users only
        self.of_groups = np.flatnonzero(~of_user & (settings.network == "group"))
        self.standard = known.scale.standard(known.ratings.values)
        self.user_labels = self.group_labels = None
        if labels is not None:
            self.user_labels = torch.tensor(labels.shares, device=device)
            self.group_labels = torch.tensor(labels.of_groups(groups), device=device)
        self.held = self._validation(held)

    def go(
        self,
        epochs: int,
        progress: Progress | None,
        keeper: Checkpoint,
        state: saving.Saved | None,
    ) -> None:
        first = 0
        if state is not None:
            first = self._restore(state)
        for epoch in range(first, epochs):
            if self.stop.due:
                break
            started = time.perf_counter()
            line: dict[str, Any] = {"phase": self.phase, "epoch": epoch + 1}
            line |= self._round(epoch)
            line["validation"] = None
            if self.held:
                line["validation"] = self._validate()
                if self.stop.is_best(line["validation"]):
                    self.best = self.averaged()
            line["seconds"] = time.perf_counter() - started
            told = [line["recommendation"], line["profiling"], line["validation"] or 0.0]
            if not all(map(math.isfinite, told)):
                raise GroupingError(
                    f"training went astray in epoch {epoch + 1}: the loss is no longer finite; "
                    "lower the learning rate"
                )
            self.curve.append(line)
            if keeper.folder is not None:
                keeper.write(self._document(epoch + 1), self._arrays())
            if progress is not None:
                progress(line | {"epochs": epochs, "best": self.stop.best_round + 1})
        if self.held and not self.best:
            self.best, self.stop.best_round = self.averaged(), max(self.stop.round, 0)

    def averaged(self) -> Arrays:
        """Parameters that predict: their running mean, or the last ones without averaging."""
        if not self.settings.averaging:
            return network_arrays(self.network)
        return {name: t.cpu().numpy().copy() for name, t in self.average.items()}

    def _round(self, epoch: int) -> dict[str, float]:
        """Learn from every rating once."""
        settings = self.settings
        rng = np.random.default_rng([settings.seed, 2, epoch])
        users, groups = rng.permutation(self.of_users), rng.permutation(self.of_groups)
        longest = max(len(users), len(groups))
        count = max(1, math.ceil(longest / settings.batch_of(longest)))
        self.network.train()
        totals = {"recommendation": 0.0, "profiling": 0.0}
        with drawing_from(settings.seed, 2, epoch):
            for of_users, of_groups in zip(
                np.array_split(users, count), np.array_split(groups, count), strict=True
            ):
                recommending, profiling = self._losses(of_users, of_groups, rng)
                loss = recommending + settings.profile_weight * profiling  # (11)
                self.optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                self.optimizer.step()
                self._average()
                totals["recommendation"] += float(recommending.detach()) / count
                totals["profiling"] += float(profiling.detach()) / count
        return totals

    def _losses(
        self, of_users: NDArray[np.int64], of_groups: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        recommending, profiling = torch.zeros((), device=self.device), []
        encoded = self.network.encode(self.tables)
        for chosen, weight, by_group in (
            (of_users, 1.0, False),
            (of_groups, self.settings.group_weight, True),
        ):
            if not len(chosen):
                continue
            raters = self.known.ratings.rows[chosen]
            items = self.known.ratings.columns[chosen][:, None]
            if self.settings.loss == "ranking":
                drawn = self.negatives.draw(raters, self.settings.negatives, rng)
                items = np.hstack([items, drawn])
            standard = torch.tensor(self.standard[chosen], device=self.device)
            left_out = standard if self.settings.leaves_out else None
            base = None
            if self.base is not None:
                base = torch.tensor(self.base[chosen], device=self.device)[:, None]
            ratings, logits = self._predict(encoded, raters, items, by_group, left_out, base)
            recommending = recommending + weight * self._recommending(ratings, standard)
            if logits is not None:
                profiling.append(self._profiling(logits, raters, by_group))
        lost = torch.stack(profiling).mean() if profiling else torch.zeros((), device=self.device)
        return recommending, lost

    def _predict(
        self,
        encoded: tuple[Tensor, Tensor],
        raters: NDArray[np.int64],
        items: NDArray[np.int64],
        by_group: bool,
        left_out: Tensor | None,
        base: Tensor | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        rows, columns = (torch.tensor(v, device=self.device) for v in (raters, items))
        network = self.network
        if isinstance(network, PaperNetwork):
            return network.users(encoded, self.tables, rows, columns, left_out)
        if not by_group:
            return network.users(encoded, self.tables, rows, columns, left_out, base)
        members = members_of(self.groups, raters - self.known.users, self.device)
        return network.groups(encoded, self.tables, members, rows, columns, left_out, base)

    def _recommending(self, ratings: Tensor, standard: Tensor) -> Tensor:
        """Equation 12, or the cross-entropy of the rated item among the drawn ones."""
        if self.settings.loss == "squared":
            return torch.mean((standard - ratings[:, 0]) ** 2)
        return torch.mean(torch.logsumexp(ratings, dim=1) - ratings[:, 0])

    def _profiling(self, logits: Tensor, raters: NDArray[np.int64], by_group: bool) -> Tensor:
        """Equation 13, over the raters of the batch that have a label."""
        labels = self.group_labels if by_group else self.user_labels
        assert labels is not None
        places = torch.tensor(raters - (self.known.users if by_group else 0), device=self.device)
        true = labels[places]
        labelled = true.sum(dim=1)
        crossed = -(true * functional.log_softmax(logits, dim=1)).sum(dim=1)
        return crossed.sum() / labelled.sum().clamp(min=1.0)

    def _average(self) -> None:
        """Running mean of the parameters, which starts as their plain mean."""
        self.steps += 1
        if self.settings.averaging:
            kept = min(self.settings.averaging, self.steps / (self.steps + 9))
            with torch.no_grad():
                for name, parameter in self.network.named_parameters():
                    self.average[name].mul_(kept).add_(parameter, alpha=1.0 - kept)

    def _validation(self, held: Entries) -> tuple[Entries, NDArray[np.int64]] | None:
        """What to stop on: groups' ratings where there are some, else users'."""
        if not len(held):
            return None
        by_group = held.rows >= self.known.users
        use_groups = self.settings.network == "group" and bool(by_group.any())
        kept = held.where(by_group if use_groups else ~by_group)
        if not len(kept):
            return None
        items = kept.columns[:, None]
        if self.settings.loss == "ranking":
            self.negatives.avoid(held)
            rng = np.random.default_rng([self.settings.seed, 3])
            drawn = self.negatives.draw(kept.rows, _NEGATIVES_TO_STOP_ON, rng)
            items = np.hstack([items, drawn])
        return kept, items

    def _validate(self) -> float:
        assert self.held is not None
        kept, items = self.held
        living = self.network.state_dict()
        if self.settings.averaging:
            living = {name: t.clone() for name, t in living.items()}
            self.network.load_state_dict(self.average)
        self.network.eval()
        with torch.no_grad():
            encoded = self.network.encode(self.tables)
            by_group = bool(kept.rows[0] >= self.known.users)
            ratings = [
                self._predict(encoded, rows, columns, by_group, None)[0]
                for rows, columns in zip(
                    _batches(kept.rows),
                    _batches(items),
                    strict=True,
                )
            ]
            standard = torch.tensor(self.known.scale.standard(kept.values), device=self.device)
            loss = float(self._recommending(torch.cat(ratings), standard))
        if self.settings.averaging:
            self.network.load_state_dict(living)
        return loss

    def _document(self, epoch: int) -> dict[str, Any]:
        """What a checkpoint says beside its arrays, after so many epochs."""
        validated = [line["validation"] for line in self.curve if line["phase"] == "choose"]
        return {
            "phase": self.phase,
            "epoch": epoch,
            "epochs": int(np.nanargmin(validated)) + 1 if validated else self.settings.epochs,
            "steps": self.steps,
            "stop": self.stop.state(),
            "curve": self.curve,
        }

    def _arrays(self) -> Arrays:
        """All arrays that a checkpoint holds."""
        return {
            **_prefixed("network", network_arrays(self.network)),
            **_prefixed("average", {n: t.cpu().numpy() for n, t in self.average.items()}),
            **_prefixed("optimizer", optimizer_arrays(self.optimizer)),
            **_prefixed("best", self.best),
        }

    def _restore(self, state: saving.Saved) -> int:
        restore_network(self.network, _unprefixed("network", state.arrays), state.source)
        restore_optimizer(self.optimizer, _unprefixed("optimizer", state.arrays))
        for name, array in _unprefixed("average", state.arrays).items():
            self.average[name] = torch.tensor(array, device=self.device)
        self.best = _unprefixed("best", state.arrays)
        self.stop.restore(state.document["stop"])
        self.steps = int(state.document["steps"])
        return int(state.document["epoch"])


def _optimizer(network: Network, settings: Settings) -> torch.optim.Optimizer:
    """AdamW; only matrices decay, and single numbers, such as G, learn faster than they."""
    matrices, vectors, numbers = (
        [p for p in network.parameters() if min(p.dim(), 2) == dim] for dim in (2, 1, 0)
    )
    rate = settings.rate
    groups: list[dict[str, Any]] = [
        {"params": matrices, "weight_decay": settings.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
        {"params": numbers, "weight_decay": 0.0, "lr": _FASTER * rate},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=rate)


def _batches(array: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [array[start : start + _AT_ONCE] for start in range(0, len(array), _AT_ONCE)]


def _prefixed(prefix: str, arrays: Arrays) -> Arrays:
    return {f"{prefix}/{name}": array for name, array in arrays.items()}


def _unprefixed(prefix: str, arrays: Arrays) -> Arrays:
    start = f"{prefix}/"
    return {name[len(start) :]: a for name, a in arrays.items() if name.startswith(start)}
