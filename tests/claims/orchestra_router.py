"""Figures that the claims of orchestra-router compare."""

from functools import cache

import numpy as np
from sklearn.linear_model import LogisticRegression

import data
from cosimo.decide import ExemplarRouter


@cache
def banking():
    """Labels, whether of the training split, and vectors (n, d) of both models."""

    from cosimo.encode import load_encoder

    table = data.parquet("banking77", "banking77")
    texts = list(table.text)
    return (
        table.label.to_numpy(),
        (table.split == "train").to_numpy(),
        *(load_encoder(name).encode(texts) for name in ("wordllama", "minilm")),
    )


def answered(X, y, trained, new):
    """Whether logistic regression on `trained` rows is right on new ones, and how sure it is of its answers."""
    U = X / np.linalg.norm(X, axis=1, keepdims=True)
    model = LogisticRegression(C=10.0, max_iter=300).fit(U[trained], y[trained])
    P = model.predict_proba(U[new])
    return model.classes_[P.argmax(axis=1)] == y[new], P.max(axis=1)


def run(seed):
    """Figures of every way to route the test requests, one a request."""
    y, train, cheap_X, dear_X = banking()
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(train))
    trained, pool, test = rows[: len(rows) // 2], rows[len(rows) // 2 :], np.flatnonzero(~train)
    new = np.concatenate([pool, test])
    right, sure = zip(*(answered(X, y, trained, new) for X in (cheap_X, dear_X)), strict=True)
    of_pool, of_test = slice(None, len(pool)), slice(len(pool), None)
    router = ExemplarRouter(seed=seed).fit(cheap_X[pool], {"cheap": right[0][of_pool], "dear": right[1][of_pool]})
    sent = np.array(router.route(cheap_X[test])) == "dear"
    cheap, dear, share = right[0][of_test], right[1][of_test], sent.mean()
    unsure = np.zeros(len(test), bool)
    unsure[np.argsort(sure[0][of_test], kind="stable")[: sent.sum()]] = True
    return {
        "router": 100.0 * np.where(sent, dear, cheap),
        "random": 100.0 * ((1 - share) * cheap + share * dear),
        "confidence": 100.0 * np.where(unsure, dear, cheap),
        "oracle": 100.0 * (cheap | dear),
        "cheap": 100.0 * cheap,
        "dear": 100.0 * dear,
        "router, cheap share": 100.0 * ~sent,
        "half": np.full(len(test), 50.0),
    }
