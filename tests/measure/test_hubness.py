import numpy as np
import pytest
from scipy.stats import skew

from cosimo.errors import DataError
from cosimo.measure import Hubness, occurrences

EXAMPLES = [Hubness(), Hubness(k=3, size=40)]


def by_loops(X, k):
    counts = [0] * len(X)
    U = X / np.linalg.norm(X, axis=1, keepdims=True)
    for j in range(len(X)):
        order = sorted((i for i in range(len(X)) if i != j), key=lambda i: -float(U[j] @ U[i]))
        for i in order[:k]:
            counts[i] += 1
    return np.array(counts)


def report_on(X, **settings):
    diagnostic = Hubness(**settings)
    diagnostic.update(X)
    return diagnostic.result()


@pytest.mark.parametrize("k", [1, 5, 10])
def test_oracle_loops_and_scipy(k):
    X = np.random.default_rng(0).normal(size=(120, 30)) + 0.3
    counts = by_loops(X, k)
    np.testing.assert_array_equal(occurrences(X, k), counts)
    found = {name: estimate.value for name, estimate in report_on(X, k=k).metrics.items()}
    ordered = np.sort(counts)[::-1]
    moved = sum(int(c) - k for c in ordered if c > k) / (120 * k)
    expected = [skew(counts), (counts == 0).mean(), counts.max() / 119, moved]
    assert list(found.values()) == pytest.approx(expected, abs=1e-12)


def test_oracle_scikit_learn():
    from sklearn.neighbors import NearestNeighbors

    X = np.random.default_rng(1).normal(size=(300, 12))
    near = NearestNeighbors(n_neighbors=7, metric="cosine").fit(X).kneighbors(return_distance=False)
    np.testing.assert_array_equal(occurrences(X, 7), np.bincount(near.ravel(), minlength=300))


def test_a_planted_hub_is_named_and_felt():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(400, 200)) + 0.5
    before = report_on(X).metrics
    X[123] = X.mean(axis=0) * 50
    report = report_on(X)
    assert report.settings["hubs"][0][0] == 123
    assert report.metrics["largest_hub"].value > 0.9
    assert report.metrics["skewness"].value > before["skewness"].value + 3
    assert report.metrics["robin_hood"].value > before["robin_hood"].value


def test_high_dimensions_make_hubs():
    rng = np.random.default_rng(3)
    low, high = (report_on(rng.normal(size=(800, d)) + 0.5).metrics["skewness"].value for d in (3, 300))
    assert high > low + 1


def test_hubs_are_named_by_their_row_of_the_stream():
    X = np.random.default_rng(4).normal(size=(1000, 5))
    for row, count in report_on(X, size=100).settings["hubs"]:
        assert 0 <= row < 1000
        assert 0 < count < 100


def test_few_vectors_have_fewer_neighbours_and_it_is_told():
    report = report_on(np.random.default_rng(5).normal(size=(9, 4)))
    assert report.settings["k"] == 4
    assert "the 4 nearest were taken instead of 10" in report.warnings[0]


@pytest.mark.slow
def test_intervals_cover_about_as_often_as_they_say():
    draws = (np.random.default_rng(seed).normal(size=(200, 300)) + 0.5 for seed in range(300))
    found = [report_on(X, seed=seed).metrics for seed, X in enumerate(draws)]
    for name in ("skewness", "anti_hubs", "robin_hood"):
        centre = np.mean([metrics[name].value for metrics in found])
        intervals = [metrics[name].interval for metrics in found]
        assert np.mean([interval.low <= centre <= interval.high for interval in intervals]) >= 0.89, name


@pytest.mark.parametrize("k", [0, 5])
def test_k_out_of_range_refused(k):
    with pytest.raises(DataError, match="between 1 and 4"):
        occurrences(np.eye(5), k)


def test_k_below_one_refused_by_the_diagnostic():
    with pytest.raises(DataError, match="k must be at least 1"):
        Hubness(k=0).update(np.eye(5))
