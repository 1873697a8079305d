import itertools

import numpy as np
import pytest

from cosimo.errors import DataError
from cosimo.search import ReciprocalRankFusion, reciprocal_rank
from cosimo.types import Hits, Item, Query

EXAMPLES = [ReciprocalRankFusion(), ReciprocalRankFusion(depth=3, constant=1)]


def rankings(n, width, seed, *, padded=False):
    """n rankings of `width` of 30 things."""
    rng = np.random.default_rng(seed)
    rows = np.stack([rng.permutation(30)[:width] for _ in range(n)])
    scores = np.sort(rng.normal(size=(n, width)))[:, ::-1]
    if padded:
        rows, scores = rows.copy(), scores.copy()
        rows[::2, width // 2 :], scores[::2, width // 2 :] = -1, -np.inf
    return Hits(rows, scores, f"scale{seed}")


def by_dictionary(lists, query, k, constant):
    """The equation, one thing at a time."""
    total = {}
    for hits in lists:
        for rank, row in enumerate(hits.rows[query].tolist(), start=1):
            if row >= 0:
                total[row] = total.get(row, 0) + 1 / (constant + rank)
    return sorted(total.items(), key=lambda pair: (-round(pair[1], 12), pair[0]))[:k]


@pytest.mark.parametrize("k", [1, 4, 100])
@pytest.mark.parametrize("constant", [0, 60])
def test_oracle_dictionary_of_sums(k, constant):
    lists = [rankings(12, 10, 0), rankings(12, 17, 1, padded=True), rankings(12, 5, 2)]
    fused = reciprocal_rank(lists, k, constant)
    for i in range(12):
        told = by_dictionary(lists, i, k, constant)
        assert [hit.row for hit in fused[i]] == [row for row, _ in told]
        np.testing.assert_allclose([hit.score for hit in fused[i]], [score for _, score in told])
    assert fused.scale == "rrf(scale0, scale1, scale2)"


def test_the_order_of_lists_changes_nothing_but_the_name():
    lists = [rankings(20, 30, seed) for seed in range(4)]
    first = reciprocal_rank(lists, 30)
    for others in itertools.permutations(lists):
        again = reciprocal_rank(others, 30)
        np.testing.assert_array_equal(again.rows, first.rows)
        np.testing.assert_array_equal(again.scores, first.scores)


def test_ties_by_row():
    a = Hits(np.array([[8, 2]]), np.array([[0.9, -0.1]]), "cosine")
    b = Hits(np.array([[2, 8]]), np.array([[7.0, 3.0]]), "bm25")
    fused = reciprocal_rank([a, b], 2)
    assert fused.rows.tolist() == [[2, 8]]
    assert fused.scores[0, 0] == fused.scores[0, 1] == 1 / 61 + 1 / 62


def test_answers_to_no_query_and_no_answers():
    assert reciprocal_rank([Hits.empty(0, "a"), Hits.empty(0, "b")], 3).rows.shape == (0, 0)
    assert reciprocal_rank([Hits.empty(2, "a"), Hits.empty(2, "b")], 3).rows.shape == (2, 0)


def test_bad_input_gets_a_sentence():
    a = Hits.empty(2, "cosine")
    with pytest.raises(DataError, match="k must be at least 1, got 0"):
        reciprocal_rank([a], 0)
    with pytest.raises(DataError, match=r"answers to \[2, 3\] queries"):
        reciprocal_rank([a, Hits.empty(3, "bm25")], 1)
    with pytest.raises(DataError, match="one or more"):
        reciprocal_rank([], 1)
    with pytest.raises(DataError, match="text of the queries"):
        ReciprocalRankFusion()(Query(None, X=np.eye(2)), lambda query: a)


class Collection:
    """Answers with fixed hits and notes what it was asked."""

    def __init__(self):
        self.asked = []
        self.near = Hits(np.array([[4, 7]]), np.array([[0.9, 0.8]]), "cosine", items={4: Item(4, "d"), 7: Item(7, "g")})
        self.words = Hits(np.array([[7, 5]]), np.array([[3.0, 2.0]]), "bm25", items={7: Item(7, "g"), 5: Item(5, "e")})

    def __call__(self, query):
        self.asked.append(query)
        return self.near if query.by == "vector" else self.words


def test_the_stage_searches_deeply_by_vector_and_by_text():
    collection = Collection()
    query = Query(("rice",), k=2, where="year > 2000", min_score=0.01)
    hits = ReciprocalRankFusion(depth=50)(query, collection)
    assert [(q.by, q.k, q.where, q.min_score) for q in collection.asked] == [
        ("vector", 50, "year > 2000", None),
        ("text", 50, "year > 2000", None),
    ]
    assert [hit.id for hit in hits[0]] == ["g", "d"]
    assert hits.scale == "rrf(cosine, bm25)"
    assert set(hits.items) == {4, 5, 7}
    ReciprocalRankFusion(depth=50)(Query(("rice",), k=80), collection)
    assert collection.asked[-1].k == 80


def test_the_lowest_score_is_on_the_fused_scale():
    hits = ReciprocalRankFusion()(Query(("rice",), k=9, min_score=1 / 61), Collection())
    assert [hit.id for hit in hits[0]] == ["g", "d"]
    assert min(hit.score for hit in hits[0]) >= 1 / 61
