"""Predictions of a trained network: all pairs by matrix products, groups from their members'."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from learners.dmtl.encoding import Tables
from learners.dmtl.finishing import finished_head
from learners.dmtl.group_network import GroupNetwork, gather, softmax_by_group
from learners.dmtl.groups import Groups
from learners.dmtl.inputs import Known, build
from learners.dmtl.labels import Labels
from learners.dmtl.networks import Network, make_network, members_of
from learners.dmtl.paper_network import PaperNetwork
from learners.dmtl.settings import Settings
from learners.training.optimizers import Arrays, network_arrays, restore_network

_CELLS = 4_000_000  # computed together

Floats = NDArray[np.float32]


@dataclass(eq=False)
class Predictor:
    """A network with its inputs, ready to predict standardised ratings on the CPU."""

    network: Network
    tables: Tables
    known: Known
    encoded: tuple[Tensor, Tensor]

    @classmethod
    def of(cls, known: Known, settings: Settings, classes: int, arrays: Arrays) -> Predictor:
        """Set a network to its parameters and encode what is known.

        Raises
        ------
        InputError
            If the parameters do not fit.
        """
        network = make_network(known, settings, classes)
        restore_network(network, arrays, "the saved model")
        network.eval()
        tables = Tables.of(build(known, settings.inputs), torch.device("cpu"))
        with torch.no_grad():
            encoded = network.encode(tables)
        return cls(network, tables, known, encoded)

    @torch.no_grad()
    def pairs(self, users: NDArray[np.int64], items: NDArray[np.int64]) -> Floats:
        """Ratings of pairs, shape (pairs,)."""
        if isinstance(self.network, PaperNetwork) and self.network.axis == "items":
            distinct, row = np.unique(users, return_inverse=True)
            made: Floats = self._users(distinct)[row, items]
            return made
        step = _CELLS // 128
        found = [np.empty(0, dtype=np.float32)]
        for start in range(0, len(users), step):
            part = slice(start, start + step)
            rows, columns = torch.tensor(users[part]), torch.tensor(items[part])[:, None]
            ratings, _ = self.network.users(self.encoded, self.tables, rows, columns)
            found.append(ratings[:, 0].numpy())
        return np.concatenate(found)

    @torch.no_grad()
    def groups(self, groups: Groups, rows: NDArray[np.int64], mixed: bool = True) -> Floats:
        """Ratings of groups for all items.

        Parameters
        ----------
        groups : Groups
        rows : int64 array, shape (groups,)
            Place among the groups that were learned from, -1 for none.
        mixed : bool
            Whether members' own ratings are mixed in where there are some.

        Returns
        -------
        ratings : float32 array, shape (groups, items)
            The paper's network knows users only: of its predictions, the members' mean.
        """
        distinct, place = np.unique(groups.members, return_inverse=True)
        if isinstance(self.network, PaperNetwork):
            of_users = torch.tensor(self._users(distinct))
            return self._mean(groups, place, of_users)
        return self._of_members(self.network, groups, rows, distinct, place, mixed)

    @torch.no_grad()
    def classes(self, groups: Groups, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Probabilities of the classes, shape (groups, classes)."""
        network = self.network
        if isinstance(network, PaperNetwork):
            logits = self._paper_logits(network, groups)
        else:
            assert network.classes is not None
            logits = network.classes(self._profiles(network, groups, rows))
        found: NDArray[np.float64] = torch.softmax(logits.double(), dim=1).numpy()
        return found

    @torch.no_grad()
    def finish_head(self, groups: Groups, labels: Labels) -> Arrays:
        """Learn the profiling head to the end; see `finished_head`.

        Parameters
        ----------
        groups : Groups
            Those that were learned from, in that order.
        labels : Labels
            Of the users.

        Returns
        -------
        arrays : dict of str to array
            The parameters that are other than before; none in the paper's network, and where
            nobody has a label.
        """
        network = self.network
        shares = np.vstack([labels.shares, labels.of_groups(groups)])
        if not isinstance(network, GroupNetwork) or network.classes is None or not shares.any():
            return {}
        users = Groups.of_labels(np.arange(self.known.users))
        profiles = [
            self._profiles(network, asked, rows).numpy()
            for asked, rows in (
                (users, np.full(len(users), -1)),
                (groups, np.arange(len(groups))),
            )
        ]
        with torch.enable_grad():
            weight, bias = finished_head(np.vstack(profiles), shares)
        network.classes.weight.copy_(torch.tensor(weight))
        network.classes.bias.copy_(torch.tensor(bias))
        arrays = network_arrays(network)
        return {name: arrays[name] for name in ("classes.weight", "classes.bias")}

    def _profiles(self, network: GroupNetwork, groups: Groups, rows: NDArray[np.int64]) -> Tensor:
        """What classes are told by: sum over members of a_u p_u + o_g, shape (groups, h)."""
        members = members_of(groups, np.arange(len(groups)), torch.device("cpu"))
        h_u, _ = network.rater.activated(self.encoded[0][members.users])
        made = network.group_profiles(h_u, network.profiles(h_u), members)
        return made + self._own(network, rows)[0]

    def _of_members(
        self,
        network: GroupNetwork,
        groups: Groups,
        rows: NDArray[np.int64],
        distinct: NDArray[np.int64],
        place: NDArray[np.int64],
        mixed: bool,
    ) -> Floats:
        h_u, c_u = network.rater.activated(self.encoded[0][torch.tensor(distinct)])
        h_i, c_i = network.item.activated(self.encoded[1])
        of_user = c_u + network.profiles(h_u) @ network.item_profile(h_i).T
        of_user += network.base_raters[torch.tensor(distinct)] @ network.base_items.T
        if mixed:
            every = torch.arange(self.known.items).expand(len(distinct), -1)
            given = self.tables.ratings_of(torch.tensor(distinct), every)
            of_user = network.mixed(of_user, c_i[:, 0], *given)
        own, c_g = self._own(network, rows)
        ratings = own @ network.own_item_profile(h_i).T + c_g[:, None] + c_i[:, 0]
        of_groups = self._base_of_groups(network, rows)
        alone = torch.tensor(groups.sizes == 1) & torch.tensor(rows < 0)
        # a group of one that was never learned from is its member
        otherwise = network.group_shift + c_i[:, 1] + network.trust * of_groups
        ratings += torch.where(alone[:, None], 0.0, otherwise)
        gain = torch.where(alone, 1.0, network.gain)[:, None]
        if network.aggregation == "mean":
            made: Floats = (
                ratings + gain * torch.tensor(self._mean(groups, place, of_user))
            ).numpy()
            return made
        keys = network.key(h_i) if network.aggregation == "attention" else None
        scores = network.member_scores(h_u, of_user, keys)
        for first, last in self._chunks(groups):
            span = slice(groups.starts[first], groups.starts[last])
            member = torch.tensor(place[span])
            group = torch.tensor(np.repeat(np.arange(last - first), groups.sizes[first:last]))
            weights = softmax_by_group(scores[member], group, last - first)
            together = gather(weights * of_user[member], group, last - first)
            ratings[first:last] += gain[first:last] * together
        found: Floats = ratings.numpy()
        return found

    def _base_of_groups(self, network: GroupNetwork, rows: NDArray[np.int64]) -> Tensor:
        """B of groups, those that were not learned from as of strangers; shape (groups, items)."""
        known = torch.tensor(rows >= 0)[:, None]
        last = len(network.base_raters) - 1
        places = torch.tensor(np.minimum(np.maximum(rows, 0) + self.known.users, last))
        factors = torch.where(known, network.base_raters[places], network.stranger())
        return factors @ network.base_items.T

    def _own(self, network: GroupNetwork, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """o_g and c_g, zero for groups that were not learned from."""
        last = self.known.raters - 1
        raters = torch.tensor(np.minimum(np.maximum(rows, 0) + self.known.users, last))
        known = torch.tensor(rows >= 0)[:, None]
        return network.own_profiles(self.encoded, self.tables, raters, raters, None, known)

    def _mean(self, groups: Groups, place: NDArray[np.int64], of_user: Tensor) -> Floats:
        """Mean over the members, shape (groups, items)."""
        found = np.empty((len(groups), of_user.shape[1]), dtype=np.float32)
        for first, last in self._chunks(groups):
            span = slice(groups.starts[first], groups.starts[last])
            group = torch.tensor(np.repeat(np.arange(last - first), groups.sizes[first:last]))
            sums = gather(of_user[torch.tensor(place[span])], group, last - first)
            found[first:last] = sums.numpy() / groups.sizes[first:last, None]
        return found

    def _chunks(self, groups: Groups) -> list[tuple[int, int]]:
        """Bounds of runs of groups with a bounded number of members times items."""
        most = max(1, _CELLS // self.known.items)
        bounds, first = [], 0
        while first < len(groups):
            last = int(np.searchsorted(groups.starts, groups.starts[first] + most, "right")) - 1
            last = min(max(last, first + 1), len(groups))
            bounds.append((first, last))
            first = last
        return bounds

    def _users(self, users: NDArray[np.int64]) -> Floats:
        """Ratings of users for all items, shape (users, items)."""
        every = torch.arange(self.known.items)
        step = 1
        if not (isinstance(self.network, PaperNetwork) and self.network.axis == "items"):
            step = max(1, _CELLS // (8 * self.known.items))
        found = [np.empty((0, self.known.items), dtype=np.float32)]
        for start in range(0, len(users), step):
            rows = torch.tensor(users[start : start + step])
            columns = every.expand(len(rows), -1)
            found.append(self.network.users(self.encoded, self.tables, rows, columns)[0].numpy())
        return np.concatenate(found)

    def _paper_logits(self, network: PaperNetwork, groups: Groups) -> Tensor:
        """Mean of the pairs' logits over the members and the items that they rated.

        A user without ratings is asked about the first item.
        """
        ratings = self.known.of_users()
        bare = np.flatnonzero(np.bincount(ratings.rows, minlength=self.known.users) == 0)
        rows = np.concatenate([ratings.rows, bare])
        columns = np.concatenate([ratings.columns, np.zeros(len(bare), dtype=np.int64)])
        user, item = torch.tensor(rows), torch.tensor(columns)[:, None]
        logits = network.users(self.encoded, self.tables, user, item)[1]
        assert logits is not None
        of_users = gather(logits, user, self.known.users) / torch.bincount(user)[:, None]
        members = members_of(groups, np.arange(len(groups)), torch.device("cpu"))
        of_groups = gather(of_users[members.users], members.group, len(groups))
        return of_groups / members.sizes[:, None]
