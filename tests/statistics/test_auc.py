import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from cosimo.errors import DataError, Refused, ShapeError
from cosimo.statistics import auc_interval, clopper_pearson, compare_auc, placements, roc_auc, sign_flip_test
from cosimo.statistics.auc import disjoint_pairs


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def sample(rng, n=120, shift=1.0, rate=0.4):
    y = (np.arange(n) < rate * n).astype(int)
    return rng.normal(size=n) + shift * y, y


def naive_delong(s, y):
    """AUC and variance from the matrix of all pairs."""
    kernel = (s[y == 1][:, None] > s[y == 0]) + 0.5 * (s[y == 1][:, None] == s[y == 0])
    v, w = kernel.mean(axis=1), kernel.mean(axis=0)
    return kernel.mean(), v.var(ddof=1) / len(v) + w.var(ddof=1) / len(w)


@pytest.mark.parametrize("ties", [False, True])
def test_auc_oracle_sklearn(rng, ties):
    s, y = sample(rng)
    s = s.round(0) if ties else s
    assert roc_auc(s, y) == pytest.approx(roc_auc_score(y, s))
    assert roc_auc(s, y) == pytest.approx(placements(s, y)[y == 0].mean())
    assert roc_auc(-s, y) == pytest.approx(1 - roc_auc(s, y))


@pytest.mark.parametrize("ties", [False, True])
def test_interval_oracle_matrix(rng, ties):
    s, y = sample(rng)
    s = s.round(0) if ties else s
    A, variance = naive_delong(s, y)
    reach = stats.norm.ppf(0.975) * np.sqrt(variance) / (A * (1 - A))
    wanted = 1 / (1 + np.exp(-np.log(A / (1 - A)) - np.array([-reach, reach])))
    found = auc_interval(s, y)
    assert (found.low, found.high) == pytest.approx(tuple(wanted))
    assert found.method == "DeLong, logit scale"


def test_comparison_oracle_covariance(rng):
    """DeLong's test from the covariances of the two systems' placements."""
    y = np.arange(150) % 3 == 0
    a, b = rng.normal(size=(2, 150)) + 0.7 * rng.normal(size=150) + np.outer([1.2, 0.7], y)
    A, B = placements(a, y), placements(b, y)
    S = sum(np.cov(A[side], B[side]) / side.sum() for side in (y, ~y))
    z = (roc_auc(a, y) - roc_auc(b, y)) / np.sqrt(S[0, 0] + S[1, 1] - 2 * S[0, 1])
    found = compare_auc(a, b, y)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(abs(z)))
    assert found.difference == pytest.approx(roc_auc(a, y) - roc_auc(b, y))
    assert found.interval.low < found.difference < found.interval.high


def test_clusters_of_one_are_items_almost(rng):
    """Obuchowski's variance is DeLong's but for factors n / (n - 1); t is wider than z."""
    s, y = sample(rng, n=800)
    alone, clustered = auc_interval(s, y), auc_interval(s, y, clusters=np.arange(800))
    assert (clustered.low, clustered.high) == pytest.approx((alone.low, alone.high), abs=1e-3)


def test_obuchowski_oracle(rng):
    """The three sums of her paper, in the balanced case where every cluster has both classes."""
    clusters, y = np.repeat(np.arange(30), 4), np.tile([1, 1, 0, 0], 30)
    s = rng.normal(size=30)[clusters] + rng.normal(size=120) + y
    A, p = roc_auc(s, y), placements(s, y)
    own = np.array([[(p[(clusters == c) & (y == k)] - A).sum() for k in (1, 0)] for c in range(30)])
    S = 30 / 29 * own.T @ own / 60**2
    wanted = np.sqrt(S[0, 0] + S[1, 1] + 2 * S[0, 1])
    found = auc_interval(s, y, clusters=clusters)
    logits = np.log([found.low / (1 - found.low), found.high / (1 - found.high)])
    assert np.diff(logits) / 2 == pytest.approx(stats.t.ppf(0.975, 29) * wanted / (A * (1 - A)))


class TestCoverage:
    @pytest.mark.parametrize("shift", [0.5, 2.0])
    def test_items(self, rng, shift):
        truth = stats.norm.cdf(shift / np.sqrt(2))
        found = [auc_interval(*sample(rng, n=80, shift=shift)) for _ in range(300)]
        assert sum(not f.low <= truth <= f.high for f in found) <= stats.binom.isf(1e-4, 300, 0.05 + 0.02)

    def test_clusters(self, rng):
        """Items of one cluster share its level and its class."""
        clusters, y = np.repeat(np.arange(60), 5), np.repeat(np.arange(60) % 2, 5)
        truth, missed, blind = stats.norm.cdf(1 / np.sqrt(2)), 0, 0
        for _ in range(200):
            s = rng.normal(size=60)[clusters] * np.sqrt(0.8) + rng.normal(size=300) * np.sqrt(0.2) + y
            found, alone = auc_interval(s, y, clusters=clusters), auc_interval(s, y)
            missed += not found.low <= truth <= found.high
            blind += not alone.low <= truth <= alone.high
        assert missed <= stats.binom.isf(1e-4, 200, 0.05 + 0.02)
        assert blind > 50

    def test_tiny_class(self, rng):
        truth = stats.norm.cdf(1.5 / np.sqrt(2))
        found = [auc_interval(*sample(rng, n=60, shift=1.5, rate=0.1), seed=rng) for _ in range(300)]
        assert {f.method for f in found} == {"Clopper-Pearson, 6 disjoint pairs"}
        assert sum(not f.low <= truth <= f.high for f in found) <= stats.binom.isf(1e-4, 300, 0.05)


