import itertools

import numpy as np
import pytest
from scipy.stats import binom, pearsonr, skew, spearmanr
from sklearn.exceptions import NotFittedError

from contracts.collect import case
from cosimo._arrays import unit
from cosimo.encode import Table
from cosimo.errors import DataError
from cosimo.measure import SemanticSeries, compare_encoders, p_k, window_diff
from cosimo.measure.probes.circular_shifts import around, shift_p_values, shifted_correlations
from cosimo.measure.probes.semantic_variation_series import _depths
from cosimo.statistics import holm


def vectors(n=20, d=5, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def cosine(x, y):
    return float(
        x.astype(float) @ y.astype(float) / np.sqrt((x.astype(float) ** 2).sum() * (y.astype(float) ** 2).sum())
    )


# One text


@pytest.mark.parametrize("lag", [1, 3])
@pytest.mark.parametrize("smooth", [1, 3, 7])
def test_series_and_matrix_oracle_loops(lag, smooth):
    X = vectors()
    text = SemanticSeries(Table(range(20), X), lag, smooth=smooth).fit(range(20))
    values = [cosine(X[t], X[t + lag]) for t in range(20 - lag)]
    smoothed = []
    for t in range(len(values)):
        window = [values[u] for u in range(t - smooth // 2, t + smooth // 2 + 1) if 0 <= u < len(values)]
        smoothed.append(sum(window) / len(window))
    np.testing.assert_allclose(text.series_, smoothed, atol=1e-6)
    np.testing.assert_allclose(text.matrix_, [[cosine(x, y) for y in X] for x in X], atol=1e-6)


def test_sentences_without_a_vector_are_like_nothing():
    X = vectors(5)
    X[2] = 0
    text = SemanticSeries(Table(range(5), X)).fit(range(5))
    np.testing.assert_array_equal(text.matrix_[2], 0)
    np.testing.assert_array_equal(text.series_[1:3], 0)


def brute_depths(values):
    found = []
    for t, value in enumerate(values):
        first = t == 0 or values[t - 1] != value
        left, right = t, t
        while left > 0 and values[left - 1] >= values[left]:
            left -= 1
        while right + 1 < len(values) and values[right + 1] >= values[right]:
            right += 1
        end = t
        while end + 1 < len(values) and values[end + 1] == value:
            end += 1
        falls = (t > 0 and values[t - 1] < value) or (end + 1 < len(values) and values[end + 1] < value)
        found.append(values[left] + values[right] - 2 * value if first and not falls else 0)
    return found


@pytest.mark.parametrize("seed", range(30))
def test_depths_oracle_walk(seed):
    values = np.random.default_rng(seed).integers(-3, 4, size=15).astype(float)
    np.testing.assert_array_equal(_depths(values), brute_depths(values))


def test_depths_of_slopes_and_level_stretches():
    np.testing.assert_array_equal(_depths(np.array([3.0, 2, 2, 1, 1, 4])), [0, 0, 0, 5, 0, 0])
    np.testing.assert_array_equal(_depths(np.array([-1.0, -1, -1])), [0, 0, 0])
    np.testing.assert_array_equal(_depths(np.array([1.0, 2, 3])), [2, 0, 0])


@pytest.mark.parametrize("lag", [1, 2, 3])
def test_boundaries_are_where_the_topic_changes(lag):
    """Three topics, at right angles to each other but for noise."""
    rng = np.random.default_rng(0)
    X = np.repeat(np.eye(8)[:3], [8, 6, 9], axis=0) + 0.05 * rng.normal(size=(23, 8))
    smooth = {1: 1, 2: 3, 3: 3}[lag]
    text = SemanticSeries(Table(range(23), X), lag, smooth=smooth).fit(range(23))
    np.testing.assert_allclose(text.boundaries(2), [8, 14], atol=lag - 1)
    assert text.boundaries(0).shape == (0,)


def test_refused_series():
    encoder = Table(range(20), vectors())
    for lag, smooth in ((0, 1), (1, 0), (1, 2)):
        with pytest.raises(DataError, match="lag wants 1 or more and smooth an odd number"):
            SemanticSeries(encoder, lag, smooth=smooth).fit(range(20))
    with pytest.raises(DataError, match="lag 4 wants 6 sentences at least, got 5"):
        SemanticSeries(encoder, 4).fit(range(5))
    with pytest.raises(NotFittedError, match="no text yet"):
        SemanticSeries(encoder).boundaries(1)
    text = SemanticSeries(encoder).fit(range(20))
    minima = (_depths(text.series_) > 0).sum()
    with pytest.raises(DataError, match=f"20 boundaries were asked for, and the series has {minima} minima"):
        text.boundaries(20)
    with pytest.raises(DataError, match="-1 boundaries"):
        text.boundaries(-1)


# Several encoders


def test_rows_around_are_the_matrix_from_its_diagonal():
    S = np.arange(25).reshape(5, 5)
    np.testing.assert_array_equal(around(S), [[S[i, (i + k) % 5] for k in range(1, 5)] for i in range(5)])


@pytest.mark.parametrize(("coefficient", "oracle"), [("spearman", spearmanr), ("pearson", pearsonr)])
@pytest.mark.parametrize("T", [8, 9])
def test_shifted_correlations_of_series_oracle_loop(coefficient, oracle, T):
    X = np.random.default_rng(0).normal(size=(3, T, 1)).round(1)
    found = shifted_correlations(X, coefficient)
    for a, b, s in itertools.product(range(3), range(3), range(T)):
        expected = oracle(X[a, :, 0], np.roll(X[b, :, 0], -s)).statistic
        assert found[a, b, s] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("coefficient", "oracle"), [("spearman", spearmanr), ("pearson", pearsonr)])
def test_shifted_correlations_of_matrices_oracle_loop(coefficient, oracle):
    """Rows and columns of the second matrix move together, and the upper triangles are correlated."""
    V = np.random.default_rng(0).normal(size=(2, 7, 3))
    A, B = V @ V.transpose(0, 2, 1)
    found = shifted_correlations(np.stack([around(A), around(B)]), coefficient)
    upper = np.triu_indices(7, 1)
    for s in range(7):
        moved = np.roll(B, (-s, -s), axis=(0, 1))
        assert found[0, 1, s] == pytest.approx(oracle(A[upper], moved[upper]).statistic, abs=1e-9)


def test_p_values_oracle_all_shifts():
    """Of two short documents all pairs of shifts can be tried."""
    documents = [np.random.default_rng(i).normal(size=(3, T, 1)) for i, T in ((3, 5), (4, 7))]
    documents = [X + X[:1] for X in documents]
    one, other = (shifted_correlations(X) for X in documents)
    raw = []
    for a, b in ((0, 1), (0, 2), (1, 2)):
        means = [(r + s) / 2 for r in one[a, b] for s in other[a, b]]
        raw.append(np.mean([mean >= means[0] - 1e-9 for mean in means]))
    found = shift_p_values([one, other], 20_000)
    np.testing.assert_allclose(found[np.triu_indices(3, 1)], holm(raw), atol=0.02)
    np.testing.assert_array_equal(np.diag(found), 1)
    np.testing.assert_array_equal(found, found.T)


def walk(rng, n=60, d=6):
    """Vectors of a text in which neighbours are alike."""
    X = rng.normal(size=(n, d))
    for t in range(1, n):
        X[t] = 0.9 * X[t - 1] + 0.4 * X[t]
    return X


def test_p_values_hold_for_texts_whose_neighbours_are_alike():
    """Two unrelated encoders: a permutation of single values would be wrong far too often."""
    R, rejected = 150, {"shifts": 0, "single values": 0}
    for seed in range(R):
        rng = np.random.default_rng(seed)
        pair = [Table(range(60), walk(rng)) for _ in range(2)]
        found = compare_encoders(dict(zip("ab", pair, strict=True)), [range(60)], smooth=5, n_permutations=199)
        series = [SemanticSeries(encoder, smooth=5).fit(range(60)).series_ for encoder in pair]
        rejected["shifts"] += found.series_p[0, 1] <= 0.05
        rejected["single values"] += spearmanr(*series, alternative="greater").pvalue <= 0.05
    most = binom.isf(1e-4, R, 0.05)
    assert rejected["shifts"] <= most < rejected["single values"]


def three():
    X = unit(vectors(40, 6))
    rng = np.random.default_rng(1)
    return {
        "one": Table(range(40), X),
        "near": Table(range(40), X + 0.1 * rng.normal(size=X.shape)),
        "shifted level": Table(range(40), np.column_stack([X, np.full(40, 2.0)])),
        "other": Table(range(40), rng.normal(size=X.shape)),
    }


EXAMPLES = [
    case(compare_encoders, three(), [range(25), range(25, 40)], n_permutations=99),
    case(SemanticSeries(Table(range(20), vectors())).fit, range(20)),
]


def test_comparison_oracle_loops():
    encoders, documents = three(), [range(25), range(25, 40)]
    found = compare_encoders(encoders, documents, lag=2)
    assert found.encoders == tuple(encoders)
    for (i, a), (j, b) in itertools.combinations(enumerate(encoders), 2):
        texts = [[SemanticSeries(encoders[name], 2).fit(d) for name in (a, b)] for d in documents]
        rises = [spearmanr(s.series_, t.series_).statistic for s, t in texts]
        squares = [
            spearmanr(*(x.matrix_[np.triu_indices(len(x.matrix_), 1)] for x in pair)).statistic for pair in texts
        ]
        assert found.series[i, j] == pytest.approx(np.mean(rises), abs=1e-6)
        assert found.matrix[i, j] == pytest.approx(np.mean(squares), abs=1e-6)
        np.testing.assert_allclose(found.by_document["series"][:, i, j], rises, atol=1e-6)
        np.testing.assert_allclose(found.by_document["matrix"][:, i, j], squares, atol=1e-6)
    pooled = np.concatenate([SemanticSeries(encoders["one"], 2).fit(d).series_ for d in documents])
    expected = {"mean": pooled.mean(), "sd": pooled.std(), "lowest": pooled.min(), "highest": pooled.max()}
    assert found.levels["one"] == pytest.approx(expected | {"skewness": skew(pooled)})


def test_the_level_of_cosines_plays_no_part():
    """A constant in every vector turns a cosine c into (c + 4) / 5."""
    found = compare_encoders(three(), [range(20), range(20, 40)], coefficient="pearson")
    assert found.levels["one"]["lowest"] < 0 < 0.6 < found.levels["shifted level"]["lowest"]
    assert found.series[0, 2] == pytest.approx(1)
    assert found.matrix[0, 2] == pytest.approx(1)
    assert found.series_p[0, 2] < 0.05 < found.series_p[0, 3]
    assert found.matrix_p[0, 1] < 0.05 < found.matrix_p[0, 3]


def test_disagreement_is_high_where_encoders_differ():
    X = vectors(30, 6)
    Y = X.copy()
    Y[12] = -Y[12]
    found = compare_encoders({"a": Table(range(30), X), "b": Table(range(30), Y)}, [range(30)])
    assert set(np.argsort(-found.disagreement[0])[:2]) == {11, 12}
    standard = [SemanticSeries(Table(range(30), Z)).fit(range(30)).series_ for Z in (X, Y)]
    standard = [(values - values.mean()) / values.std() for values in standard]
    np.testing.assert_allclose(found.disagreement[0], np.std(standard, axis=0), atol=1e-6)


def test_estimates_and_tree():
    documents = [range(i, i + 10) for i in range(0, 40, 10)]
    found = compare_encoders(three(), documents)
    estimate = found.estimate("one", "near", of="matrix")
    assert estimate.value == found.matrix[0, 1]
    assert estimate.interval.low < estimate.value < estimate.interval.high
    assert (estimate.interval.n_units, estimate.interval.unit) == (4, "document")
    assert compare_encoders(three(), documents[:1]).estimate("one", "near").interval is None
    closest = np.unravel_index(np.argmax(found.matrix - 2 * np.eye(4)), (4, 4))
    np.testing.assert_array_equal(sorted(found.tree(of="matrix")[0, :2]), sorted(closest))
    assert found.tree().shape == (3, 4)
    assert str(found).splitlines()[1].split() == ["one", *(f"{value:.2f}" for value in found.series[0])]


def test_a_constant_series_correlates_with_nothing():
    same = Table(range(10), np.ones((10, 2)))
    found = compare_encoders({"same": same, "one": Table(range(10), vectors(10))}, [range(10)])
    assert found.series[0, 1] == found.matrix[0, 1] == 0
    assert found.series_p[0, 1] == 1
    assert found.levels["same"]["skewness"] == 0


def test_seeds_choose_the_shifts():
    one, again, other = (compare_encoders(three(), [range(40)], seed=seed).series_p for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


@pytest.mark.parametrize(
    ("encoders", "documents", "arguments", "message"),
    [
        (1, [range(9)], {}, "two encoders and a document"),
        (2, [], {}, "two encoders and a document"),
        (2, [range(9), range(2)], {}, "wants 3 sentences at least, got 2"),
        (2, [range(9)], {"coefficient": "kendall"}, "'spearman' or 'pearson'"),
        (2, [range(9)], {"smooth": 4}, "odd number"),
    ],
)
def test_refused_comparisons(encoders, documents, arguments, message):
    with pytest.raises(DataError, match=message):
        compare_encoders(dict(list(three().items())[:encoders]), documents, **arguments)


# Boundaries that are found


def part_of(boundaries, i):
    return sum(b <= i for b in boundaries)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("window", [None, 1, 4])
def test_segmentation_errors_oracle_loops(seed, window):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(8, 30))
    truth, found = (sorted(rng.choice(np.arange(1, n), size=rng.integers(0, 5), replace=False).tolist()) for _ in "ab")
    k = max(1, round(n / (len(truth) + 1) / 2)) if window is None else window
    ends = [(i, i + k) for i in range(n - k)]
    split = [[part_of(places, i) != part_of(places, j) for i, j in ends] for places in (truth, found)]
    counts = [[part_of(places, j) - part_of(places, i) for i, j in ends] for places in (truth, found)]
    expected = [np.mean([a != b for a, b in zip(*pair, strict=True)]) for pair in (split, counts)]
    assert p_k(truth, found, n=n, window=window) == pytest.approx(expected[0])
    assert window_diff(truth, found, n=n, window=window) == pytest.approx(expected[1])


def test_window_diff_sees_what_p_k_does_not():
    assert p_k([5], [4, 5, 6], n=10, window=4) < window_diff([5], [4, 5, 6], n=10, window=4)
    assert p_k([5], [5], n=10) == window_diff([5], [5], n=10) == 0
    assert p_k([], [], n=10) == 0


@pytest.mark.parametrize(
    ("truth", "found", "window", "message"),
    [
        ([0, 3], [3], None, "places from 1 to 9, got 0 to 3"),
        ([3], [10], None, "places from 1 to 9, got 10 to 10"),
        ([3], [3], 10, "a window of 10 does not fit into 10"),
        ([3], [3], 0, "a window of 0"),
    ],
)
def test_refused_boundaries(truth, found, window, message):
    for error in (p_k, window_diff):
        with pytest.raises(DataError, match=message):
            error(truth, found, n=10, window=window)
