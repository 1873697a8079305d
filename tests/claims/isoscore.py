"""Figures that the claims of isoscore compare."""

from functools import cache

import numpy as np
from scipy.stats import ortho_group, spearmanr

import data
from cosimo.measure import average_cosine, isoscore, partition_score, two_nn, variance_explained
from cosimo.measure.vectors.spectrum import moments

DIM = 20


N = 5000


def evenness(X):
    """{score: how even it says the space is}, each brought to 0 for one dimension and to 1 for all of them."""
    d = X.shape[1]
    variances = moments(X).variances
    return {
        "isoscore": isoscore(X),
        "average cosine": 1 - abs(average_cosine(X)),
        "partition": partition_score(X),
        "variance explained": (1 - variance_explained(variances, d // 2)) / (1 - (d // 2) / d),
        "two_nn": (two_nn(X[:2000]) - 1) / (d - 1),
    }


def dimensions_used(rng):
    """{score: (20,) minus its distance from the share of dimensions used}, k of 20 of them even, around an offset."""
    found = {}
    for k in range(1, DIM + 1):
        X = np.zeros((N, DIM))
        X[:, :k] = rng.normal(size=(N, k))
        X = X @ ortho_group.rvs(DIM, random_state=rng) + rng.normal(size=DIM)
        for name, score in evenness(X).items():
            found.setdefault(name, []).append(-abs(score - (k - 1) / (DIM - 1)))
    return {f"dimensions used, {name}": np.array(scores) for name, scores in found.items()}


def one_loud_dimension(rng):
    """{score: minus its rank correlation with the variance of one dimension, which goes from 1 to 75}."""
    loud = np.geomspace(1, 75, 16)
    found = [evenness(rng.normal(size=(N, DIM)) * np.sqrt([variance, *[1] * (DIM - 1)])) for variance in loud]
    scores = {name: [one[name] for one in found] for name in found[0]}
    return {f"one loud, {name}": -spearmanr(loud, column).statistic for name, column in scores.items()}


@cache
def sentence_vectors():
    """{model: (n, d) float64 unit vectors} of the different sentences of STS-B, dev and test."""

    from cosimo.encode import load_encoder
    from cosimo.refine.whiteningbert import token_mean
    from models import smollm2

    pairs = data.parquet("stsb", "stsb_en").query("split != 'train'")
    texts = sorted({*pairs.sentence1, *pairs.sentence2})
    found = {"minilm": load_encoder("minilm").encode(texts), "smollm2": token_mean(smollm2().encode_tokens(texts))}
    return {name: X / np.linalg.norm(X.astype(np.float64), axis=1, keepdims=True) for name, X in found.items()}


def changes(name, X, rng):
    """How much moving, and turning and scaling, change each of three scores of real vectors."""
    d = X.shape[1]
    offset = rng.normal(size=d)
    changed = {
        "moved": X + offset / np.linalg.norm(offset),
        "centred": X - X.mean(axis=0),
        "turned": 7 * X @ np.linalg.qr(rng.normal(size=(d, d)))[0],
    }
    scores = {"isoscore": isoscore, "average cosine": average_cosine, "partition": partition_score}
    return {
        f"{name}, {how}, {score}": abs(figure(Y) - figure(X))
        for how, Y in changed.items()
        for score, figure in scores.items()
        if (how, score) != ("turned", "partition")
    }


def run(seed):
    """The figures of every system, for one seed of the clouds, offsets and rotations."""
    rng = np.random.default_rng(seed)
    found = {"nothing": 0.0} | dimensions_used(rng) | one_loud_dimension(rng)
    for name, X in sentence_vectors().items():
        found |= changes(name, X, rng)
    return found | {f"minus {system}": -figure for system, figure in found.items() if system.endswith(", isoscore")}
