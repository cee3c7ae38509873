"""DMTL's equations one number at a time, from the network's parameters and dense inputs."""

from __future__ import annotations

import numpy as np


def parameters(network):
    return {name: t.detach().double().numpy() for name, t in network.state_dict().items()}


def relu(values):
    return np.maximum(values, 0)


def softmax(values, axis=-1):
    raised = np.exp(values - values.max(axis=axis, keepdims=True))
    return raised / raised.sum(axis=axis, keepdims=True)


def paper(network, x_u, x_i):
    """Rating and logits of one user and one item: equations 1 to 10, symbols as printed."""
    w = parameters(network)
    h_u = relu(w["user.weight"].T @ x_u + w["user.shift"])
    h_i = relu(w["item.weight"].T @ x_i + w["item.shift"])
    h_concat = w["W_concat"] @ h_u + w["W_concat"] @ h_i + w["b_concat"]
    h_attn = relu(w["W_attn"] @ h_concat + w["b_attn"])
    alpha_u = softmax(w["W_score"] @ h_attn + w["b_score"])
    h_combined = h_u + alpha_u * h_i
    z_g = relu(w["W_shared"] @ h_combined + w["b_shared"])
    p_g = w["W_profile"] @ z_g + w["b_profile"]
    rating = w["W_rec"] @ p_g + w["W_item"] @ h_i + w["b_rec"]
    logits = p_g if "W_class" not in w else w["W_class"] @ p_g
    return float(rating[0]), logits


def member(w, x_u):
    """h_u, c_u and p_u of a user."""
    d = len(w["rater.shift"])
    before = w["rater.weight"].T @ x_u
    h_u = relu(before[:d] + w["rater.shift"])
    z_u = relu(w["shared.weight"] @ h_u + w["shared.bias"]) + h_u
    return h_u, before[d], w["profile.weight"] @ z_u + w["profile.bias"]


def item(w, x_i):
    """h_i, c_i, c'_i, e_i and f_i of an item."""
    d = len(w["item.shift"])
    before = w["item.weight"].T @ x_i
    h_i = relu(before[:d] + w["item.shift"])
    e_i = w["item_profile.weight"] @ h_i + w["item_profile.bias"]
    f_i = w["own_item_profile.weight"] @ h_i + w["own_item_profile.bias"]
    return h_i, before[d], before[d + 1], e_i, f_i


def group(network, members, x_g, x_i, own_ratings=None, base=None):
    """Rating and logits of one group, given its members' inputs and its own (None: none).

    `own_ratings` are the members' standardised ratings of the item, NaN where there is none;
    `base` is B of the members and of the group.
    """
    w = parameters(network)
    h_i, c_i, other, e_i, f_i = item(w, x_i)
    of_members = [member(w, x_u) for x_u in members]
    ratings = np.array([c_u + p_u @ e_i for _, c_u, p_u in of_members])
    of_group = 0.0
    if base is not None:
        ratings, of_group = ratings + base[0], w["trust"] * base[1]
    if own_ratings is not None:
        share = 1 / (1 + np.exp(-w["mixing"])) * ~np.isnan(own_ratings)
        ratings = (1 - share) * ratings + share * (np.nan_to_num(own_ratings) - c_i)
    scores, alone = np.zeros(len(members)), np.zeros(len(members))
    if network.aggregation == "min":
        scores = -np.exp(w["sharpness"]) * ratings
    if network.aggregation == "attention":
        d = len(h_i)
        alone = np.array([(w["salience.weight"] @ h_u)[0] for h_u, _, _ in of_members])
        key = w["key.weight"] @ h_i
        met = [(w["query.weight"] @ h_u) @ key / np.sqrt(d) for h_u, _, _ in of_members]
        scores = np.array(met) + alone
    own, c_g = np.zeros_like(e_i), 0.0
    if x_g is not None:
        before = w["rater.weight"].T @ x_g
        own, c_g = w["own.weight"] @ relu(before[: len(h_i)]), before[len(h_i)]
    rating = w["gain"] * (softmax(scores) @ ratings) + own @ f_i + c_g + c_i + other + of_group
    profile = softmax(alone) @ np.array([p_u for _, _, p_u in of_members]) + own
    logits = w["classes.weight"] @ profile + w["classes.bias"]
    return float(rating + w["group_shift"]), logits
