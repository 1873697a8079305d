import numpy as np
import pytest
import sklearn.decomposition
from sklearn.utils.estimator_checks import parametrize_with_checks

from cosimo.errors import DataError
from cosimo.refine import PCA
from cosimo.refine.pca import principal_directions

EXAMPLES = [PCA(1)]


@parametrize_with_checks(EXAMPLES)
def test_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dims", [1, 4, 6])
def test_oracle_scikit_learn(dims, dtype):
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(200, 6)) @ np.diag([5, 4, 3, 2, 1, 0.5]) + 2).astype(dtype)
    ours, theirs = PCA(dims).fit(X), sklearn.decomposition.PCA(dims).fit(X)
    signs = np.sign(np.sum(ours.components_ * theirs.components_.T, axis=0))
    close = {"rtol": 1e-4, "atol": 1e-4} if dtype == np.float32 else {"rtol": 1e-9, "atol": 1e-9}
    assert ours.transform(X).dtype == dtype
    np.testing.assert_allclose(ours.transform(X) * signs, theirs.transform(X), **close)
    np.testing.assert_allclose(ours.variances_, theirs.explained_variance_, **close)


def test_signs_are_fixed():
    X = np.random.default_rng(1).normal(size=(30, 5))
    _, _, directions = principal_directions(X, None)
    _, _, mirrored = principal_directions(-X, None)
    np.testing.assert_allclose(directions, mirrored, atol=1e-9)


@pytest.mark.parametrize(("rows", "dims"), [(4, 4), (4, 9), (30, 6), (30, 0), (30, -1)])
def test_more_dims_than_directions_refused(rows, dims):
    X = np.random.default_rng(2).normal(size=(rows, 5))
    with pytest.raises(DataError, match=rf"{rows} rows of 5 feature\(s\) span {min(rows - 1, 5)} directions, wanted"):
        PCA(dims).fit(X)


def test_equal_rows_refused():
    with pytest.raises(DataError, match="span 0 directions"):
        PCA(1).fit(np.ones((5, 3)))
