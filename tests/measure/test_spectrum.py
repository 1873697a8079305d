import numpy as np
import pytest

from cosimo.measure import participation_ratio, stable_rank, variance_explained
from cosimo.measure.vectors.moments import Moments
from cosimo.measure.vectors.one_pass import Seen
from cosimo.measure.vectors.sampling import GROUPS, Reservoir
from cosimo.measure.vectors.spectrum import few_rows, left_out_spectra, moments, spectral_estimates
from cosimo.statistics import random_groups


def cloud(n, d, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)) / np.sqrt(np.arange(1, d + 1)) - 0.5


def estimated(X, *, size, seed=0):
    seen = Seen()
    whole, sample = seen.get(Moments, False), seen.get(Reservoir, size, seed)
    seen.update(X)
    return spectral_estimates({"ratio": participation_ratio}, seen, whole, sample)["ratio"]


@pytest.mark.parametrize("k", [1, 3, 8])
def test_k_equal_axes(k):
    variances = np.where(np.arange(8) < k, 2.5, 0.0)
    assert participation_ratio(variances) == pytest.approx(k)
    assert stable_rank(variances) == pytest.approx(k)
    assert variance_explained(variances, 1) == pytest.approx(1 / k)
    assert variance_explained(variances, 8) == 1


def test_oracle_scikit_learn_and_norms():
    from sklearn.decomposition import PCA

    X = cloud(200, 6)
    variances, Y = moments(X).variances, X - X.mean(axis=0)
    told = PCA().fit(X).explained_variance_ratio_
    for k in range(7):
        assert variance_explained(variances, k) == pytest.approx(told[:k].sum())
    assert stable_rank(variances) == pytest.approx(np.linalg.norm(Y) ** 2 / np.linalg.norm(Y, 2) ** 2)
    assert participation_ratio(variances) == pytest.approx(1 / (told**2).sum())


def test_no_variance_counts_nothing():
    nothing = np.zeros(4)
    assert (participation_ratio(nothing), stable_rank(nothing), variance_explained(nothing, 2)) == (0, 0, 0)


@pytest.mark.parametrize(("n", "d"), [(400, 12), (60, 100)])
def test_left_out_groups_change_the_variances_to_first_order(n, d):
    """Against a decomposition anew without each group; of fewer rows than dimensions they change somewhat too much."""
    X = cloud(n, d)
    labels = random_groups(n, groups=GROUPS, seed=3)
    ours = np.array([participation_ratio(spectrum) for spectrum in left_out_spectra(X, seed=3)])
    anew = np.array([participation_ratio(moments(X[labels != group]).variances) for group in range(GROUPS)])
    assert np.corrcoef(ours, anew)[0, 1] > 0.95
    assert 0.98 < ours.std() / anew.std() < (1.02 if n > d else 1.25)


def test_interval_of_all_rows_from_a_sample():
    X = cloud(8000, 5)
    part, whole = estimated(X, size=2000), estimated(X, size=8000)
    assert part.value == whole.value == participation_ratio(moments(X).variances)
    widths = [found.interval.high - found.interval.low for found in (part, whole)]
    assert widths[0] == pytest.approx(widths[1], rel=0.5)
    assert part.interval.n_units == 8000


@pytest.mark.slow
def test_intervals_cover():
    """1,000 draws of 300 rows: the interval holds the mean over all draws in 95 of 100, within 2."""
    found = []
    for seed in range(1000):
        found.append(estimated(cloud(300, 5, seed), size=300, seed=seed))
    centre = np.mean([estimate.value for estimate in found])
    assert 930 <= sum(estimate.interval.low <= centre <= estimate.interval.high for estimate in found) <= 970


def test_fewer_rows_than_dimensions_are_told():
    assert few_rows(11, 10) == ()
    assert "vary along 9 axes at most" in few_rows(10, 10)[0]