class TestPerfect:
    @pytest.mark.parametrize("n", [2, 10, 200])
    def test_never_zero_width(self, n):
        y = np.arange(n) % 2
        low, high = clopper_pearson(n // 2, n // 2)
        for scores, ends in ((y, (low, high)), (-y, (1 - high, 1 - low))):
            found = auc_interval(scores, y)
            assert (found.low, found.high) == pytest.approx(ends)
            assert (found.kind, found.n_units) == ("confident", n // 2)

    def test_clusters_are_the_units(self):
        y = np.arange(200) % 2
        found = auc_interval(y, y, clusters=np.arange(200) // 10)
        assert found.low == pytest.approx(clopper_pearson(10, 10)[0])
        assert (found.kind, found.n_units) == ("estimate", 10)
        assert auc_interval(y, y, clusters=np.zeros(200)).low == 0

    @pytest.mark.parametrize("shares", [(0, 0, 0), (0, 1, 2)])
    def test_placements_that_do_not_vary(self, shares):
        """All positives tie: with every negative, or with one of three."""
        scores = np.r_[np.tile(shares, 30), np.ones(60)]
        found = auc_interval(scores, np.arange(150) >= 90)
        assert found.high - found.low > 0.01


def test_disjoint_pairs_share_no_cluster_and_no_row(rng):
    positive = rng.random(300) < 0.3
    codes = rng.integers(0, 40, 300)
    better, worse = disjoint_pairs(positive, codes, seed=rng)
    assert positive[better].all()
    assert not positive[worse].any()
    assert len(set(codes[better]) | set(codes[worse])) == len(better) + len(worse) == 40


class TestComparison:
    def test_type_one_error(self, rng):
        p = []
        for _ in range(250):
            y = np.arange(80) % 2
            a, b = rng.normal(size=(2, 80)) + rng.normal(size=80) + y
            p.append(compare_auc(a, b, y).p_value)
        assert (np.array(p) <= 0.05).sum() <= stats.binom.isf(1e-4, 250, 0.05 + 0.015)

    def test_tiny_class_flips_signs_of_disjoint_pairs(self, rng):
        a, y = sample(rng, n=50, shift=3.0, rate=0.2)
        b = rng.normal(size=50)
        found = compare_auc(a, b, y)
        assert found.test == "sign flip over disjoint pairs"
        assert found.interval.low <= found.difference <= found.interval.high
        assert found.interval.n_units == 10
        assert found.p_value >= sign_flip_test(np.ones(10))

    def test_one_cluster_is_refused(self, rng):
        s, y = sample(rng, n=50)
        with pytest.raises(Refused, match="one cluster"):
            compare_auc(s, -s, y, clusters=np.zeros(50))

    def test_one_always_right_and_one_always_wrong(self):
        y = np.arange(100) % 2
        found = compare_auc(y, -y, y)
        assert (found.difference, found.interval.high) == (1, 1)
        assert found.interval.low < 1
        assert found.p_value == 1 / 10000

    def test_a_system_against_itself(self, rng):
        s, y = sample(rng)
        found = compare_auc(s, 2 * s + 1, y)
        assert (found.difference, found.interval, found.p_value) == (0, None, 1)

    def test_clusters(self, rng):
        clusters, y = np.repeat(np.arange(50), 4), np.repeat(np.arange(50) % 2, 4)
        a, b = rng.normal(size=(2, 50))[:, clusters] + 0.1 * rng.normal(size=(2, 200)) + y
        clustered, blind = compare_auc(a, b, y, clusters=clusters), compare_auc(a, b, y)
        assert clustered.difference == blind.difference
        assert (clustered.interval.unit, clustered.interval.n_units) == ("cluster", 50)
        assert clustered.interval.high - clustered.interval.low > blind.interval.high - blind.interval.low


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [([1, 1, 1], DataError, "both classes"), ([0, 1, 2], DataError, "0 or 1"), ([0, 1], ShapeError, "shape")],
)
def test_bad_labels(y, error, message):
    with pytest.raises(error, match=message):
        auc_interval([0.1, 0.2, 0.3], y)
