"""DMTL as written: equations 1 to 10 of Le and Abel (CSCWD 2025), for one user and one item."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from learners.dmtl.encoding import Encoder, Tables, item_cells, rater_cells
from learners.dmtl.inputs import Inputs
from learners.dmtl.settings import Settings


class PaperNetwork(nn.Module):
    """The paper's network, symbol by symbol.

    ======== ============================== =====================================================
    equation symbol                         here
    ======== ============================== =====================================================
    1        W_u, b_u, h_u                  ``user.weight`` (transposed), ``user.shift``
    2        W_i, b_i, h_i                  ``item.weight`` (transposed), ``item.shift``
    3        W_concat, b_concat             one matrix for both terms, as printed
    4        W_attn, b_attn
    5        W_score, b_score, alpha_u      softmax over ``settings.softmax``
    6        h_attn_item = alpha_u * h_i
    7        h_combined = h_u + h_attn_item
    8        W_shared, b_shared, z_g
    9        W_profile, b_profile, p_g      h = ``settings.profile_size`` components, else C
    10       W_rec, W_item, b_rec           e_i, which the paper does not define, is h_i
    13       y_hat                          softmax of p_g if h = C, else of ``W_class`` p_g
    ======== ============================== =====================================================

    All hidden layers have ``settings.size`` components: equations 6 and 7 ask h_u, h_i and
    alpha_u to have equally many. The paper never says how a group's members enter; here g is
    one user.

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
        h = settings.profile_size or classes or d
        self.axis = settings.softmax
        self.dropout = settings.dropout
        self.user = Encoder(inputs.widths[0], d, linear=0)
        self.item = Encoder(inputs.widths[1], d, linear=0)
        self.W_concat, self.b_concat = _layer(d, d)
        self.W_attn, self.b_attn = _layer(d, d)
        self.W_score, self.b_score = _layer(d, d)
        self.W_shared, self.b_shared = _layer(d, d)
        self.W_profile, self.b_profile = _layer(d, h)
        self.W_rec, self.b_rec = _layer(h, 1)
        self.W_item, _ = _layer(d, 1)
        self.W_class = None
        if classes and classes != h:
            self.W_class, _ = _layer(h, classes)
        self.profiles = bool(classes)

    def encode(self, tables: Tables) -> tuple[Tensor, Tensor]:
        """W_u x_u of all users and W_i x_i of all items."""
        return self.user(tables.raters), self.item(tables.items)

    def users(
        self,
        encoded: tuple[Tensor, Tensor],
        tables: Tables,
        users: Tensor,
        items: Tensor,
        left_out: Tensor | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """Predict ratings of pairs, and say which class the user is of.

        Parameters
        ----------
        encoded : tensors
            As `encode` gave.
        tables : Tables
        users : int64 tensor, shape (batch,)
        items : int64 tensor, shape (batch, candidates)
        left_out : tensor, shape (batch,), optional
            Standardised ratings of the first candidates, to be taken out of the inputs.

        Returns
        -------
        ratings : tensor, shape (batch, candidates)
            Standardised.
        logits : tensor, shape (batch, classes), or None
            Of the first candidate's pair: in the paper z_g, and so p_g, depends on the item.
        """
        of_user, of_item = encoded[0][users], encoded[1][items]
        if left_out is not None:
            cells, scale = rater_cells(tables, users, items[:, 0]), tables.rater_scale[users]
            of_user = self.user.without(of_user, cells, left_out, scale)
            first = self.item.without(
                of_item[:, 0],
                item_cells(tables, users),
                left_out,
                tables.item_scale[items[:, 0]],
            )
            of_item = torch.cat([first[:, None], of_item[:, 1:]], dim=1)
        h_u, _ = self.user.activated(of_user[:, None], self.dropout)  # (1)
        h_i, _ = self.item.activated(of_item, self.dropout)  # (2)
        return self.heads(h_u, h_i)

    def heads(self, h_u: Tensor, h_i: Tensor) -> tuple[Tensor, Tensor | None]:
        """Equations 3 to 10.

        Parameters
        ----------
        h_u : tensor, shape (batch, 1, d)
        h_i : tensor, shape (batch, candidates, d)

        Returns
        -------
        ratings : tensor, shape (batch, candidates)
        logits : tensor, shape (batch, classes), or None
        """
        linear = functional.linear
        both = linear(h_u, self.W_concat) + linear(h_i, self.W_concat)
        h_concat = both + self.b_concat  # (3)
        h_attn = torch.relu(linear(h_concat, self.W_attn, self.b_attn))  # (4)
        alpha_u = self._softmax(linear(h_attn, self.W_score, self.b_score))  # (5)
        h_attn_item = alpha_u * h_i  # (6)
        h_combined = h_u + h_attn_item  # (7)
        z_g = torch.relu(linear(h_combined, self.W_shared, self.b_shared))  # (8)
        p_g = linear(z_g, self.W_profile, self.b_profile)  # (9)
        e_i = h_i
        ratings = linear(p_g, self.W_rec) + linear(e_i, self.W_item) + self.b_rec  # (10)
        logits = None
        if self.profiles:
            logits = p_g[:, 0] if self.W_class is None else linear(p_g[:, 0], self.W_class)
        return ratings.squeeze(-1), logits

    def _softmax(self, scores: Tensor) -> Tensor:
        if self.axis == "components":
            return torch.softmax(scores, dim=-1)
        flat = scores.reshape(-1, scores.shape[-1])
        return torch.softmax(flat, dim=0).reshape(scores.shape)


def _layer(given: int, made: int) -> tuple[nn.Parameter, nn.Parameter]:
    """Weight and bias of a layer, drawn as torch draws them."""
    layer = nn.Linear(given, made)
    return nn.Parameter(layer.weight.detach()), nn.Parameter(layer.bias.detach())
