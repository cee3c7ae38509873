"""Slow, plain twins of the learners' kernels: dense numpy, one formula a line."""

from __future__ import annotations

import numpy as np


def bias_only(X, regularization, iterations):
    """Mean, b_u and b_i of the ratings that are not NaN in X."""
    rated = ~np.isnan(X)
    mean, spread = X[rated].mean(), X[rated].std() or 1.0
    Z = np.where(rated, (X - mean) / spread, 0.0)
    user, item = np.zeros(len(X)), np.zeros(X.shape[1])
    for _ in range(iterations):
        user = ((Z - item) * rated).sum(axis=1) / (rated.sum(axis=1) + regularization)
        item = ((Z - user[:, None]) * rated).sum(axis=0) / (rated.sum(axis=0) + regularization)
    return mean, spread * user, spread * item


def als(
    X, factors, regularization, bias_regularization, implicit, iterations, seed, steps,
    features=(None, None), strengths=(1.0, 1.0),
):  # fmt: skip
    """Predictions of every cell, unclipped, and the objective after each sweep."""
    rated = ~np.isnan(X)
    mean, spread = X[rated].mean(), X[rated].std() or 1.0
    Z = np.where(rated, (X - mean) / spread, 0.0)
    D = np.array([bias_regularization] + [regularization] * factors)
    K = factors + 1
    x, y = np.zeros((X.shape[0], K)), np.zeros((X.shape[1], K))
    y[:, 1:] = 0.1 * np.random.default_rng(seed).standard_normal((X.shape[1], factors))
    w, v = np.zeros_like(y), np.zeros_like(x)
    F, G = (
        np.zeros((size, 1))
        if of is None
        else of / np.sqrt(np.maximum((of != 0).sum(1), 1))[:, None]
        for of, size in zip(features, X.shape, strict=True)
    )
    A, B = np.zeros((F.shape[1], K)), np.zeros((G.shape[1], K))

    def counts(R):
        return np.maximum(R.sum(axis=1), 1)

    def centre(R, profiles):
        return (R / np.sqrt(counts(R))[:, None]) @ profiles

    def update(Z, R, rows, other, profiles, known, told, strength):
        pulled = centre(R, profiles) + known @ told
        for u in range(len(rows)):
            items = np.flatnonzero(R[u])
            design = np.column_stack([np.ones(len(items)), other[items, 1:]])
            target = Z[u, items] - other[items, 0]
            penalty = np.sqrt(counts(R)[u]) * D
            A = design.T @ design + np.diag(penalty)
            rows[u] = np.linalg.solve(A, design.T @ target + penalty * pulled[u])
        if implicit is not None:
            S = R / np.sqrt(counts(R))[:, None]
            gram = S.T @ (np.sqrt(counts(R))[:, None] * S) + implicit * np.eye(R.shape[1])
            b = S.T @ (np.sqrt(counts(R))[:, None] * (rows - known @ told))
            for f in range(K):
                profiles[:, f] = conjugate_gradients(gram, b[:, f], profiles[:, f], steps)
        weighted = known.T * np.sqrt(counts(R))
        told[:] = np.linalg.solve(
            weighted @ known + strength * np.eye(len(told)),
            weighted @ (rows - centre(R, profiles)),
        )

    def objective():
        errors = ((Z - (x[:, :1] + y[:, 0] + x[:, 1:] @ y[:, 1:].T)) * rated) ** 2
        total = errors.sum()
        for R, rows, profiles, known, told, strength in (
            (rated, x, w, F, A, strengths[0]),
            (rated.T, y, v, G, B, strengths[1]),
        ):
            away = (rows - centre(R, profiles) - known @ told) ** 2 @ D
            total += (np.sqrt(counts(R)) * away).sum() + (implicit or 0) * (profiles**2 @ D).sum()
            total += strength * (told**2 @ D).sum()
        return total

    history = [objective()]
    for _ in range(iterations):
        update(Z, rated, x, y, w, F, A, strengths[0])
        update(Z.T, rated.T, y, x, v, G, B, strengths[1])
        history.append(objective())
    scores = mean + spread * (x[:, :1] + y[:, 0] + x[:, 1:] @ y[:, 1:].T)
    return scores, np.array(history)


def conjugate_gradients(G, b, start, steps):
    solution, diagonal = start.copy(), np.diag(G)
    residual = b - G @ solution
    direction = residual / diagonal
    for _ in range(steps):
        curvature = direction @ G @ direction
        if curvature <= 0:
            break
        power = residual @ (residual / diagonal)
        step = power / curvature
        solution += step * direction
        residual = residual - step * (G @ direction)
        direction = residual / diagonal + residual @ (residual / diagonal) / power * direction
    return solution
