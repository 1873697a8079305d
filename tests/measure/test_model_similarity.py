import sys
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import spearmanr

from contracts.collect import case
from cosimo import Space
from cosimo.encode import FunctionEncoder
from cosimo.errors import DataError, MissingExtra, ShapeError
from cosimo.measure import ModelSimilarity, jaccard_at_k, linear_cka, rank_similarity, rsa
from cosimo.statistics import delete_group_interval, mean_interval


def related(n, *, noise=0.3, seed=0, dims=(6, 9)):
    """Two models' vectors of n items that have something in common, in different dimensions."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(n, 4))
    return tuple(common @ rng.normal(size=(4, d)) + noise * rng.normal(size=(n, d)) + 3 for d in dims)


EXAMPLES = [
    case(linear_cka, *related(20)),
    case(rsa, *related(20)),
    case(ModelSimilarity(("cka",)).fit, dict(zip("ab", related(20), strict=True))),
]


def u_centred(K):
    """Székely and Rizzo's U-centring, written out entry by entry."""
    n, K = len(K), K - np.diag(np.diag(K))
    U = np.zeros_like(K)
    for i in range(n):
        for j in range(n):
            if i != j:
                U[i, j] = K[i, j] - K[i].sum() / (n - 2) - K[:, j].sum() / (n - 2) + K.sum() / ((n - 1) * (n - 2))
    return U


def cosine_of(A, B):
    return (A * B).sum() / np.sqrt((A * A).sum() * (B * B).sum())


@pytest.mark.parametrize("n", [8, 30])
def test_plain_cka_equals_its_definitions(n):
    X, Y = related(n)
    H = np.eye(n) - 1 / n
    gram = cosine_of(H @ X @ X.T @ H, H @ Y @ Y.T @ H)
    x, y = X - X.mean(0), Y - Y.mean(0)
    features = np.linalg.norm(y.T @ x, "fro") ** 2 / np.linalg.norm(x.T @ x, "fro") / np.linalg.norm(y.T @ y, "fro")
    assert linear_cka(X, Y, debiased=False) == pytest.approx(gram, abs=1e-12)
    assert linear_cka(X, Y, debiased=False) == pytest.approx(features, abs=1e-12)


@pytest.mark.parametrize("n", [8, 30])
def test_debiased_cka_is_the_cosine_of_u_centred_gram_matrices(n):
    X, Y = related(n)
    assert linear_cka(X, Y) == pytest.approx(cosine_of(u_centred(X @ X.T), u_centred(Y @ Y.T)), abs=1e-12)


def test_cka_is_blind_to_rotation_scale_and_shift():
    X, Y = related(40)
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))[0]
    for debiased in (True, False):
        assert linear_cka(X, -7 * X @ turn + 5, debiased=debiased) == pytest.approx(1, abs=1e-12)
        assert linear_cka(X @ turn, Y, debiased=debiased) == pytest.approx(linear_cka(X, Y, debiased=debiased))


def test_only_the_debiased_cka_of_unrelated_models_is_0_on_average():
    rng = np.random.default_rng(0)
    pairs = [(rng.normal(size=(30, 60)), rng.normal(size=(30, 80))) for _ in range(60)]
    debiased = np.array([linear_cka(X, Y) for X, Y in pairs])
    assert abs(debiased.mean()) < 4 * debiased.std() / np.sqrt(len(pairs))
    assert min(linear_cka(X, Y, debiased=False) for X, Y in pairs) > 0.5


def test_rsa_oracle_scipy():
    X, Y = related(25)
    triangle = np.triu_indices(25, 1)

    def cosines(V):
        V = V / np.linalg.norm(V, axis=1, keepdims=True)
        return (V @ V.T)[triangle]

    assert rsa(X, Y) == pytest.approx(spearmanr(cosines(X), cosines(Y)).statistic, abs=1e-12)
    assert rsa(X, -X) == pytest.approx(1)


LISTS = np.array([[3, 1, 2, 9], [5, 6, -1, -1], [1, 2, 3, 4]]), np.array([[1, 4, 3, 8], [7, 8, -1, -1], [1, 2, 3, 4]])


