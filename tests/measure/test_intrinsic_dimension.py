import numpy as np
import pytest

from cosimo.errors import DataError
from cosimo.measure import IntrinsicDimension, two_nn
from cosimo.measure.vectors.intrinsic_dimension import neighbour_ratios, slope, squared_distances

EXAMPLES = [IntrinsicDimension(), IntrinsicDimension(size=40)]


def by_loops(X):
    """Facco's estimate, point by point."""
    ratios = []
    for i, x in enumerate(X):
        near = sorted(float(np.sqrt(((x - y) ** 2).sum())) for j, y in enumerate(X) if j != i)
        ratios.append(near[1] / near[0])
    n, ratios = len(ratios), sorted(ratios)
    kept = ratios[: n - int(0.1 * n)]
    x = np.log(kept)
    y = [-np.log(1 - (i + 1) / n) for i in range(len(kept))]
    return float(np.linalg.lstsq(x[:, None], np.array(y), rcond=None)[0][0])


def manifold(name, n=3000, seed=0):
    rng = np.random.default_rng(seed)
    if name == "sphere":
        X = rng.normal(size=(n, 4))
        return X / np.linalg.norm(X, axis=1, keepdims=True)
    if name == "spiral":
        t = rng.uniform(0, 12, n)
        return np.column_stack([t * np.cos(t), t * np.sin(t)])
    return rng.uniform(-1, 1, size=(n, 5)) @ rng.normal(size=(5, 60))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_oracle_loops(dtype):
    X = (np.random.default_rng(1).normal(size=(150, 6)) + 20).astype(dtype)
    assert two_nn(X) == pytest.approx(by_loops(X.astype(np.float64)), rel=1e-9)


@pytest.mark.parametrize(("name", "dimension"), [("sphere", 3), ("spiral", 1), ("cube", 5)])
def test_known_manifolds(name, dimension):
    assert two_nn(manifold(name)) == pytest.approx(dimension, rel=0.08)


def test_moving_far_away_takes_no_digits():
    X = manifold("spiral", 400)
    assert two_nn(X + 1e6) == pytest.approx(two_nn(X), rel=1e-3)


def test_exact_copies_count_once():
    X = manifold("cube", 500)
    assert two_nn(np.concatenate([X, X[:250]])) == pytest.approx(two_nn(X), rel=1e-9)


def test_interval_holds_the_dimension_and_never_resamples_with_replacement():
    diagnostic = IntrinsicDimension(size=1000)
    diagnostic.update(manifold("cube", 4000))
    found = diagnostic.result().metrics["two_nn"]
    assert found.interval.low < 5 < found.interval.high
    assert "without replacement" in found.interval.method
    assert found.interval.high - found.interval.low < 2
    assert found.interval.n_units == 1000


@pytest.mark.slow
def test_intervals_cover():
    """1,000 draws of 200 points: the interval holds the mean over all draws in 95 of 100, within 2."""
    found = []
    for seed in range(1000):
        diagnostic = IntrinsicDimension(seed=seed)
        diagnostic.update(manifold("cube", 200, seed))
        found.append(diagnostic.result().metrics["two_nn"])
    centre = np.mean([estimate.value for estimate in found])
    assert 930 <= sum(estimate.interval.low <= centre <= estimate.interval.high for estimate in found) <= 970


@pytest.mark.parametrize("X", [np.ones((50, 3)), np.random.default_rng(2).normal(size=(9, 3))], ids=["alike", "few"])
def test_too_few_different_vectors_refused(X):
    with pytest.raises(DataError, match="at least 10 different vectors"):
        two_nn(X)


def test_copies_alone_are_nan_with_a_sentence():
    diagnostic = IntrinsicDimension()
    diagnostic.update(np.ones((50, 3)))
    report = diagnostic.result()
    assert np.isnan(report.metrics["two_nn"].value)
    assert "of 50 vectors fewer than 10 differ" in report.warnings[0]


def test_points_on_a_grid_have_no_slope():
    """All four corners of a square are as far from their neighbours: log of the ratio is 0."""
    X = np.array([[i, j] for i in range(4) for j in range(4)], dtype=np.float64)
    assert np.isnan(slope(neighbour_ratios(squared_distances(X), X)))
