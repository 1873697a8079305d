import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr

from cosimo import Space
from cosimo.encode import FunctionEncoder
from cosimo.errors import DataError
from cosimo.measure import length_bias
from cosimo.measure.probes.length_bias import partial_correlation

RNG = np.random.default_rng(0)
TEXTS = ["word " * int(length) for length in RNG.integers(1, 200, 400)]


def by_matrix(x, y, z):
    """Partial correlation from the inverse of the rank correlation matrix."""
    P = np.linalg.inv(np.corrcoef([rankdata(x), rankdata(y), rankdata(z)]))
    return -P[0, 1] / np.sqrt(P[0, 0] * P[1, 1])


def test_oracle_inverse_of_the_correlations():
    z = RNG.normal(size=80)
    x, y = z + RNG.normal(size=80), np.round(z - RNG.normal(size=80), 1)
    assert partial_correlation(x, y, z) == pytest.approx(by_matrix(x, y, z), abs=1e-12)
    assert abs(partial_correlation(x, y, z)) < 0.3 < abs(spearmanr(x, y).statistic)


def test_no_column_that_does_not_vary():
    z = np.arange(9.0)
    assert np.isnan(partial_correlation(np.ones(9), z, z[::-1] ** 2))
    assert np.isnan(partial_correlation(z, z**3, RNG.normal(size=9) * 0 + z))


def noisy(texts):
    return np.stack([np.random.default_rng(len(text)).normal(size=20) for text in texts])


def loud(texts):
    """The longer a text, the longer its vector in one direction; noise beside it."""
    X = noisy(texts) / 4
    X[:, 0] += np.log1p([len(text) for text in texts])
    return X


def test_long_texts_that_score_higher_are_seen():
    found = length_bias(Space(FunctionEncoder(loud), similarity="dot"), TEXTS)
    assert found.metrics["longer"].interval.low > 0.3
    assert abs(found.metrics["alike"].value) < 0.25
    assert found.settings["pairs"] == 200
    assert "long texts score higher" in found.warnings[0]


def test_texts_of_like_length_that_score_higher_are_seen():
    def embed(texts):
        angle = np.log1p([len(text) for text in texts]) / 5
        return np.column_stack([np.cos(angle), np.sin(angle)])

    found = length_bias(FunctionEncoder(embed), TEXTS)
    assert found.metrics["alike"].interval.low > 0.8
    value = found.metrics["alike"].value
    assert found.warnings == (f"texts of like length score higher (partial rank correlation {value:.2f})",)


def test_random_vectors_show_none():
    random = FunctionEncoder(lambda texts: np.random.default_rng(1).normal(size=(len(texts), 8)))
    found = length_bias(Space(random, similarity="dot"), TEXTS, vectors=RNG.normal(size=(400, 8)))
    for estimate in found.metrics.values():
        assert estimate.interval.low < 0.05
        assert estimate.interval.high > -0.05
    assert not found.warnings


def test_the_similarity_is_that_of_the_space():
    X = np.ones((400, 1)) * np.array([[len(text)] for text in TEXTS])
    cosine, dot = (
        length_bias(Space(FunctionEncoder(lambda texts: np.ones((len(texts), 1))), similarity=name), TEXTS, vectors=X)
        for name in ("cosine", "dot")
    )
    assert np.isnan(cosine.metrics["longer"].value)
    assert dot.metrics["longer"].value > 0.9


@pytest.mark.parametrize("items", [TEXTS[:19], [*TEXTS[:30], 3.5]])
def test_bad_items(items):
    with pytest.raises(DataError):
        length_bias(FunctionEncoder(noisy), items)
