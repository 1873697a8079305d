import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ortho_group, spearmanr

from cosimo.errors import DataError
from cosimo.measure import IsoScore, average_cosine, isoscore, partition_score, two_nn, variance_explained
from cosimo.measure.vectors.isoscore import isoscore_of_covariance, isoscore_of_variances
from cosimo.measure.vectors.spectrum import moments

EXAMPLES = [IsoScore(), IsoScore(size=40)]


def by_the_steps(X):
    """The five steps of the paper, one after the other, on the principal axes."""
    from sklearn.decomposition import PCA

    d = X.shape[1]
    turned = PCA(n_components=min(X.shape)).fit_transform(X)
    diagonal = np.zeros(d)
    diagonal[: turned.shape[1]] = np.diag(np.cov(turned, rowvar=False))
    s = np.sqrt(d) * diagonal / np.linalg.norm(diagonal)
    defect = np.linalg.norm(s - np.ones(d)) / np.sqrt(2 * (d - np.sqrt(d)))
    used = (d - defect**2 * (d - np.sqrt(d))) ** 2 / d**2
    return (d * used - 1) / (d - 1)


def value(X, **settings):
    diagnostic = IsoScore(**settings)
    diagnostic.update(X)
    return diagnostic.result().metrics["isoscore"].value


@pytest.mark.parametrize("shape", [(500, 7), (50, 2), (30, 64)], ids=str)
def test_oracle_steps_of_the_paper(shape):
    rng = np.random.default_rng(0)
    X = rng.normal(size=shape) @ rng.normal(size=(shape[1], shape[1])) - 3
    expected = by_the_steps(X)
    assert isoscore(X) == pytest.approx(expected, abs=1e-10)
    assert value(X) == pytest.approx(expected, abs=1e-10)
    assert isoscore_of_variances(moments(X).variances, shape[1]) == pytest.approx(expected, abs=1e-10)


def test_number_of_the_official_package():
    """IsoScore 2.0.1 says 0.1958486 of this cloud; it calculates in float32."""
    X = np.random.default_rng(0).normal(size=(500, 7)) @ np.diag(1 / np.arange(1, 8)) + 1
    assert isoscore(X) == pytest.approx(0.1958486, abs=1e-6)


@pytest.mark.parametrize("k", [1, 2, 5, 9])
def test_k_of_n_dimensions_score_their_share(k):
    """+-1 along k axes of 9: (k - 1) / (9 - 1), turned and moved or not."""
    X = np.concatenate([np.eye(9)[:k], -np.eye(9)[:k]])
    turned = X @ ortho_group.rvs(9, random_state=0) + np.arange(9)
    assert isoscore(X) == pytest.approx((k - 1) / 8, abs=1e-12)
    assert isoscore(turned) == pytest.approx((k - 1) / 8, abs=1e-12)


def test_moving_scaling_and_turning_change_nothing():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(300, 8)) / np.arange(1, 9)
    score = isoscore(X)
    for changed in (X + 100, -0.01 * X, X @ ortho_group.rvs(8, random_state=2)):
        assert isoscore(changed) == pytest.approx(score, abs=1e-10)


def test_the_given_coordinates_are_not_the_principal_axes():
    """The mistake the row warns of: the diagonal of a turned space says nothing is wrong."""
    X = np.random.default_rng(2).normal(size=(500, 2)) * [10, 0.1] @ np.array([[1, 1], [-1, 1]]) / np.sqrt(2)
    assert isoscore(X) < 0.01
    assert isoscore_of_variances(np.diag(np.cov(X, rowvar=False)), 2) > 0.99


def test_few_rows_score_too_low_as_said():
    X = np.random.default_rng(3).normal(size=(400, 40))
    assert isoscore(X) == pytest.approx(1 / 1.1, abs=0.02)


def test_fewer_rows_than_dimensions_are_told():
    diagnostic = IsoScore()
    diagnostic.update(np.random.default_rng(4).normal(size=(20, 50)))
    assert "20 vectors of 50 dimensions vary along 19 axes at most" in diagnostic.result().warnings[0]


def test_equal_vectors_use_nothing():
    assert isoscore(np.full((5, 3), -2.0)) == 0
    assert isoscore_of_covariance(np.zeros((3, 3))) == 0


@pytest.mark.parametrize("shape", [(1, 5), (0, 5), (5, 1)], ids=str)
def test_nothing_to_spread_over_refused(shape):
    with pytest.raises(DataError, match="at least 2 vectors of at least 2 dimensions"):
        isoscore(np.ones(shape))


def test_one_dimension_is_nan_with_a_sentence():
    diagnostic = IsoScore()
    diagnostic.update(np.random.default_rng(5).normal(size=(50, 1)))
    report = diagnostic.result()
    assert np.isnan(report.metrics["isoscore"].value)
    assert "2 dimensions" in report.warnings[0]


# What follows measures the claims of the row.

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
    import pandas as pd

    from cosimo.encode import load_encoder
    from cosimo.refine.whiteningbert import token_mean
    from models import smollm2

    pairs = pd.read_parquet(Path(os.environ["COSIMO_DATA"]) / "stsb" / "stsb_en.parquet").query("split != 'train'")
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
