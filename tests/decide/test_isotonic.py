import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from cosimo.decide import Isotonic
from cosimo.decide.calibrators.isotonic import pooled, step_ends

EXAMPLES = [Isotonic(), Isotonic(cut=0.8)]


def tied(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    s = rng.integers(0, rng.integers(2, 2 * n), n) / 7 - 1
    s[:2] = -1, 1
    y = rng.random(n) < (s + 1.2) / (s.max() + 1.5)
    y[:2] = False, True
    return s, y, rng.uniform(0.2, 5, n)


def naive_pav(s, y, w) -> dict[float, float]:
    """Blocks [weight, sum, scores], merged while any two neighbours are out of order."""
    blocks = [[w[s == one].sum(), (w * y)[s == one].sum(), [one]] for one in sorted(set(s.tolist()))]
    while True:
        means = [block[1] / block[0] for block in blocks]
        worse = [i for i in range(len(blocks) - 1) if means[i] > means[i + 1]]
        if not worse:
            return {one: mean for block, mean in zip(blocks, means, strict=True) for one in block[2]}
        i = worse[0]
        blocks[i : i + 2] = [[a + b for a, b in zip(blocks[i], blocks[i + 1], strict=True)]]


@pytest.mark.parametrize("seed", range(20))
def test_equals_scikit_learn_between_and_beyond_too(seed):
    s, y, w = tied(60, seed)
    new = np.linspace(s.min() - 1, s.max() + 1, 301)
    theirs = IsotonicRegression(out_of_bounds="clip").fit(s, y, sample_weight=w)
    np.testing.assert_allclose(Isotonic().fit(s, y, weights=w).probability(new), theirs.predict(new), atol=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_equals_a_naive_loop(seed):
    s, y, w = tied(25, seed)
    knots, values = pooled(s, y, w)
    expected = naive_pav(s, y, w)
    np.testing.assert_array_equal(knots, list(expected))
    np.testing.assert_allclose(values, list(expected.values()), atol=1e-12)


def test_labels_in_order_are_left_as_they_are():
    s = np.array([0.1, 0.2, 0.3, 0.4])
    np.testing.assert_array_equal(Isotonic().fit(s, [0, 0, 1, 1]).probability(s), [0, 0, 1, 1])


def test_labels_in_reverse_order_get_their_share():
    assert set(Isotonic().fit([0.1, 0.2, 0.3, 0.4], [1, 0, 0, 0]).probability([-9.0, 0.25, 9.0])) == {0.25}


def test_only_the_ends_of_steps_are_kept():
    rng = np.random.default_rng(0)
    s = rng.normal(size=5000)
    fitted = Isotonic().fit(s, rng.random(5000) < 1 / (1 + np.exp(-s)))
    assert len(fitted.knots_) < 200
    every = pooled(s, rng.random(5000) < 0.5, np.ones(5000))[1]
    np.testing.assert_array_equal(np.unique(every[step_ends(every)]), np.unique(every))
