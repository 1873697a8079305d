import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosimo.search import ExactIndex
from cosimo.search.grouping import best_items, best_per_row
from cosimo.types import Hits


def brute_force(S, rows, k, allowed=None, min_score=-np.inf):
    """Each item's best part, then the k best items, ties by row; lists of (row, score) by query."""
    answers = []
    for scores in S:
        best = {}
        for position, (row, score) in enumerate(zip(rows.tolist(), scores.tolist(), strict=True)):
            if score >= min_score and (allowed is None or position in allowed):
                best[row] = max(score, best.get(row, -np.inf))
        answers.append(sorted(best.items(), key=lambda pair: (-pair[1], pair[0]))[:k])
    return answers


def shown(hits):
    return [
        [(row, score) for row, score in zip(rows.tolist(), scores.tolist(), strict=True) if row >= 0]
        for rows, scores in zip(hits.rows, hits.scores, strict=True)
    ]


@settings(max_examples=200, deadline=None)
@given(
    counts=st.lists(st.integers(1, 40), min_size=1, max_size=25),
    k=st.integers(1, 12),
    seed=st.integers(0, 2**16),
    filtered=st.booleans(),
    floor=st.sampled_from([-100.0, 0.0, 3.0]),
)
def test_equals_brute_force_with_ties_and_filters(counts, k, seed, filtered, floor):
    rng = np.random.default_rng(seed)
    rows = np.repeat(np.arange(len(counts)) * 3 + 1, counts)
    X = rng.integers(-2, 3, size=(len(rows), 3)).astype(np.float32)  # few different scores, so that most tie
    Q = rng.integers(-2, 3, size=(4, 3)).astype(np.float32)
    index = ExactIndex.over(X, np.arange(len(X)), similarity="dot")
    allowed = np.flatnonzero(rng.random(len(rows)) < 0.3) if filtered else None

    def search(Q, w):
        return index.search(Q, w, min_score=floor, allowed=allowed)

    wanted = brute_force(Q @ X.T, rows, k, None if allowed is None else set(allowed.tolist()), floor)
    assert shown(best_items(search, Q, k, rows)) == wanted


def test_one_long_item_does_not_crowd_out_the_others():
    """10,000 parts that all beat those of 20 short items: still k items, each once."""
    rows = np.concatenate([np.zeros(10_000, np.int64), np.arange(1, 21)])
    X = np.concatenate([np.ones(10_000), np.linspace(0.9, 0.1, 20)])[:, None].astype(np.float32)
    index = ExactIndex.over(X, np.arange(len(X)), similarity="dot")
    asked = []

    def search(Q, w):
        asked.append((len(Q), w))
        return index.search(Q, w)

    hits = best_items(search, np.array([[1.0], [-1.0]], np.float32), 5, rows)
    assert hits.rows.tolist() == [[0, 1, 2, 3, 4], [20, 19, 18, 17, 16]]
    assert asked[0] == (2, 20)
    assert {n for n, _ in asked[1:]} == {1}, "only the query that lacks items asks again"
    assert asked[-1][1] == len(rows)


def test_more_items_than_there_are():
    index = ExactIndex.over(np.ones((3, 1), np.float32), np.arange(3), similarity="dot")
    hits = best_items(index.search, np.ones((1, 1), np.float32), 10**9, np.array([4, 4, 6]))
    assert shown(hits) == [[(4, 1.0), (6, 1.0)]]


@pytest.mark.parametrize("n", [0, 2])
def test_nothing_found(n):
    empty = Hits(np.full((n, 2), -1), np.full((n, 2), -np.inf), "dot")
    assert best_per_row(empty, 3).rows.tolist() == [[-1, -1, -1]] * n
