import numpy as np
import pytest

from cosimo.errors import DataError
from cosimo.measure import OutlierDimensions, outlier_dimensions

EXAMPLES = [OutlierDimensions(), OutlierDimensions(z=2.0, size=40)]


def report_on(X, **settings):
    diagnostic = OutlierDimensions(**settings)
    for block in np.array_split(X, 2):
        diagnostic.update(block)
    return diagnostic.result()


def by_loops(X):
    """What each dimension adds to the mean cosine, pair by pair."""
    U = X / np.linalg.norm(X, axis=1, keepdims=True)
    added = np.zeros(X.shape[1])
    pairs = [(i, j) for i in range(len(X)) for j in range(i)]
    for i, j in pairs:
        added += U[i] * U[j]
    return added / len(pairs)


def test_oracle_loops():
    X = np.random.default_rng(0).normal(size=(60, 12)) + np.linspace(-1, 2, 12)
    report, added = report_on(X), by_loops(X)
    assert report.metrics["largest_contribution"].value == pytest.approx(added.max())
    assert report.settings["contributions"][0] == [int(added.argmax()), pytest.approx(added.max())]
    for k, amount in report.settings["contributions"]:
        assert amount == pytest.approx(added[k])
    variances = X.var(axis=0)
    assert report.metrics["largest_variance"].value == pytest.approx(variances.max() / variances.sum())


@pytest.mark.parametrize("z", [1.0, 2.0, 3.0])
def test_rule_is_about_the_mean_vector(z):
    X = np.random.default_rng(1).normal(size=(200, 40)) + np.random.default_rng(2).standard_t(2, 40)
    mean = X.mean(axis=0)
    expected = [k for k in range(40) if abs(mean[k] - mean.mean()) > z * mean.std()]
    assert outlier_dimensions(X, z=z).tolist() == expected
    report = report_on(X, z=z)
    assert report.settings["outlier_dims"] == expected
    assert report.metrics["outliers"].value == len(expected)


def test_a_loud_dimension_of_single_vectors_is_none():
    X = np.random.default_rng(3).normal(size=(1000, 40))
    X[::2, 4] += 30
    X[1::2, 4] -= 30
    assert 4 not in outlier_dimensions(X)
    assert report_on(X).metrics["largest_variance"].value > 0.9


def test_planted_defects_are_named():
    X = np.random.default_rng(4).normal(size=(300, 64))
    X[:, [5, 9]] = -0.25
    X[:, 7] += 40
    report = report_on(X)
    assert report.settings["outlier_dims"] == [7]
    assert report.settings["constant_dims"] == [5, 9]
    assert "1 of 64 dimensions stand out" in report.warnings[0]
    assert "2 of 64 dimensions are the same in all vectors" in report.warnings[1]
    found = report.metrics["largest_contribution"]
    assert found.value > 0.9
    assert found.interval.low < found.value < found.interval.high


def test_a_healthy_space_has_none():
    report = report_on(np.random.default_rng(5).normal(size=(2000, 64)))
    assert report.metrics["constant"].value == 0
    assert report.metrics["outliers"].value <= 2
    assert report.warnings == ()


def test_nothing_to_look_at_refused():
    with pytest.raises(DataError, match="at least 1 vector"):
        outlier_dimensions(np.empty((0, 4)))
    with pytest.raises(DataError, match="z must be above 0"):
        outlier_dimensions(np.eye(4), z=0)
    with pytest.raises(DataError, match="z must be above 0"):
        OutlierDimensions(z=-1.0).update(np.eye(4))
