"""Candidates: each item with its k nearest, as a loop over all pairs finds them, in blocks of any size."""

import numpy as np
import pytest

from cosimo.apply.jobs import candidates
from cosimo.apply.jobs.candidates import Side, across, among
from cosimo.compare import Cosine, Dot, Euclidean
from cosimo.errors import DataError


def vectors(n, d=5, seed=0, levels=None):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) if levels is None else rng.integers(0, levels, (n, d))
    return X.astype(np.float32)


def whole(X):
    return Side(X, np.arange(len(X)), np.arange(len(X)))


def nearest(similarity, q, K, k, floor, without=None):
    """Rows of the k best keys of one query, ties by row."""
    scores = similarity.pairs(np.repeat(q[None], len(K), axis=0), K)
    rows = [row for row in range(len(K)) if row != without and (floor is None or scores[row] >= np.float32(floor))]
    return sorted(rows, key=lambda row: (-scores[row], row))[:k]


@pytest.fixture(params=[(4096, 1 << 24), (3, 20)], ids=["one block", "many blocks"], autouse=True)
def blocks(request, monkeypatch):
    monkeypatch.setattr(candidates, "QUERIES", request.param[0])
    monkeypatch.setattr(candidates, "ELEMENTS", request.param[1])


@pytest.mark.parametrize("similarity", [Cosine(), Dot(), Euclidean()], ids=lambda s: s.scale)
@pytest.mark.parametrize(("k", "floor", "levels"), [(1, None, None), (3, None, 2), (4, 0.3, None), (40, -0.5, 3)])
def test_among_equals_a_loop(similarity, k, floor, levels):
    X = vectors(25, levels=levels)
    wanted = {
        (min(i, j), max(i, j)) for i in range(len(X)) for j in nearest(similarity, X[i], X, k, floor, without=i)
    }  # fmt: skip
    a, b, scores = among(whole(X), k, similarity=similarity, floor=floor)
    assert list(zip(a.tolist(), b.tolist(), strict=True)) == sorted(wanted)
    np.testing.assert_array_equal(scores, similarity.pairs(X[a], X[b]))


@pytest.mark.parametrize(("k", "floor", "levels"), [(1, None, None), (3, None, 2), (4, 0.3, None)])
def test_across_equals_a_loop(k, floor, levels):
    Q, K = vectors(10, seed=1, levels=levels), vectors(23, levels=levels)
    wanted = [(i, j) for i in range(len(Q)) for j in nearest(Cosine(), Q[i], K, k, floor)]
    a, b, scores = across(whole(Q), whole(K), k, similarity=Cosine(), floor=floor)
    assert list(zip(a.tolist(), b.tolist(), strict=True)) == wanted
    np.testing.assert_array_equal(scores, Cosine().pairs(Q[a], K[b]))


def test_rows_keep_their_names():
    X = vectors(12)
    rows = np.array([2, 3, 5, 11])
    a, b, scores = among(Side(X, rows, rows), 1, similarity=Cosine())
    c, d, same = among(Side(X[rows], np.arange(4), rows), 1, similarity=Cosine())
    assert set(a) | set(b) <= set(rows)
    for one, other in ((a, c), (b, d), (scores, same)):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("n", [0, 1])
def test_nothing_to_compare(n):
    a, b, scores = among(whole(vectors(n)), 3, similarity=Cosine())
    assert (len(a), len(b), len(scores)) == (0, 0, 0)
    for left, right in ((n, 0), (0, n)):
        assert len(across(whole(vectors(left)), whole(vectors(right)), 3, similarity=Cosine())[0]) == 0


def test_k_below_one_is_refused():
    for find in (lambda: among(whole(vectors(3)), 0, similarity=Cosine()),
                 lambda: across(whole(vectors(3)), whole(vectors(3)), 0, similarity=Cosine())):  # fmt: skip
        with pytest.raises(DataError, match="k must be at least 1"):
            find()
