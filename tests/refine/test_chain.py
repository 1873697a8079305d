import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from cosimo.refine import PCA, Affine, Centre, Chain, Normalise, Truncate, Whitening

EXAMPLES = [Chain([Affine(np.eye(8)[:, 2:], np.ones(6)), Truncate(4, normalise=False), Normalise()])]

X = np.random.default_rng(0).normal(size=(60, 8)) + 1


def test_oracle_pipeline():
    """Every step is fitted on what the steps before made of the data."""
    ours = Chain([Centre(), PCA(4), Normalise()]).fit(X).transform(X[:5])
    np.testing.assert_array_equal(ours, make_pipeline(Centre(), PCA(4), Normalise()).fit(X).transform(X[:5]))


def test_fitted_refiners_need_no_fitting():
    whitening = Whitening().fit(X)
    chain = Chain([whitening, Affine(np.eye(8)[:, :2], np.zeros(2))])
    np.testing.assert_allclose(chain.transform(X), whitening.transform(X)[:, :2])


def test_unfitted_refiner_is_named():
    with pytest.raises(NotFittedError, match="Centre"):
        Chain([Centre(), Normalise()]).transform(X)


def test_no_refiner_changes_nothing():
    assert Chain([]).fit(X).transform(X) is X