def jaccard_loop(a, b, k):
    first, second = ({row for row in rows[:k] if row >= 0} for rows in (a, b))
    return len(first & second) / len(first | second)


def rank_similarity_loop(a, b, k):
    first, second = ({row: place for place, row in enumerate(rows[:k], 1) if row >= 0} for rows in (a, b))
    common = first.keys() & second.keys()
    if not common:
        return 0.0
    total = sum(2 / ((1 + abs(first[j] - second[j])) * (first[j] + second[j])) for j in common)
    return total / sum(1 / i for i in range(1, len(common) + 1))


@pytest.mark.parametrize("k", [1, 2, 3, 4, 100])
def test_retrieval_measures_oracle_loops(k):
    rng = np.random.default_rng(2)
    for a, b in (LISTS, [np.array([rng.permutation(12)[:7] for _ in range(40)]) for _ in range(2)]):
        np.testing.assert_allclose(jaccard_at_k(a, b, k=k), [jaccard_loop(*ab, k) for ab in zip(a, b, strict=True)])
        expected = [rank_similarity_loop(*ab, k) for ab in zip(a, b, strict=True)]
        np.testing.assert_allclose(rank_similarity(a, b, k=k), expected)


def test_worked_example_of_ranks():
    """Rows 1 and 3 are common, at ranks (2, 1) and (1, 3): 2 / (2 * 3) + 2 / (3 * 4), over 1 + 1/2."""
    assert rank_similarity(*LISTS)[0] == pytest.approx((1 / 3 + 1 / 6) / 1.5)
    assert rank_similarity(*LISTS)[1:].tolist() == [0.0, 1.0]
    assert jaccard_at_k(*LISTS).tolist() == [2 / 6, 0.0, 1.0]


def test_queries_without_any_answer_score_0():
    empty = np.full((1, 3), -1)
    assert jaccard_at_k(empty, empty).tolist() == rank_similarity(empty, empty).tolist() == [0.0]


@pytest.fixture(scope="module")
def models():
    """Two variants of one model, and a stranger, as vectors of 300 documents and 60 queries."""
    rng = np.random.default_rng(4)
    D, Q = rng.normal(size=(300, 16)), rng.normal(size=(60, 16))
    turn = np.linalg.qr(rng.normal(size=(16, 16)))[0]
    noisy = (D + 0.5 * rng.normal(size=D.shape), Q)
    return {
        "one": (D, Q),
        "turned": (D @ turn, Q @ turn),
        "noisy": noisy,
        "other": (rng.normal(size=(300, 5)), Q[:, :5]),
    }


def test_matrices_hold_the_plain_functions(models):
    measures = ("cka", "cka-plain", "rsa", "jaccard@3", "ranksim@7")
    found = ModelSimilarity(measures, sample=None).fit(models)
    ids = {
        name: np.argsort(-(Q / np.linalg.norm(Q, axis=1, keepdims=True)) @ (D / np.linalg.norm(D, axis=1)[:, None]).T)
        for name, (D, Q) in models.items()
    }
    for (i, a), (j, b) in combinations(enumerate(models), 2):
        expected = [
            linear_cka(models[a][0], models[b][0]),
            linear_cka(models[a][0], models[b][0], debiased=False),
            rsa(models[a][0], models[b][0]),
            jaccard_at_k(ids[a], ids[b], k=3).mean(),
            rank_similarity(ids[a], ids[b], k=7).mean(),
        ]
        for measure, value in zip(measures, expected, strict=True):
            matrix = found.matrices_[measure]
            assert matrix[i, j] == matrix[j, i] == found.estimates_[measure][a, b].value == pytest.approx(value)
            assert matrix[i, i] == 1
            assert found.estimates_[measure][a, b] is found.estimates_[measure][b, a]


