import numpy as np
import pytest

from cosimo.errors import DataError
from cosimo.measure import EffectiveRank, RankCurve, effective_rank, phase_split, rank_curve

EXAMPLES = [EffectiveRank(), EffectiveRank(normalise=False, size=40)]


def by_singular_values(X, *, centre=True, normalise=True):
    X = X.astype(np.float64)
    if normalise:
        X = X / np.linalg.norm(X, axis=1, keepdims=True)
    if centre:
        X = X - X.mean(axis=0)
    p = np.linalg.svd(X, compute_uv=False)
    p = p[p > 1e-9 * p.max()] / p.sum()
    return np.exp(-(p * np.log(p)).sum())


@pytest.mark.parametrize("centre", [True, False])
@pytest.mark.parametrize("normalise", [True, False])
@pytest.mark.parametrize("shape", [(300, 12), (20, 50)], ids=str)
def test_oracle_singular_values(shape, normalise, centre):
    X = np.random.default_rng(0).normal(size=shape) / np.arange(1, shape[1] + 1) + 0.2
    expected = by_singular_values(X, centre=centre, normalise=normalise)
    assert effective_rank(X, centre=centre, normalise=normalise) == pytest.approx(expected, rel=1e-8)


def test_even_space_has_its_dimension_and_a_line_has_one():
    rng = np.random.default_rng(1)
    assert effective_rank(rng.normal(size=(20_000, 30))) == pytest.approx(30, rel=0.01)
    line = rng.normal(size=(500, 1)) @ rng.normal(size=(1, 30))
    assert effective_rank(line, normalise=False) == pytest.approx(1)
    assert effective_rank(line.astype(np.float32) + 3, normalise=False) == pytest.approx(1, abs=1e-3)
    assert effective_rank(np.full((9, 4), -2.0)) == 0


def test_rank_is_bounded_by_the_rows_and_grows_with_them():
    X = np.random.default_rng(2).normal(size=(4000, 100))
    ranks = [effective_rank(X[:n]) for n in (10, 50, 200, 4000)]
    assert ranks[0] <= 9
    assert ranks == sorted(ranks)
    assert ranks[-1] <= 100


def test_diagnostic_counts_three_ways():
    X = np.random.default_rng(3).normal(size=(600, 10)) / np.arange(1, 11) - 0.2
    diagnostic = EffectiveRank(normalise=False)
    for block in np.array_split(X, 3):
        diagnostic.update(block)
    found, Y = diagnostic.result().metrics, X - X.mean(axis=0)
    squares = np.linalg.svd(Y, compute_uv=False) ** 2
    expected = [
        by_singular_values(X, normalise=False),
        squares.sum() ** 2 / (squares**2).sum(),
        squares.sum() / squares[0],
    ]
    assert [estimate.value for estimate in found.values()] == pytest.approx(expected)
    for estimate in found.values():
        assert estimate.interval.low < estimate.value < estimate.interval.high


def test_diagnostic_of_directions():
    X = np.random.default_rng(4).normal(size=(300, 6)) * np.random.default_rng(5).uniform(0.1, 9, size=(300, 1))
    diagnostic = EffectiveRank()
    diagnostic.update(X)
    assert diagnostic.result().metrics["effective_rank"].value == pytest.approx(effective_rank(X))


@pytest.mark.slow
def test_intervals_cover():
    """1,000 draws of 300 vectors: the interval holds the mean over all draws in 95 of 100, within 2."""
    found = []
    for seed in range(1000):
        diagnostic = EffectiveRank(seed=seed)
        diagnostic.update(np.random.default_rng(seed).normal(size=(300, 8)) / np.arange(1, 9) + 0.3)
        found.append(diagnostic.result().metrics["effective_rank"])
    centre = np.mean([estimate.value for estimate in found])
    assert 930 <= sum(estimate.interval.low <= centre <= estimate.interval.high for estimate in found) <= 970


def snapshots(ranks, n=400):
    rng = np.random.default_rng(6)
    return [(50 * i, rng.normal(size=(n, rank)) @ rng.normal(size=(rank, 40))) for i, rank in enumerate(ranks)]


def test_curve_and_its_phases():
    curve = rank_curve(snapshots([3, 8, 20, 12, 5]))
    assert curve.steps == (0, 50, 100, 150, 200)
    assert curve.n == 400
    assert curve.ranks[1] == pytest.approx(effective_rank(snapshots([3, 8])[1][1]))
    rise, fall = phase_split(curve)
    assert (rise.steps, fall.steps) == ((0, 50, 100), (100, 150, 200))
    assert rise.ranks[-1] == fall.ranks[0] == max(curve.ranks)


def test_a_rank_that_only_falls_or_only_rises():
    falling, rising = RankCurve((0, 1, 2), (3.0, 2.0, 1.0), 9), RankCurve((0, 1, 2), (1.0, 2.0, 3.0), 9)
    assert [part.steps for part in phase_split(falling)] == [(0,), (0, 1, 2)]
    assert [part.steps for part in phase_split(rising)] == [(0, 1, 2), (2,)]


def test_bad_curves_refused():
    X = np.eye(5)
    with pytest.raises(DataError, match="at least one snapshot"):
        rank_curve([])
    with pytest.raises(DataError, match="steps must rise, got 1 after 1"):
        rank_curve([(1, X), (1, X)])
    with pytest.raises(DataError, match="number of vectors: got 4 at step 2 and 5 before"):
        rank_curve([(1, X), (2, X[:4])])
    with pytest.raises(DataError, match="curve is empty"):
        phase_split(RankCurve((), (), 0))
    with pytest.raises(DataError, match="at least 2 vectors"):
        effective_rank(X[:1])


# What follows measures the claims of the row: rank beside quality over frozen spaces, and over a small training.
