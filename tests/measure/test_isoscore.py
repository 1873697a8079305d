import numpy as np
import pytest
from scipy.stats import ortho_group

from cosimo.errors import DataError
from cosimo.measure import IsoScore, isoscore
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
