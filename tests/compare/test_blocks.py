import re

import numpy as np
import pytest

from cosimo.compare import Cosine, Dot, Euclidean, Hamming, Manhattan, MaxSim, blocks
from cosimo.errors import DataError, ShapeError
from cosimo.types import Codes, Tokens

ON_VECTORS = [Cosine(), Dot(), Euclidean(), Manhattan()]
RNG = np.random.default_rng(0)
Q, K = RNG.normal(size=(23, 9)), RNG.normal(size=(31, 9))

each = pytest.mark.parametrize("similarity", ON_VECTORS, ids=repr)


def ragged(X):
    return Tokens(X, np.array([0, 3, 3, 4, len(X)]))


def codes(n):
    return Codes(RNG.integers(256, size=(n, 9), dtype=np.uint8), 70)


SIDES = [(similarity, Q, K) for similarity in ON_VECTORS]
SIDES += [(Hamming(), codes(23), codes(31)), (MaxSim(), ragged(Q), ragged(K))]


@pytest.mark.parametrize("budget", [1, 30, 200])
@pytest.mark.parametrize(("similarity", "queries", "keys"), SIDES, ids=lambda value: type(value).__name__)
def test_tiles_of_any_size_give_the_same_scores(similarity, queries, keys, budget, monkeypatch):
    whole, paired = similarity(queries, keys), similarity.pairs(queries, queries)
    monkeypatch.setattr(blocks, "BUDGET", budget)
    np.testing.assert_allclose(similarity(queries, keys), whole, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(similarity.pairs(queries, queries), paired, rtol=1e-12, atol=1e-12)


def test_no_tile_exceeds_the_budget():
    seen = []

    def score(q, k):
        seen.append(max(q.size, k.size, 40 * len(q) * len(k)))
        return np.zeros((len(q), len(k)))

    X = np.zeros((3000, 40), np.float32)
    blocks.blockwise(score, X, X, width=40)
    assert max(seen) <= blocks.BUDGET
    assert sum(seen) >= 40 * 3000**2


def test_rows_of_many_dimensions_stay_within_the_budget():
    seen = []

    def score(q, k):
        seen.append(k.size)
        return np.zeros((len(q), len(k)))

    X = np.zeros((1500, 5000), np.float32)
    blocks.blockwise(score, X[:1], X)
    assert max(seen) <= blocks.BUDGET


@each
def test_half_precision_is_computed_in_float32(similarity):
    """Scores of many nearly parallel keys tie when they are computed or kept in half precision."""
    rng = np.random.default_rng(1)
    query, centre = np.abs(rng.normal(size=(2, 1, 64)))
    query, near = query.astype(np.float16), (centre + 0.01 * rng.normal(size=(500, 64))).astype(np.float16)
    S = similarity(query, near)
    assert S.dtype == similarity.pairs(near, near).dtype == np.float32
    assert len(np.unique(S.astype(np.float16))) < 250
    assert len(np.unique(S)) > 490


@each
def test_mixed_precision_gives_the_higher_one(similarity):
    assert similarity(Q.astype(np.float32), K).dtype == np.float64
    assert similarity.pairs(Q, Q.astype(np.float32)).dtype == np.float64


@each
def test_integers_are_numbers(similarity):
    S = similarity(np.array([[1, -2]]), np.array([[3, 4]]))
    np.testing.assert_array_equal(S, similarity(np.array([[1, -2]], np.float32), np.array([[3, 4]], np.float32)))


@each
@pytest.mark.parametrize(
    ("queries", "keys", "error", "message"),
    [
        (Q, K[:, :5], ShapeError, "queries have 9 dimensions and keys 5"),
        (Q[0], K, ShapeError, r"queries must have shape (n, d), got (9,); reshape one vector with X[None]"),
        (Q, K[0], ShapeError, "keys must have shape (n, d), got (9,)"),
        (Q, np.full((2, 9), np.nan), DataError, "keys contains NaN or infinity (2 rows, the first is row 0)"),
        (Q, np.array([["a"]]), DataError, "keys must hold numbers"),
    ],
)
def test_bad_sides_are_refused(similarity, queries, keys, error, message):
    for compare in (similarity, similarity.pairs):
        with pytest.raises(error, match=re.escape(message)):
            compare(queries, keys)


@each
def test_pairs_of_other_length_are_refused(similarity):
    with pytest.raises(ShapeError, match="one key for each query, got 23 queries and 31 keys"):
        similarity.pairs(Q, K)


@each
def test_nothing_against_nothing(similarity):
    none = np.empty((0, 9), np.float32)
    assert similarity(none, none).shape == (0, 0)
    assert similarity(Q, none).shape == (23, 0)
    assert similarity.pairs(none, none).shape == (0,)
