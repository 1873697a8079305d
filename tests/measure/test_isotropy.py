import numpy as np
import pytest

from cosimo.errors import DataError
from cosimo.measure import (
    Isotropy,
    average_cosine,
    isoscore,
    partition_score,
    two_nn,
)
from cosimo.measure.vectors.isotropy import log_partition

EXAMPLES = [Isotropy(), Isotropy(("partition", "isoscore"), normalise=True, size=40)]


def report_on(X, *arguments, **settings):
    diagnostic = Isotropy(*arguments, **settings)
    for block in np.array_split(X, 3):
        diagnostic.update(block)
    return diagnostic.result()


def cloud(n=300, d=8):
    return np.random.default_rng(0).normal(size=(n, d)) / np.arange(1, d + 1) + 0.2


def by_loops(X):
    """Least over greatest sum of exp(c . x), over both directions of each eigenvector of X^T X."""
    axes = np.linalg.svd(X)[2]
    sums = [sum(np.exp(sign * (c @ x)) for x in X) for c in axes for sign in (1, -1)]
    return min(sums) / max(sums)


def test_oracle_each_by_itself():
    X = cloud()
    found = {name: estimate.value for name, estimate in report_on(X, k=2).metrics.items()}
    U = X / np.linalg.norm(X, axis=1, keepdims=True)
    variances = np.sort(np.linalg.eigvalsh(np.cov(X, rowvar=False)))[::-1]
    assert found == pytest.approx(
        {
            "isoscore": isoscore(X),
            "average_cosine": np.mean([U[i] @ U[j] for i in range(300) for j in range(i)]),
            "partition": by_loops(X),
            "variance_explained": variances[:2].sum() / variances.sum(),
            "two_nn": two_nn(X),
        }
    )


def test_partition_score_oracle_loops():
    X = cloud(60, 5) - 1
    assert partition_score(X) == pytest.approx(by_loops(X))


def test_partition_score_of_long_vectors_does_not_overflow():
    assert partition_score(1e4 * cloud()) == 0
    assert np.isfinite(log_partition(1e4 * cloud())).all()


def test_average_cosine_oracle_loops():
    X = cloud(40) - 1
    X[3] = 0
    cosines = [
        X[i] @ X[j] / max(np.linalg.norm(X[i]) * np.linalg.norm(X[j]), 1e-300) for i in range(40) for j in range(i)
    ]
    assert average_cosine(X) == pytest.approx(np.mean(cosines))


def test_normalised_as_cosine_sees_them():
    X = cloud() * np.random.default_rng(1).uniform(0.1, 10, size=(300, 1))
    U = X / np.linalg.norm(X, axis=1, keepdims=True)
    ours, theirs = report_on(X, normalise=True).metrics, report_on(U).metrics
    for name in ours:
        assert ours[name].value == pytest.approx(theirs[name].value, rel=1e-6)


def test_moving_a_space_changes_two_of_them_only():
    near, far = (report_on(cloud() + offset).metrics for offset in (0, 3))
    for name in ("isoscore", "variance_explained", "two_nn"):
        assert near[name].value == pytest.approx(far[name].value, rel=1e-6)
    assert far["average_cosine"].value > near["average_cosine"].value + 0.3
    assert far["partition"].value < near["partition"].value / 2


def test_every_figure_has_an_interval_around_it():
    for estimate in report_on(cloud(), k=2).metrics.values():
        assert estimate.interval.low < estimate.value < estimate.interval.high


def test_only_what_was_chosen_in_that_order():
    assert list(report_on(cloud(), ("two_nn", "isoscore")).metrics) == ["two_nn", "isoscore"]


@pytest.mark.parametrize("scores", [("isoscore", "beauty"), ()], ids=str)
def test_unknown_scores_refused(scores):
    with pytest.raises(DataError, match="scores are among isoscore"):
        Isotropy(scores).update(cloud())


def test_nothing_to_compare_refused():
    with pytest.raises(DataError, match="at least 2 vectors"):
        average_cosine(np.ones((1, 3)))
    with pytest.raises(DataError, match="at least 1 vector"):
        partition_score(np.empty((0, 3)))
