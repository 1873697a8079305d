import numpy as np
import pytest

from cosimo.errors import DataError, Refused
from cosimo.search import merge, top_k
from cosimo.search.indexes.top import Running, kth_best, stacked
from cosimo.types import Hits, Item


def by_sorting(S, ids, k):
    """Every row sorted in plain Python, by score and then by id."""
    best = [sorted(zip(-row, ids.tolist(), strict=True))[:k] for row in S]
    return np.array([[i for _, i in row] for row in best]), np.array([[-s for s, _ in row] for row in best])


@pytest.mark.parametrize("k", [1, 3, 7, 40])
@pytest.mark.parametrize("levels", [2, 5, 1000])
def test_top_k_is_sorting_with_ties_by_id(k, levels):
    rng = np.random.default_rng(k * levels)
    S = rng.integers(-levels, levels, size=(20, 40)).astype(np.float32) / levels
    ids = rng.permutation(40) * 3
    rows, scores = top_k(S, ids, k)
    expected_rows, expected_scores = by_sorting(S, ids, k)
    np.testing.assert_array_equal(rows, expected_rows)
    np.testing.assert_array_equal(scores, expected_scores)
    assert scores.dtype == np.float32


def test_top_k_gives_fewer_columns_when_there_are_fewer_keys():
    rows, _ = top_k(np.array([[0.1, -0.2]]), np.array([5, 6]), 10)
    assert rows.tolist() == [[5, 6]]


def test_top_k_of_nothing():
    assert top_k(np.empty((3, 0)), np.empty(0, np.int64), 4)[0].shape == (3, 0)
    assert top_k(np.empty((0, 3)), np.arange(3), 2)[0].shape[0] == 0


def test_kth_best_of_too_few_is_no_bar():
    assert kth_best(np.ones((2, 3)), 4).tolist() == [-np.inf, -np.inf]


@pytest.mark.parametrize("k", [0, -1])
def test_k_below_one_is_refused(k):
    with pytest.raises(DataError, match=f"k must be at least 1, got {k}"):
        top_k(np.ones((1, 2)), np.arange(2), k)
    hits = Hits.empty(1, "cosine")
    with pytest.raises(DataError, match="k must be at least 1"):
        merge(hits, hits, k)


@pytest.mark.parametrize("k", [1, 5, 30, None])
def test_merging_is_searching_the_union(k):
    rng = np.random.default_rng(0)
    S = rng.integers(-3, 4, size=(9, 24)).astype(np.float64)
    ids = rng.permutation(24)
    halves = [Hits(*top_k(S[:, part], ids[part], 24), "dot") for part in (slice(10), slice(10, 24))]
    both = merge(*halves, k)
    rows, scores = top_k(S, ids, k or 24)
    np.testing.assert_array_equal(both.rows, rows)
    np.testing.assert_array_equal(both.scores, scores)


def test_merging_drops_padding_and_pads_again():
    a = Hits(np.array([[3, -1], [-1, -1]]), np.array([[0.5, -np.inf], [-np.inf, -np.inf]]), "cosine")
    b = Hits(np.array([[4], [-1]]), np.array([[-0.5], [-np.inf]]), "cosine")
    both = merge(a, b, 5)
    assert both.rows.tolist() == [[3, 4], [-1, -1]]
    assert both.scores.tolist() == [[0.5, -0.5], [-np.inf, -np.inf]]


def test_merging_keeps_items():
    a = Hits(np.array([[3]]), np.array([[0.5]]), "cosine", items={3: Item(3, "three")})
    b = Hits(np.array([[4]]), np.array([[0.9]]), "cosine", items={4: Item(4, "four")})
    assert [hit.id for hit in merge(a, b, 2)[0]] == ["four", "three"]


def test_merging_refuses_other_scales_and_other_queries():
    a, b = Hits.empty(1, "cosine"), Hits.empty(1, "bm25")
    with pytest.raises(Refused, match=r'"cosine".*"bm25"'):
        merge(a, b, 3)
    with pytest.raises(DataError, match=r"1 queries.* 2"):
        merge(a, Hits.empty(2, "cosine"), 3)


def test_running_best_in_any_order_of_pieces():
    rng = np.random.default_rng(1)
    S = rng.integers(0, 6, size=(4, 200)).astype(np.float64)
    best = Running(4, 7)
    for part in np.array_split(rng.permutation(200), 30):
        query, column = np.divmod(np.arange(4 * len(part)), len(part))
        best.offer(query, part[column], S[query, part[column]])
    rows, scores = best.result()
    expected = top_k(S, np.arange(200), 7)
    np.testing.assert_array_equal(rows, expected[0])
    np.testing.assert_array_equal(scores, expected[1])
    np.testing.assert_array_equal(best.bar, scores[:, -1])


def test_running_best_keeps_all_above_its_floor_without_k():
    best = Running(1, None, floor=-0.5)
    best.offer(np.zeros(3, np.int64), np.array([1, 2, 3]), np.array([-0.5, -0.6, 0.1]))
    assert best.result()[0].tolist() == [[3, 1]]


def test_stacked_pads_to_the_longest():
    rows, scores = stacked([(np.array([[1]]), np.array([[-0.5]])), (np.array([[2, 3]]), np.array([[0.5, 0.4]]))])
    assert rows.tolist() == [[1, -1], [2, 3]]
    assert scores.tolist() == [[-0.5, -np.inf], [0.5, 0.4]]
