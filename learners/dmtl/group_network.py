"""DMTL made right for groups: a group is its members, of any number, seen before or not."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from learners.dmtl.base import EXTRA, Base
from learners.dmtl.encoding import Encoder, Tables, item_cells, rater_cells
from learners.dmtl.inputs import Inputs
from learners.dmtl.settings import Settings


@dataclass(frozen=True, eq=False)
class Members:
    """Members of a batch of groups, one after the other.

    Attributes
    ----------
    users : int64 tensor, shape (memberships,)
    group : int64 tensor, shape (memberships,)
        Place of the group in the batch.
    sizes : float tensor, shape (groups,)
    """

    users: Tensor
    group: Tensor
    sizes: Tensor


@dataclass(frozen=True, eq=False)
class Candidates:
    """h_i of the items that a batch asks about.

    The first candidate of each row may have had a rating taken out of its inputs, so that its h_i
    is the row's own; all other rows of an item are alike, and are computed once where that is less.

    Attributes
    ----------
    first : tensor, shape (batch, d), or None
    others : tensor, shape (items, d) or (batch, other candidates, d)
    place : int64 tensor, shape (batch, other candidates), or None
        Rows of `others`; None: they stand as they are asked about.
    """

    first: Tensor | None
    others: Tensor
    place: Tensor | None

    def through(self, layer: Callable[[Tensor], Tensor]) -> Tensor:
        """What a layer makes of h_i; shape (batch, candidates, components)."""
        made = layer(self.others)
        if self.place is not None:
            made = made[self.place]
        return made if self.first is None else torch.cat([layer(self.first)[:, None], made], 1)


class GroupNetwork(nn.Module):
    """A group's profile is made of its members' profiles, and rates items.

    With the paper's numbers where an equation is kept::

        (1)   h_u = ReLU(W_u x_u + b_u)
        (2)   h_i = ReLU(W_i x_i + b_i)
        (8')  z_u = ReLU(W_shared h_u + b_shared) + h_u
        (9)   p_u = W_profile z_u + b_profile
        (G1)  a_ui: weights of the members u of g for item i, which sum to 1:
              mean       1 / |g|
              attention  softmax over u of  (Q h_u) . (K h_i) / sqrt(d) + s . h_u
              min        softmax over u of  -t r_ui, t > 0 learned: a soft least misery
        (G2)  p_gi = sum_u a_ui p_u
        (G3)  o_g = W_own ReLU(W_g x_g), 0 for a group without ratings of its own
        (G4)  r_ui = B_ui + c_u + c_i + p_u . e_i, mixed with u's own rating of i where there is
              one: (1 - m) r_ui + m (own rating), 0 < m < 1 learned
        (10') r_gi = G sum_u a_ui (r_ui - c_i) + T B_gi + o_g . f_i + c_g + c_i + c'_i + b_group
              with e_i = W_item h_i + b_item, f_i = W'_item h_i + b'_item, c linear in x, and B
              the predictions of a matrix factorisation (`Base`; 0 without one)
        (13)  classes by softmax(W_class (sum_u a_u p_u + o_g) + b_class), a_u without an item

    Where no own rating is mixed in, the sum is p_gi . e_i of equation 10. A user's rating is
    learned as r_ui before mixing, so one set of weights learns from users' and from groups'
    ratings; b_group and c'_i say how groups rate otherwise. With loss "ranking", where all
    ratings are alike, nothing is mixed in.

    What differs from the paper: attention is over members, not over components; p_g does not
    depend on the item when it tells the class; equation 10's sum is a product, since with a sum
    all groups would rank the items alike but for equation 6.

    Parameters
    ----------
    inputs : Inputs
    settings : Settings
    classes : int
        C; 0: no profiling head.
    """

    def __init__(self, inputs: Inputs, settings: Settings, classes: int) -> None:
        super().__init__()
        d = settings.size
        h = settings.profile_size or d
        self.aggregation = settings.aggregation
        self.dropout, self.own_dropout = settings.dropout, settings.own_dropout
        self.rater = Encoder(inputs.widths[0], d, linear=1)
        self.item = Encoder(inputs.widths[1], d, linear=2)
        self.shared = nn.Linear(d, d)
        self.profile = nn.Linear(d, h)
        self.item_profile = nn.Linear(d, h)
        self.own = nn.Linear(d, h, bias=False)
        self.own_item_profile = nn.Linear(d, h)
        self.mixes = settings.loss == "squared"
        # starts near 0.9: of what a member likes, the own rating says most
        self.mixing = nn.Parameter(torch.full((), 2.0))
        self.gain = nn.Parameter(torch.ones(()))
        self.trust = nn.Parameter(torch.zeros(()))
        width = settings.base_factors + EXTRA if settings.based else 0
        self.base_raters: Tensor
        self.base_items: Tensor
        self.register_buffer("base_raters", torch.zeros(inputs.raters.shape[0], width))
        self.register_buffer("base_items", torch.zeros(inputs.items.shape[0], width))
        self.group_shift = nn.Parameter(torch.zeros(()))
        if self.aggregation == "attention":
            self.query = nn.Linear(d, d, bias=False)
            self.key = nn.Linear(d, d, bias=False)
            self.salience = nn.Linear(d, 1, bias=False)
        if self.aggregation == "min":
            self.sharpness = nn.Parameter(torch.zeros(()))
        self.classes = nn.Linear(h, classes) if classes else None

    def set_base(self, base: Base) -> None:
        """Correct these predictions from now on."""
        self.base_raters.copy_(torch.tensor(base.raters))
        self.base_items.copy_(torch.tensor(base.items))

    def base(self, raters: Tensor, items: Tensor) -> Tensor:
        """B of pairs.

        Parameters
        ----------
        raters : int64 tensor, shape (batch,)
            -1: a rater of whom nothing is known.
        items : int64 tensor, shape (batch, candidates)

        Returns
        -------
        ratings : tensor, shape (batch, candidates)
        """
        if not self.base_raters.shape[1]:
            return torch.zeros(items.shape, device=items.device)
        known = self.base_raters[raters.clamp(min=0)]
        rows = torch.where(raters[:, None] >= 0, known, self.stranger())
        return torch.einsum("bf,bcf->bc", rows, self.base_items[items])

    def stranger(self) -> Tensor:
        """Base factors of a rater of whom nothing is known, shape (factors + 2,)."""
        factors = torch.zeros_like(self.base_items[0])
        factors[1:EXTRA] = 1.0
        return factors

    def encode(self, tables: Tables) -> tuple[Tensor, Tensor]:
        """W x of all raters and of all items, the linear terms last."""
        return self.rater(tables.raters), self.item(tables.items)

    def users(
        self,
        encoded: tuple[Tensor, Tensor],
        tables: Tables,
        users: Tensor,
        items: Tensor,
        left_out: Tensor | None = None,
        base: Tensor | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """Predict users' ratings.

        Parameters
        ----------
        encoded, tables, users, items, left_out
            As for `PaperNetwork.users`.
        base : tensor, shape (batch, candidates), optional
            B of the pairs, where it is not that of the factors.

        Returns
        -------
        ratings : tensor, shape (batch, candidates)
            Standardised.
        logits : tensor, shape (batch, classes), or None
        """
        of_user = encoded[0][users]
        if left_out is not None:
            cells, scale = rater_cells(tables, users, items[:, 0]), tables.rater_scale[users]
            of_user = self.rater.without(of_user, cells, left_out, scale)
        h_u, c_u = self.rater.activated(of_user, self.dropout)
        p_u = self.profiles(h_u)
        candidates, c_i = self._items(encoded, tables, users, items, left_out)
        e_i = candidates.through(self.item_profile)
        base = self.base(users, items) if base is None else base
        ratings = base + c_u + c_i[..., 0] + torch.einsum("bh,bch->bc", p_u, e_i)
        return ratings, None if self.classes is None else self.classes(p_u)

    def groups(
        self,
        encoded: tuple[Tensor, Tensor],
        tables: Tables,
        members: Members,
        raters: Tensor,
        items: Tensor,
        left_out: Tensor | None = None,
        base: Tensor | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """Predict groups' ratings.

        Parameters
        ----------
        encoded : tensors
            As `encode` gave.
        tables : Tables
        members : Members
        raters : int64 tensor, shape (batch,)
            Each group's row among the raters.
        items : int64 tensor, shape (batch, candidates)
        left_out : tensor, shape (batch,), optional
            Standardised ratings of the first candidates, to be taken out of the inputs.
        base : tensor, shape (batch, candidates), optional
            B of the groups, where it is not that of the factors.

        Returns
        -------
        ratings : tensor, shape (batch, candidates)
            Standardised.
        logits : tensor, shape (batch, classes), or None
        """
        h_u, c_u = self.rater.activated(encoded[0][members.users], self.dropout)
        p_u = self.profiles(h_u)
        candidates, c_i = self._items(encoded, tables, raters, items, left_out)
        e_i, f_i = map(candidates.through, (self.item_profile, self.own_item_profile))
        of_member = c_u + torch.einsum("uh,uch->uc", p_u, e_i[members.group])
        of_member = of_member + self.base(members.users, items[members.group])
        given = tables.ratings_of(members.users, items[members.group])
        of_member = self.mixed(of_member, c_i[members.group][..., 0], *given)
        asked = None
        if self.aggregation == "attention":
            asked = candidates.through(self.key)[members.group]
        scores = self.member_scores(h_u, of_member, asked)
        weights = softmax_by_group(scores, members.group, len(items))
        of_members = gather(weights * of_member, members.group, len(items))
        kept = self._kept(raters)
        own, c_g = self.own_profiles(encoded, tables, raters, items[:, 0], left_out, kept)
        base = self.base(raters, items) if base is None else base
        base = torch.where(kept, base, self.base(torch.full_like(raters, -1), items))
        ratings = self.gain * of_members + self.trust * base
        ratings = ratings + torch.einsum("bh,bch->bc", own, f_i)
        ratings = ratings + c_g[:, None] + c_i.sum(dim=-1) + self.group_shift
        if self.classes is None:
            return ratings, None
        return ratings, self.classes(self.group_profiles(h_u, p_u, members) + own)

    def profiles(self, h_u: Tensor) -> Tensor:
        """Equations 8' and 9: p_u, shape (..., h)."""
        z_u = torch.relu(self.shared(h_u)) + h_u
        made: Tensor = self.profile(z_u)
        return made

    def mixed(self, of_member: Tensor, c_i: Tensor, values: Tensor, given: Tensor) -> Tensor:
        """(G4) less c_i: members' predicted ratings, their own ones mixed in.

        Parameters
        ----------
        of_member : tensor, shape (members, items)
            Predicted, without c_i.
        c_i : tensor, shape (members, items) or (items,)
        values : tensor, shape (members, items)
            Own ratings, standardised.
        given : bool tensor, shape (members, items)
            Where there are own ratings.

        Returns
        -------
        mixed : tensor, shape (members, items)
        """
        if not self.mixes:
            return of_member
        share = torch.sigmoid(self.mixing) * given
        return (1.0 - share) * of_member + share * (values - c_i)

    def member_scores(self, h_u: Tensor, ratings: Tensor, keys: Tensor | None) -> Tensor:
        """What the members' weights are a softmax of.

        Parameters
        ----------
        h_u : tensor, shape (members, d)
        ratings : tensor, shape (members, items)
            The members' own.
        keys : tensor, shape (members, items, d) or (items, d), or None
            K h_i, for attention.

        Returns
        -------
        scores : tensor, shape (members, items)
        """
        if self.aggregation == "min":
            return -torch.exp(self.sharpness) * ratings
        if keys is None:
            return torch.zeros_like(ratings)
        asked = self.query(h_u) / math.sqrt(h_u.shape[-1])
        shape = "ud,id->ui" if keys.dim() == 2 else "ud,uid->ui"
        met: Tensor = torch.einsum(shape, asked, keys) + self.salience(h_u)
        return met

    def group_profiles(self, h_u: Tensor, p_u: Tensor, members: Members) -> Tensor:
        """Sum over members of a_u p_u, shape (groups, h); the weights know no item."""
        if self.aggregation == "attention":
            weights = softmax_by_group(self.salience(h_u), members.group, len(members.sizes))
        else:
            weights = (1.0 / members.sizes)[members.group][:, None]
        return gather(weights * p_u, members.group, len(members.sizes))

    def own_profiles(
        self,
        encoded: tuple[Tensor, Tensor],
        tables: Tables,
        raters: Tensor,
        items: Tensor,
        left_out: Tensor | None,
        kept: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """(G3): o_g, shape (groups, h), and c_g, shape (groups,); 0 where `kept` is not set."""
        before = encoded[0][raters]
        if left_out is not None:
            cells, scale = rater_cells(tables, raters, items), tables.rater_scale[raters]
            before = self.rater.without(before, cells, left_out, scale)
        before = before * kept
        d = self.rater.size
        h_g = torch.relu(before[:, :d])
        if self.training and self.dropout:
            h_g = torch.dropout(h_g, self.dropout, True)
        return self.own(h_g), before[:, d]

    def _kept(self, raters: Tensor) -> Tensor:
        """Which groups' own past is looked at: while training, not all; shape (groups, 1)."""
        if not self.training:
            return torch.ones(len(raters), 1, dtype=torch.bool, device=raters.device)
        return torch.rand(len(raters), 1, device=raters.device) >= self.own_dropout

    def _items(
        self,
        encoded: tuple[Tensor, Tensor],
        tables: Tables,
        raters: Tensor,
        items: Tensor,
        left_out: Tensor | None,
    ) -> tuple[Candidates, Tensor]:
        """h_i of the candidates, and c_i and c'_i, shape (batch, candidates, 2)."""
        first, linear = None, []
        others = items
        if left_out is not None:
            scale = tables.item_scale[items[:, 0]]
            cells = item_cells(tables, raters)
            before = self.item.without(encoded[1][items[:, 0]], cells, left_out, scale)
            first, of_first = self.item.activated(before, self.dropout)
            linear.append(of_first[:, None])
            others = items[:, 1:]
        if others.numel() > len(encoded[1]):
            h_i, of_items = self.item.activated(encoded[1], self.dropout)
            candidates = Candidates(first, h_i, others)
            linear.append(of_items[others])
        else:
            h_i, of_others = self.item.activated(encoded[1][others], self.dropout)
            candidates = Candidates(first, h_i, None)
            linear.append(of_others)
        return candidates, torch.cat(linear, dim=1)


def gather(rows: Tensor, group: Tensor, count: int) -> Tensor:
    """Sum rows by group.

    Parameters
    ----------
    rows : tensor, shape (members, ...)
    group : int64 tensor, shape (members,)
    count : int
        Groups.

    Returns
    -------
    sums : tensor, shape (count, ...)
    """
    return torch.zeros((count, *rows.shape[1:]), dtype=rows.dtype, device=rows.device).index_add(
        0, group, rows
    )


def softmax_by_group(scores: Tensor, group: Tensor, count: int) -> Tensor:
    """Softmax over the members of each group.

    Parameters
    ----------
    scores : tensor, shape (members, columns)
    group : int64 tensor, shape (members,)
    count : int
        Groups.

    Returns
    -------
    weights : tensor, shape (members, columns)
    """
    places = group[:, None].expand_as(scores)
    highest = torch.full((count, scores.shape[1]), -math.inf, device=scores.device)
    highest = highest.scatter_reduce(0, places, scores.detach(), "amax")
    raised = torch.exp(scores - highest[group])
    return raised / gather(raised, group, count)[group]
