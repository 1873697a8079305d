import numpy as np
import pytest
from scipy.stats import binom

from cosimo.decide import FalseAcceptThreshold
from cosimo.decide.fitting.states import load_decider, save_decider
from cosimo.errors import DataError, NotEnoughLabels, Refused

EXAMPLES = [FalseAcceptThreshold(0.2), FalseAcceptThreshold(0.2, look=None)]


@pytest.mark.parametrize(("n", "rate"), [(59, 0.05), (300, 0.01), (300, 0.1)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_oracle_loop(n, rate, dtype):
    """The lowest score above which so few lie that a higher rate would be a rare sight; accepted is what exceeds it."""
    S = np.random.default_rng(n).normal(size=n).astype(dtype)
    t = min(t for t in S if binom.cdf((t < S).sum(), n, rate) <= 0.05)
    rule = FalseAcceptThreshold(rate, look=None).fit(S)
    np.testing.assert_array_equal(rule.predict(S), t < S)
    assert dtype(rule.threshold_) == np.nextafter(t, dtype(np.inf))


@pytest.mark.parametrize("values", [3, 20, None])
def test_rate_is_exceeded_in_few_draws_of_labels(values):
    rng = np.random.default_rng(0)
    population = rng.normal(size=4000) if values is None else rng.integers(values, size=4000) / values
    cuts = [FalseAcceptThreshold(0.1, look=None).fit(rng.choice(population, 100)).threshold_ for _ in range(2000)]
    rates = np.array([(t <= population).mean() for t in cuts])
    assert (rates > 0.1).sum() <= binom.isf(1e-4, 2000, 0.05)
    assert values is not None or rates.mean() > 0.04


@pytest.mark.parametrize(
    ("rate", "look", "minimum"), [(0.05, None, 59), (0.05, 1, 72), (0.01, None, 299), (0.01, 1, 368)]
)
def test_too_few_refused(rate, look, minimum):
    S = np.arange(float(minimum))
    rule = FalseAcceptThreshold(rate, look=look)
    assert rule.fit(S).predict([S[-1], S[-1] + 1]).tolist() == [0, 1]
    with pytest.raises(NotEnoughLabels, match=f"at least {minimum}") as refused:
        rule.fit(S[1:])
    assert (refused.value.minimum, refused.value.estimate, refused.value.reachable) == (minimum, 1, True)


def test_matches_play_no_part_in_the_cut():
    rng = np.random.default_rng(1)
    S, y = rng.normal(size=300), np.arange(300) < 100
    assert FalseAcceptThreshold(0.1).fit(S, y).threshold_ == FalseAcceptThreshold(0.1).fit(S[~y]).threshold_


def clustered(rng, *, clusters=120, size=6):
    """Queries whose level varies, with `size` pairs each that do not match."""
    level = rng.normal(size=(clusters, 1)) * 2
    return (level + rng.normal(size=(clusters, size))).ravel(), np.repeat(np.arange(clusters), size)


def test_clusters_keep_the_promise_where_pairs_break_it():
    from scipy.stats import norm

    rng = np.random.default_rng(2)
    ours, blind = [], []
    for _ in range(150):
        S, query = clustered(rng)
        ours.append(FalseAcceptThreshold(0.1, look=None).fit(S, clusters=query).threshold_)
        blind.append(FalseAcceptThreshold(0.1, look=None).fit(S).threshold_)
    rates = {name: norm.sf(np.array(t) / np.sqrt(5)) for name, t in (("ours", ours), ("blind", blind))}
    assert (rates["ours"] > 0.1).sum() <= binom.isf(1e-4, 150, 0.05)
    assert rates["ours"].mean() > 0.03
    assert (rates["blind"] > 0.1).sum() > 15


@pytest.mark.parametrize("clusters", [None, np.arange(400) // 2])
def test_pairs_that_can_never_be_accepted_count(clusters):
    """With all but a few of them out of reach, every score is safe to accept."""
    S = np.append(np.linspace(0, 1, 3), np.full(397, -np.inf))
    rule = FalseAcceptThreshold(0.05).fit(S, clusters=clusters)
    np.testing.assert_array_equal(rule.predict([-np.inf, -1e9, 0.5]), [0, 1, 1])
    assert load_decider(*save_decider(rule)).threshold_ == rule.threshold_


def test_guarantee_and_state():
    rng = np.random.default_rng(3)
    S, y = rng.normal(size=400).astype(np.float32), rng.uniform(size=400) < 0.3
    rule = FalseAcceptThreshold(0.1).fit(S, y)
    assert "at most 0.1 of the pairs that do not match are accepted" in str(rule.guarantee)
    assert (rule.guarantee.n_units, rule.guarantee.n_accepted) == ((~y).sum(), (rule.predict(S) == 1).sum())
    again = load_decider(*save_decider(rule))
    np.testing.assert_array_equal(again.predict(S), rule.predict(S))
    np.testing.assert_array_equal(again.probability(S), rule.probability(S))
    assert again.guarantee == rule.guarantee


def test_nothing_is_rejected():
    rule = FalseAcceptThreshold(0.1).fit(np.arange(100.0))
    np.testing.assert_array_equal(rule.predict([-1e9, np.nan, 1e9]), [0, 0, 1])


@pytest.mark.parametrize(
    ("rule", "scores", "arguments", "error", "message"),
    [
        (FalseAcceptThreshold(0), [1.0], {}, DataError, "rate must lie strictly between 0 and 1"),
        (FalseAcceptThreshold(-0.1), [1.0], {}, DataError, "rate must lie strictly between 0 and 1"),
        (FalseAcceptThreshold(), [np.inf], {}, DataError, "NaN or infinite"),
        (FalseAcceptThreshold(), [1.0], {"y": [1]}, Refused, "none of the 1 labels is 0"),
        (FalseAcceptThreshold(), [1.0], {"by": ["a"]}, DataError, "wrap it: PerGroup"),
        (FalseAcceptThreshold(), [1.0], {"unlabelled": [1.0]}, DataError, "no use for unlabelled"),
    ],
)
def test_bad_input(rule, scores, arguments, error, message):
    with pytest.raises(error, match=message):
        rule.fit(scores, **arguments)
