"""EvalRank: the published rank in a loop, ties that favour nobody, and whether the evaluator orders models right."""

import itertools

import numpy as np
import pytest
from scipy import stats

from cosimo.encode import FunctionEncoder
from cosimo.errors import DataError, ShapeError
from cosimo.measure import EvalRank, metric_validity
from cosimo.measure.tasks.pairs import evalrank
from cosimo.measure.tasks.places import Hits, MeanRank, ReciprocalRank, places

N, OTHERS = 12, 16
A, B, BACKGROUND = ([f"{side} {i}" for i in range(n)] for side, n in (("left", N), ("right", N), ("other", OTHERS)))


def oracle(texts):
    """Both of a pair have the same direction of their own; all others share another one."""
    return [np.eye(N + 1)[N if text[0] not in "lr" else int(text.split()[1])] for text in texts]


EXAMPLES = [EvalRank(A, B, BACKGROUND)]
ORACLES = [oracle]
CHANCES = [sum(1 / place for place in range(1, 2 * N + OTHERS)) / (2 * N + OTHERS - 1)]


def table(seed, *, dim=3):
    """A system of normal vectors around a common offset, and these vectors."""
    rng = np.random.default_rng(seed)
    vectors = {text: rng.normal(size=dim) + 2 for text in [*A, *B, *BACKGROUND]}
    return FunctionEncoder(lambda texts: np.array([vectors.get(text, np.ones(dim)) for text in texts])), vectors


def published_ranks(vectors, similarity, *, centre):
    """(2n,) the official rank: how many texts, the anchor among them, score higher than the partner, at least 1."""
    mean = np.mean(list(vectors.values()), axis=0) if centre else 0.0
    moved = {text: x - mean for text, x in vectors.items()}
    ranks = []
    for a, b in [*zip(A, B, strict=True), *zip(B, A, strict=True)]:
        positive = similarity(moved[a], moved[b])
        ranks.append(max(1, sum(similarity(moved[a], z) > positive + 1e-12 for z in moved.values())))
    return np.array(ranks)


SIMILARITIES = {
    "cosine": lambda x, y: x @ y / np.linalg.norm(x) / np.linalg.norm(y),
    "euclidean": lambda x, y: 1 / (1 + np.linalg.norm(x - y)),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("centre", [True, False])
@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_oracle_published_ranks(similarity, centre, seed):
    system, vectors = table(seed)
    ranks = published_ranks(vectors, SIMILARITIES[similarity], centre=centre)
    report = EvalRank(A, B, BACKGROUND, similarity=similarity, centre=centre, ties="paper").run(system)
    assert report.metrics["mr"].value == pytest.approx(ranks.mean())
    assert report.metrics["mrr"].value == pytest.approx((1 / ranks).mean())
    for k in (1, 3):
        assert report.metrics[f"hits@{k}"].value == pytest.approx((ranks <= k).mean())
    both = (1 / ranks).reshape(2, N).mean(axis=0)
    np.testing.assert_allclose(report.metrics["mrr"].per_item, both)


def test_a_background_that_repeats_the_pairs_changes_nothing():
    system, _ = table(0)
    once = EvalRank(A, B, BACKGROUND).run(system)
    again = EvalRank(A, B, [*BACKGROUND, *A, *BACKGROUND, *B]).run(system)
    assert once.settings["texts"] == again.settings["texts"] == 2 * N + OTHERS
    assert [found.value for found in once.metrics.values()] == [found.value for found in again.metrics.values()]
    assert once.items == again.items


def test_a_constant_encoder_scores_chance_and_only_the_published_ties_make_it_perfect():
    constant = FunctionEncoder(lambda texts: [[0.3, -1.7]] * len(texts))
    m = 2 * N + OTHERS - 1
    fair = EvalRank(A, B, BACKGROUND).run(constant).metrics
    assert fair["mrr"].value == pytest.approx(CHANCES[0])
    assert fair["mr"].value == pytest.approx((m + 1) / 2)
    assert fair["hits@3"].value == pytest.approx(3 / m)
    assert EvalRank(A, B, BACKGROUND, ties="paper").run(constant).metrics["mrr"].value == 1.0


def test_centring_takes_off_what_all_share():
    _, vectors = table(1)

    def mrr(offset, *, centre):
        system = FunctionEncoder(lambda texts: np.array([vectors.get(text, np.zeros(3)) + offset for text in texts]))
        return EvalRank(A, B, BACKGROUND, centre=centre).run(system).metrics["mrr"].per_item

    offset = np.array([0.0, -50.0, 50.0])
    np.testing.assert_allclose(mrr(offset, centre=True), mrr(0.0, centre=True))
    assert np.abs(mrr(offset, centre=False) - mrr(0.0, centre=False)).max() > 0.1


def test_blocks_change_nothing(monkeypatch):
    system, _ = table(2)
    whole = EXAMPLES[0].run(system).metrics["mrr"].per_item
    monkeypatch.setattr(evalrank, "BLOCK", 5)
    np.testing.assert_array_equal(EXAMPLES[0].run(system).metrics["mrr"].per_item, whole)


def test_pairs_that_share_a_text_depend_on_each_other():
    system, _ = table(3)
    assert EvalRank(A, B, BACKGROUND).run(system).clusters is None
    assert EvalRank([*A, A[0]], [*B, B[1]], BACKGROUND).run(system).clusters is not None


@pytest.mark.parametrize(("above", "tied"), [(0, 0), (2, 0), (0, 3), (1, 2), (4, 1)])
def test_oracle_all_orders_of_ties(above, tied):
    """The right one and those tied with it, in every order."""
    orders = list(itertools.permutations(range(tied + 1)))
    ranks = np.array([above + 1 + order.index(0) for order in orders])
    pred = [[above, tied]]
    assert MeanRank(9)([0], pred) == pytest.approx(ranks.mean())
    assert ReciprocalRank(9)([0], pred) == pytest.approx((1 / ranks).mean())
    for k in (1, 2, 3):
        assert Hits(k, 9)([0], pred) == pytest.approx((ranks <= k).mean())


@pytest.mark.parametrize("m", [1, 2, 7])
def test_chance_is_the_mean_over_all_ranks(m):
    pred = [[above, 0] for above in range(m)]
    for metric in (MeanRank(m), ReciprocalRank(m), Hits(1, m), Hits(3, m)):
        assert metric(range(m), pred).mean() == pytest.approx(metric.tags.chance)


def test_oracle_places():
    rng = np.random.default_rng(0)
    S = rng.integers(-2, 3, size=(40, 6)).astype(float)
    right, excluded = rng.integers(6, size=40), rng.random((40, 6)) < 0.3
    for i, (above, tied) in enumerate(places(S, right, excluded=excluded)):
        others = [S[i, j] for j in range(6) if j != right[i] and not excluded[i, j]]
        assert above == sum(score > S[i, right[i]] for score in others)
        assert tied == sum(score == S[i, right[i]] for score in others)


def test_what_places_refuse():
    with pytest.raises(DataError, match="1 scores are NaN"):
        places(np.array([[0.1, np.nan]]), np.array([0]))
    with pytest.raises(ShapeError, match=r"\(n, 2\) or \(n, q, 2\)"):
        MeanRank(3)([1, 1], [0, 1])


def test_reads_scored_pairs():
    rows = [
        {"sentence1": "a", "sentence2": "b", "score": 5},
        {"sentence1": "a", "sentence2": "b", "score": 4.8},
        {"sentence1": "c", "sentence2": "c", "score": 5},
        {"sentence1": "d", "sentence2": "e", "score": "-1"},
    ]
    task = EvalRank.read(rows, at_least=4.5, name="mine")
    assert (task.a, task.b, task.name) == (["a"], ["b"], "mine")
    assert set(task.background) == set("abcde")
    with pytest.raises(DataError, match="holds no pairs"):
        EvalRank.read(rows, at_least=5.5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["a"], []), "each text of a wants a partner in b, got 1 and 0"),
        (([], []), "holds no pairs"),
        ((["a"], ["a"], ["b"]), "no partner of its own, got 'a'"),
        ((["a"], ["b"], ["a"]), "nothing to tell a partner from"),
    ],
)
def test_bad_data_are_refused(arguments, message):
    with pytest.raises((DataError, ShapeError), match=message):
        EvalRank(*arguments)


