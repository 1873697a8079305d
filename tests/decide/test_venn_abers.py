import numpy as np
import pytest
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression

from cosimo.decide import Isotonic, VennAbers
from cosimo.errors import Refused, ScaleMismatch

EXAMPLES = [VennAbers(), VennAbers(cut=0.9)]


def tied(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 40))
    s = rng.integers(0, rng.integers(2, 2 * n), n) / 7 - 1
    s[:2] = -1, 1
    y = rng.random(n) < rng.random()
    y[:2] = rng.permutation([False, True])
    return s, y


@pytest.mark.parametrize("seed", range(25))
def test_equals_refitting_isotonic_regression_twice_for_each_score(seed):
    s, y = tied(seed)
    new = np.concatenate([s, s - 0.03, s + 0.03, [-9.0, 9.0]])
    p0, p1 = VennAbers().fit(s, y).interval(new)
    for label, ours in ((0, p0), (1, p1)):
        naive = [IsotonicRegression().fit(np.append(s, x), np.append(y, label)).predict([x])[0] for x in new]
        np.testing.assert_allclose(ours, naive, atol=1e-12)


@pytest.mark.parametrize("seed", range(25))
def test_pair_is_in_order_rises_and_holds_the_estimate(seed):
    calibrated = VennAbers().fit(*tied(seed))
    new = np.linspace(-1.5, 2, 400)
    p0, p1 = calibrated.interval(new)
    P = calibrated.probability(new)
    np.testing.assert_allclose(P, p1 / (1 - p0 + p1))
    assert (p0 <= P).all()
    assert (p1 >= P).all()
    assert (p0 < p1).all()
    for steps in (p0, p1, P):
        assert (np.diff(steps) >= 0).all()


def test_one_label_of_each_class_in_closed_form():
    p0, p1 = VennAbers().fit([0.2, 0.8], [0, 1]).interval([0.1, 0.5, 0.9])
    np.testing.assert_allclose(p0, [0, 0, 1 / 2])
    np.testing.assert_allclose(p1, [1 / 2, 1, 1])


def worst_deviation(forecasts: np.ndarray, y: np.ndarray) -> float:
    """Largest standardised difference of labels from forecasts, over ten groups of equal forecasts' size."""
    groups = np.array_split(np.argsort(forecasts, kind="stable"), 10)
    off = [(y[g] - forecasts[g]).sum() / np.sqrt(max((forecasts[g] * (1 - forecasts[g])).sum(), 1e-9)) for g in groups]
    return float(np.abs(off).max())


def test_one_of_the_two_is_calibrated_on_average_and_isotonic_regression_is_not():
    """20 labels and one new pair, 4,000 times; the probability that belongs to the true label is looked at."""
    rng, runs = np.random.default_rng(0), 4000
    valid, plain, truth = np.empty(runs), np.empty(runs), np.empty(runs)
    for i in range(runs):
        s = rng.normal(size=21)
        y = rng.random(21) < expit(1.5 * s)
        if y[:20].all() or not y[:20].any():
            y[:2] = False, True
        pair = VennAbers().fit(s[:20], y[:20]).interval(s[20:])
        valid[i], truth[i] = pair[int(y[20])][0], y[20]
        plain[i] = np.clip(Isotonic().fit(s[:20], y[:20]).probability(s[20:])[0], 0.01, 0.99)
    assert worst_deviation(valid, truth) < 4
    assert worst_deviation(plain, truth) > 8


def test_more_labels_leave_less_open():
    rng = np.random.default_rng(1)
    s = rng.normal(size=4000)
    y = rng.random(4000) < expit(s)
    widths = [np.subtract(*VennAbers().fit(s[:n], y[:n]).interval([0.0])[::-1])[0] for n in (40, 400, 4000)]
    assert widths[0] > widths[1] > widths[2]


def test_no_number_stays_none():
    calibrated = VennAbers().fit([0.2, 0.8], [0, 1])
    assert np.isnan([*calibrated.interval([np.nan]), calibrated.probability([np.nan])]).all()


def test_pairs_that_are_not_exchangeable_refused():
    with pytest.raises(Refused, match="4 pairs in 2 clusters are not exchangeable"):
        VennAbers().fit([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], clusters=["a", "a", "b", "b"])
    with pytest.raises(Refused, match="unequal probabilities"):
        VennAbers().fit([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], weights=[1, 1, 2, 2])
    alone = VennAbers().fit([0.1, 0.9], [0, 1], clusters=["a", "b"], weights=[3, 3])
    assert alone.guarantee.unit == "pair"


def test_interval_of_another_scale_refused():
    calibrated = VennAbers().fit([0.2, 0.8], [0, 1], context={"scale": "cosine"})
    with pytest.raises(ScaleMismatch, match="bm25"):
        calibrated.interval([0.1], context={"scale": "bm25"})