def test_intervals_are_those_of_the_library(models):
    found = ModelSimilarity(("cka", "jaccard@5"), sample=None, seed=3).fit(models)
    cka = found.estimates_["cka"]["one", "noisy"]
    X, Y = models["one"][0], models["noisy"][0]
    rng = np.random.default_rng(3)
    rng.permutation(300)  # the draw of the documents
    expected = delete_group_interval(lambda rows: linear_cka(X[rows], Y[rows]), 300, seed=rng)
    assert (cka.interval.low, cka.interval.high) == pytest.approx((expected.low, expected.high))
    assert (cka.interval.method, cka.interval.unit) == ("delete-group jackknife, 40 groups", "document")
    overlap = found.estimates_["jaccard@5"]["one", "noisy"]
    assert overlap.interval == mean_interval(overlap.per_item, unit="query")
    assert len(overlap.per_item) == 60
    assert found.estimates_["cka"]["one", "turned"].interval is None


@pytest.mark.slow
def test_the_interval_of_cka_covers_what_many_documents_give():
    X, Y = related(6000, noise=1.0)
    truth, rng, inside = linear_cka(X, Y), np.random.default_rng(7), 0
    for _ in range(200):
        rows = rng.permutation(6000)[:100]
        found = ModelSimilarity(("cka",), sample=None).fit({"a": X[rows], "b": Y[rows]}).estimates_["cka"]["a", "b"]
        inside += found.interval.low <= truth <= found.interval.high
    assert 0.90 <= inside / 200 <= 0.99


def test_documents_are_sampled_for_vectors_only(models):
    few = ModelSimilarity(("rsa", "jaccard@5"), sample=50, seed=1).fit(models)
    every = ModelSimilarity(("rsa", "jaccard@5"), sample=None).fit(models)
    assert few.estimates_["rsa"]["one", "noisy"].interval.n_units == 50
    assert few.matrices_["rsa"][0, 2] != every.matrices_["rsa"][0, 2]
    np.testing.assert_array_equal(few.matrices_["jaccard@5"], every.matrices_["jaccard@5"])
    rows = np.sort(np.random.default_rng(1).permutation(300)[:50])
    assert few.matrices_["rsa"][0, 2] == pytest.approx(rsa(models["one"][0][rows], models["noisy"][0][rows]))


def letters(texts):
    return np.array([[text.count(c) for c in "abcd"] for text in texts], np.float32)


def test_encoders_and_spaces_read_texts():
    rng = np.random.default_rng(5)
    docs = ["".join(rng.choice(list("abcd"), 9)) for _ in range(40)]
    queries = ["".join(rng.choice(list("abcd"), 3)) for _ in range(20)]
    encoder = FunctionEncoder(letters)
    models = {
        "encoder": encoder,
        "space": Space(encoder),
        "dot": Space(encoder, similarity="dot"),
        "euclidean": Space(encoder, similarity="euclidean"),
        "vectors": (letters(docs), letters(queries)),
    }
    found = ModelSimilarity(("cka", "jaccard@4")).fit(models, docs, queries)
    np.testing.assert_allclose(found.matrices_["cka"], 1)
    jaccard = found.matrices_["jaccard@4"]
    assert jaccard[0, 1] == jaccard[0, 4] == 1
    S, D = letters(queries) @ letters(docs).T, letters(docs)
    by_dot = np.argsort(-S, axis=1, kind="stable")[:, :4]
    by_distance = np.argsort(((letters(queries)[:, None] - D) ** 2).sum(-1), axis=1, kind="stable")[:, :4]
    assert jaccard[2, 3] == pytest.approx(jaccard_at_k(by_dot, by_distance).mean())


def test_roles_are_told():
    seen = []

    class Roles:
        def encode(self, items, *, role):
            seen.append(role)
            return letters(items)

    docs = ["ab", "bc", "cd", "da", "aa"]
    ModelSimilarity(("jaccard@2",)).fit({"one": Roles(), "two": Roles()}, docs, ["ab", "c"])
    assert seen == ["document", "query"] * 2