def test_bad_options_are_refused():
    with pytest.raises(DataError, match="ties is 'average' or 'paper', got 'best'"):
        EvalRank(A, B, ties="best")
    with pytest.raises(DataError, match='did you mean "cosine"'):
        EvalRank(A, B, similarity="cosin")


MODELS = [f"m{i}" for i in range(12)]
FAMILIES = {model: f"family {i // 3}" for i, model in enumerate(MODELS)}


def numbers(seed, *, noise=0.5):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=12)
    return dict(zip(MODELS, x, strict=True)), dict(zip(MODELS, x + noise * rng.normal(size=12), strict=True))


def test_oracle_scipy_and_the_jackknife_over_families():
    scores, downstream = numbers(0)
    x, y = np.array(list(scores.values())), np.array(list(downstream.values()))
    found = metric_validity(scores, downstream, families=FAMILIES)
    r = stats.spearmanr(x, y).statistic
    assert found.value == pytest.approx(r)
    without = np.array([np.arctanh(stats.spearmanr(np.delete(x, f), np.delete(y, f)).statistic) for f in _families()])
    error = np.sqrt(3 / 4 * ((without - without.mean()) ** 2).sum())
    reach = stats.t.ppf(0.975, 3) * error
    assert (found.interval.low, found.interval.high) == pytest.approx(
        np.tanh([np.arctanh(r) - reach, np.arctanh(r) + reach])
    )
    assert (found.interval.unit, found.interval.n_units) == ("family of models", 4)
    pearson = metric_validity(scores, downstream, coefficient="pearson")
    assert pearson.value == pytest.approx(stats.pearsonr(x, y).statistic)
    assert (pearson.interval.unit, pearson.interval.n_units) == ("model", 12)


def _families():
    return [[i, i + 1, i + 2] for i in range(0, 12, 3)]


def test_order_of_the_models_does_not_matter():
    scores, downstream = numbers(1)
    turned = dict(reversed(downstream.items()))
    assert metric_validity(scores, turned).value == metric_validity(scores, downstream).value


def test_one_family_says_nothing_of_the_error():
    scores, downstream = numbers(2)
    assert metric_validity(scores, downstream, families=dict.fromkeys(MODELS, "one")).interval is None


@pytest.mark.parametrize(
    ("scores", "downstream", "families", "message"),
    [
        ({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 2, "d": 3}, None, "'c' is on one side only"),
        ({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 2, "c": 3}, {"a": "x", "b": "x"}, "'c' has no family"),
        ({"a": 1, "b": 2}, {"a": 1, "b": 2}, None, "three models at least, got: 2"),
        ({"a": 1, "b": 1, "c": 1}, {"a": 1, "b": 2, "c": 3}, None, "all 3 models have the same number"),
        ({"a": 1, "b": 1, "c": np.nan}, {"a": 1, "b": 2, "c": 3}, None, "NaN"),
    ],
)
def test_bad_tables_are_refused(scores, downstream, families, message):
    with pytest.raises(DataError, match=message):
        metric_validity(scores, downstream, families=families)
