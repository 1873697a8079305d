import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from cosimo.decide import BetaCalibration, Platt, load_decider, save_decider
from cosimo.decide.calibrators.logistic import smoothed_targets
from cosimo.errors import DataError

EXAMPLES = [BetaCalibration(), BetaCalibration(bounds=(-2.0, 2.0), cut=0.7)]


def beta_scores(n: int, seed: int = 0, matches=(5, 2), others=(2, 3)) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.random(n) < 0.4
    return np.where(y, rng.beta(*matches, n), rng.beta(*others, n)), y


def test_equals_a_logistic_regression_on_both_logarithms():
    """A target t between 0 and 1 is a match with weight t and none with weight 1 - t."""
    u, y = beta_scores(500)
    w = np.random.default_rng(1).uniform(1, 3, 500)
    w /= w.mean()
    t = smoothed_targets(y, w)
    F = np.column_stack([np.log(u), -np.log1p(-u)])
    theirs = LogisticRegression(C=1e9, tol=1e-10, max_iter=10_000).fit(
        np.vstack([F, F]), np.repeat([1, 0], 500), sample_weight=np.concatenate([w * t, w * (1 - t)])
    )
    ours = BetaCalibration().fit(u, y, weights=w).coefficients_
    np.testing.assert_allclose(ours, [*theirs.coef_[0], *theirs.intercept_], rtol=1e-3)


def test_recovers_two_beta_distributions():
    """Matches Beta(5, 2), others Beta(2, 3): the likelihood ratio has a = 5 - 2 and b = 3 - 2."""
    u, y = beta_scores(200_000)
    a, b, _ = BetaCalibration().fit(u, y).coefficients_
    assert (a, b) == (pytest.approx(3, abs=0.1), pytest.approx(1, abs=0.05))


def test_contains_the_identity_which_platt_does_not():
    rng = np.random.default_rng(2)
    p = rng.random(100_000)
    y = rng.random(100_000) < p
    grid = np.array([0.01, 0.1, 0.5, 0.9, 0.99])
    np.testing.assert_allclose(BetaCalibration().fit(p, y).probability(grid), grid, atol=0.005)
    assert np.abs(Platt().fit(p, y).probability(grid) - grid).max() > 0.03


def test_a_side_that_would_fall_is_held_level():
    u, y = beta_scores(5000, matches=(5, 3), others=(2, 2))  # b would be -1
    fitted = BetaCalibration().fit(u, y)
    assert fitted.coefficients_[0] > 0
    assert fitted.coefficients_[1] == 0
    assert (BetaCalibration().fit(1 - u, y).coefficients_[:2] >= 0).all()


@pytest.mark.parametrize("given", [{"bounds": (-1, 1)}, {"context": {"scale": "cosine"}}])
def test_bounds_are_mapped_to_0_and_1(given):
    u, y = beta_scores(300)
    ours = BetaCalibration(bounds=given.get("bounds")).fit(2 * u - 1, y, context=given.get("context"))
    np.testing.assert_allclose(ours.probability(2 * u - 1), BetaCalibration().fit(u, y).probability(u))


def test_scores_at_a_bound_and_beyond_it_by_rounding():
    fitted = BetaCalibration(bounds=(-1, 1)).fit([-1.0, -0.5, 0.2, 0.4, 0.6, 1.0], [0, 0, 1, 0, 1, 1])
    P = fitted.probability(np.array([-1.0000001, -1, 1, 1.0000001], np.float32))
    assert np.isfinite(P).all()
    assert (P[0], P[3]) == (P[1], P[2])
    one = [fitted.probability([s])[0] for s in (1 - 2e-6, 1.0)]
    np.testing.assert_allclose(*one, atol=1e-9)


def test_two_scores_only():
    P = BetaCalibration().fit([0.2, 0.2, 0.2, 0.8, 0.8], [0, 0, 1, 1, 1]).probability([0.2, 0.8])
    t = smoothed_targets(np.array([0, 0, 1, 1, 1]) > 0, np.ones(5))
    np.testing.assert_allclose(P, [t[:3].mean(), t[3]], atol=1e-6)
    assert expit(0) > P[0]


def test_scores_outside_refused():
    fitted = BetaCalibration().fit([0.1, 0.6, 0.9], [0, 1, 1])
    with pytest.raises(DataError, match=r"1 of 2 scores lie outside 0 to 1, such as -0.3; .*bounds=\(-1, 1\)"):
        BetaCalibration().fit([-0.3, 0.9], [0, 1])
    with pytest.raises(DataError, match="1 of 3 scores lie outside 0 to 1, such as 7"):
        fitted.probability([0.2, np.nan, 7.0])


@pytest.mark.parametrize("bounds", [(1, -1), (0, 0), (0, np.inf), (np.nan, 1)])
def test_bounds_that_bound_nothing_refused(bounds):
    with pytest.raises(DataError, match="lower one first"):
        BetaCalibration(bounds=bounds).fit([0.1, 0.9], [0, 1])


def test_bounds_are_stored():
    fitted = BetaCalibration(bounds=(-1, 1)).fit([-0.3, 0.6, 0.9], [0, 1, 1])
    again = load_decider(*save_decider(fitted))
    np.testing.assert_array_equal(again.probability([-1.0, 0.7]), fitted.probability([-1.0, 0.7]))
    assert tuple(again.bounds) == (-1, 1)
