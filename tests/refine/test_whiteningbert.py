import numpy as np
import pytest
import sklearn.decomposition
from scipy.stats import spearmanr
from sklearn.utils.estimator_checks import parametrize_with_checks

from cosimo.compare import Cosine
from cosimo.errors import DataError
from cosimo.refine import Whitening, layer_mean
from cosimo.refine.whiteningbert import token_mean
from cosimo.types import Tokens

EXAMPLES = [Whitening(), Whitening(dims=1)]


@parametrize_with_checks(EXAMPLES)
def test_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dims", [None, 3])
def test_oracle_scikit_learn(dims, dtype):
    X = (np.random.default_rng(0).normal(size=(200, 6)) @ np.diag([5, 4, 3, 2, 1, 0.5]) + 2).astype(dtype)
    ours = Whitening(dims).fit_transform(X)
    theirs = sklearn.decomposition.PCA(dims, whiten=True).fit_transform(X)
    assert ours.dtype == dtype
    # Axes are free up to their sign.
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-8 if dtype == np.float64 else 1e-4)


def test_covariance_becomes_the_identity():
    X = np.random.default_rng(1).normal(size=(500, 20)) @ np.random.default_rng(2).normal(size=(20, 20))
    np.testing.assert_allclose(np.cov(Whitening().fit_transform(X), rowvar=False), np.eye(20), atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_directions_that_are_not_there_do_not_explode(dtype):
    """40 rows lie in 9 of 50 dimensions; dividing by the rounding in the others gives coordinates of a million."""
    rng = np.random.default_rng(3)
    X = (rng.normal(size=(40, 9)) @ rng.normal(size=(9, 50))).astype(dtype)
    refiner = Whitening().fit(X)
    assert refiner.transform(X).shape == (40, 9)
    assert np.abs(refiner.transform(X * (1 + 1e-6))).max() < 10


@pytest.mark.parametrize("dims", [None, 9])
def test_whitening_that_makes_all_alike_is_refused(dims):
    """10 rows in 9 directions become the corners of a regular simplex: every cosine is -1/9."""
    X = np.random.default_rng(3).normal(size=(10, 50))
    corners = sklearn.decomposition.PCA(9, whiten=True).fit_transform(X)
    np.testing.assert_allclose(Cosine()(corners, corners)[np.triu_indices(10, 1)], -1 / 9)
    with pytest.raises(DataError, match="10 rows whitened in 9 directions are all equally far apart"):
        Whitening(dims).fit(X)
    assert Whitening(8).fit_transform(X).shape == (10, 8)


def test_a_direction_that_repeats_others_is_left_out():
    X = np.random.default_rng(4).normal(size=(100, 3)).astype(np.float32)
    X = np.column_stack([X, X[:, 0] + X[:, 1]])
    assert Whitening().fit_transform(X).shape == (100, 3)


def test_eps_sets_which_directions_count():
    X = np.random.default_rng(5).normal(size=(1000, 2)) * [1, 1e-3]
    assert Whitening().fit_transform(X).shape == (1000, 2)
    assert Whitening(eps=1e-4).fit_transform(X).shape == (1000, 1)


def test_more_dims_than_the_sentences_span_refused():
    with pytest.raises(DataError, match=r"10 rows of 50 feature\(s\) span 9 directions, wanted 20"):
        Whitening(20).fit(np.random.default_rng(6).normal(size=(10, 50)))


def test_equal_sentences_refused():
    with pytest.raises(DataError, match="span 0 directions, wanted at least 1"):
        Whitening().fit(np.ones((10, 4)))


def test_half_precision_becomes_float32():
    X = np.random.default_rng(7).normal(size=(50, 4)).astype(np.float16)
    assert Whitening().fit(X).transform(X).dtype == np.float32


def test_a_loud_shared_direction_no_longer_hides_meaning():
    """Anisotropy, planted: one direction says nothing and decides every cosine."""
    rng = np.random.default_rng(8)
    meaning = rng.normal(size=(400, 8))
    X = np.column_stack([50 * rng.normal(size=(400, 1)), meaning])
    truth = Cosine().pairs(meaning[:200], meaning[200:])

    def agreement(X):
        return spearmanr(Cosine().pairs(X[:200], X[200:]), truth).statistic

    assert agreement(X) < 0.3
    assert agreement(Whitening().fit_transform(X)) > 0.9


class Layers:
    """Token states of texts of one token a letter: layer l of the letter c is [ord(c), l]."""

    def encode_tokens(self, items, *, layers):
        states = [[[ord(c), np.mean(layers)] for c in text] for text in items]
        return Tokens.stack([np.array(s, np.float32).reshape(-1, 2) for s in states], dim=2)


def test_layer_mean_is_the_mean_over_tokens_and_layers():
    X = layer_mean(Layers(), ["ac", "b"], layers=(1, 4))
    np.testing.assert_array_equal(X, [[(ord("a") + ord("c")) / 2, 2.5], [ord("b"), 2.5]])
    assert X.dtype == np.float32


def test_token_mean_oracle_loop():
    T = Tokens.stack(list(np.split(np.random.default_rng(9).normal(size=(12, 3)), [1, 5, 5, 11])))
    loop = [item.mean(axis=0) if len(item) else np.zeros(3) for item in T]
    np.testing.assert_allclose(token_mean(T), loop, rtol=1e-12)


def test_items_without_tokens_are_zero():
    np.testing.assert_array_equal(layer_mean(Layers(), ["", ""]), np.zeros((2, 2)))
    assert layer_mean(Layers(), []).shape == (0, 2)
