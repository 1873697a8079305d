import numpy as np
import pytest

from cosimo.measure import Norms
from cosimo.statistics import rate_interval

EXAMPLES = [Norms(), Norms(size=40)]


def report_on(X, **settings):
    diagnostic = Norms(**settings)
    for block in np.array_split(X, 3):
        diagnostic.update(block)
    return diagnostic.result()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_oracle_numpy(dtype):
    X = (np.random.default_rng(0).normal(size=(600, 5)) - 1).astype(dtype)
    lengths = np.linalg.norm(X.astype(np.float64), axis=1)
    report = report_on(X)
    found = {name: estimate.value for name, estimate in report.metrics.items()}
    expected = {
        "mean": lengths.mean(),
        "sd": lengths.std(ddof=1),
        "shortest": lengths.min(),
        "longest": lengths.max(),
        "q01": np.sort(lengths)[5],
        "median": np.sort(lengths)[299],
        "q99": np.sort(lengths)[593],
        "unnormalised": (np.abs(lengths - 1) > 1e-3).mean(),
        "zero": 0.0,
    }
    assert found == pytest.approx(expected, rel=1e-6)
    assert sum(report.settings["histogram"]["counts"]) == 600
    assert report.metrics["mean"].interval.low < lengths.mean() < report.metrics["mean"].interval.high


def test_mean_and_shares_are_of_all_rows_quantiles_of_the_sample():
    X = np.random.default_rng(1).normal(size=(3000, 4))
    lengths = np.linalg.norm(X, axis=1)
    report = report_on(X, size=100)
    assert report.metrics["mean"].value == pytest.approx(lengths.mean())
    assert report.metrics["sd"].value == pytest.approx(lengths.std(ddof=1))
    assert report.metrics["mean"].interval.n_units == 3000
    assert report.metrics["median"].interval.n_units == 100
    half = (report.metrics["mean"].interval.high - report.metrics["mean"].interval.low) / 2
    assert half == pytest.approx(2 * lengths.std() / 3000**0.5, rel=0.3)


def test_unit_vectors_are_fine():
    X = np.random.default_rng(2).normal(size=(50, 4)).astype(np.float16).astype(np.float32)
    report = report_on((X / np.linalg.norm(X, axis=1, keepdims=True)).astype(np.float16))
    assert report.metrics["unnormalised"].value == 0
    assert report.warnings == ()


def test_unnormalised_and_zero_vectors_are_told():
    X = np.eye(10)
    X[0] *= -2
    X[1] = 0
    report = report_on(X)
    assert report.metrics["unnormalised"].value == 0.2
    assert report.metrics["zero"].value == 0.1
    assert report.metrics["zero"].interval == rate_interval(1, 10)
    assert report.warnings[0].startswith("1 of 10 vectors are zero")
    assert "1 of 10 vectors have another length than 1: normalise" in report.warnings[1]


def test_one_vector():
    report = report_on(np.array([[3.0, -4.0]]))
    assert report.metrics["mean"].value == 5
    assert report.metrics["sd"].value == 0