def test_clusters_and_tree(models):
    found = ModelSimilarity(("cka", "rsa")).fit(models)
    assert found.cluster(2) == {"one": 1, "turned": 1, "noisy": 1, "other": 2}
    assert set(found.cluster(4, measure="rsa").values()) == {1, 2, 3, 4}
    assert set(found.cluster(1).values()) == {1}
    with pytest.raises(DataError, match="cannot be cut into 5"):
        found.cluster(5)


def test_plot_draws_the_tree_and_every_value(models):
    found = ModelSimilarity(("cka",)).fit(models)
    figure = found.plot()
    top, bottom, *_ = figure.axes
    assert len(top.lines) == 3
    order = [label.get_text() for label in bottom.get_xticklabels()]
    assert sorted(order) == sorted(models) and order == [label.get_text() for label in bottom.get_yticklabels()]
    places = [list(models).index(name) for name in order]
    np.testing.assert_array_equal(bottom.images[0].get_array(), found.matrices_["cka"][np.ix_(places, places)])
    written = {(*text.get_position(), text.get_text()) for text in bottom.texts}
    cka = found.matrices_["cka"]
    assert written == {(j, i, f"{cka[places[i], places[j]]:.2f}") for i in range(4) for j in range(4)}
    heights = sorted(line.get_ydata().max() for line in top.lines)
    assert heights[-1] == pytest.approx(1 - cka[3, :3].mean())


def test_plotting_without_matplotlib_names_the_extra(models, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtra, match=r"cosimo\[plots\]"):
        ModelSimilarity(("cka",)).fit(models).plot()


X = np.random.default_rng(6).normal(size=(10, 3))


@pytest.mark.parametrize(
    ("measures", "given", "message"),
    [
        (("cka",), {"a": X}, "two models and one measure"),
        ((), {"a": X, "b": X}, "two models and one measure"),
        (("cosine",), {"a": X, "b": X}, 'no measure is called "cosine"'),
        (("jaccard@0",), {"a": X, "b": X}, 'no measure is called "jaccard@0"'),
        (("cka@5",), {"a": X, "b": X}, 'no measure is called "cka@5"'),
        (("jaccard",), {"a": X, "b": X}, 'no measure is called "jaccard"'),
        (("jaccard@2",), {"a": X, "b": X}, "a has no queries"),
        (("jaccard@11",), {"a": (X, X), "b": (X, X)}, "wanted 11 of 10 documents"),
        (("jaccard@2",), {"a": (X, X[:0]), "b": (X, X[:0])}, "for 0 queries"),
        (("cka",), {"a": FunctionEncoder(letters), "b": X}, "a must read the documents"),
        (("cka",), {"a": np.ones((10, 2)), "b": X}, "all alike"),
        (("rsa",), {"a": np.ones((10, 2)), "b": X}, "all alike"),
        (("cka",), {"a": X[:3], "b": X[:3]}, "4 items at least"),
    ],
)
def test_refused(measures, given, message):
    with pytest.raises(DataError, match=message):
        ModelSimilarity(measures).fit(given)


@pytest.mark.parametrize(
    "given", [{"a": X, "b": X[:9]}, {"a": (X, X), "b": (X[:9], X)}, {"a": (X, X), "b": (X, X[:9])}]
)
def test_other_items_refused(given):
    with pytest.raises(ShapeError, match="same"):
        ModelSimilarity(("jaccard@2",) if isinstance(given["a"], tuple) else ("cka",)).fit(given)


def test_plain_functions_refuse_other_items():
    for measure in (linear_cka, rsa):
        with pytest.raises(ShapeError, match="same items in the same order"):
            measure(X, X[:9])
    for measure in (jaccard_at_k, rank_similarity):
        with pytest.raises(ShapeError, match="same n queries"):
            measure(LISTS[0], LISTS[1][:2])


def test_not_fitted():
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError, match="call fit"):
        ModelSimilarity().cluster()


def test_a_measure_that_was_not_fitted(models):
    with pytest.raises(DataError, match="rsa was not measured; measured were cka"):
        ModelSimilarity(("cka",)).fit(models).cluster(measure="rsa")
