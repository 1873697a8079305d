"""What every index keeps, held against an exact search written out here."""

import numpy as np
import pytest

from contracts.collect import Example, Kind
from contracts.samples import clusters, shown
from cosimo.compare import resolve
from cosimo.contracts import Index
from cosimo.errors import CosimoError, ShapeError

FLOOR = 0.9
"""Lowest recall@10 against exact search on clustered data that an approximate index may have."""

N, LARGE, DIM = 400, 12_000, 16


def corpus(seed: int = 1) -> np.ndarray:
    return clusters(N, seed=seed)


def filled(index: Example, ids: np.ndarray | None = None):
    """A fresh index over the corpus; ids are spread out so that a position is never an id."""
    value, X = index.fresh(), corpus()
    value.fit(X)
    value.add(X, spread() if ids is None else ids)
    return value


def spread() -> np.ndarray:
    return np.random.default_rng(3).permutation(N).astype(np.int64) * 7 + 1000


def _inputs(example: Example, n: int, dtype: type) -> tuple:
    return corpus().astype(dtype), clusters(n, seed=2).astype(dtype)


def _answer(value: Index, X: np.ndarray, Q: np.ndarray) -> list[np.ndarray]:
    value.fit(X)
    value.add(X, spread())
    return shown(value.search(Q, 5), 5)


KIND = Kind("index", Index, inputs=_inputs, answer=_answer, seed_shows=False)

QUERIES = clusters(30, seed=2)


def scores_of(value: Index, Q: np.ndarray, X: np.ndarray) -> np.ndarray:
    """(n, m) by the similarity whose scale the index says its scores are on."""
    return resolve(value.scale)(Q, X)


def test_ids_are_ids_added(index):
    value = filled(index)
    assert len(value) == N
    assert set(value.search(QUERIES, 10).rows.ravel()) <= set(spread())


def test_sorted_best_first(index):
    scores = filled(index).search(QUERIES, 10).scores
    assert (np.diff(scores, axis=1) <= 0).all()


def test_ties_by_id(index):
    value, X = index.fresh(), np.repeat(corpus()[:50], 4, axis=0)
    ids = np.random.default_rng(0).permutation(len(X)).astype(np.int64)
    value.fit(X)
    value.add(X, ids)
    hits = value.search(corpus()[:50], 4)
    assert (np.diff(hits.rows, axis=1)[np.diff(hits.scores, axis=1) == 0] > 0).all()


def recall(found: np.ndarray, S: np.ndarray, k: int) -> float:
    """Share of the k best columns of each row of S that were found."""
    best = np.argsort(-S, axis=1, kind="stable")[:, :k]
    return float(np.mean([len(set(b) & set(f)) / k for b, f in zip(best, found, strict=True)]))


@pytest.mark.parametrize("share", [1, 0.3], ids=["all", "filtered"])
def test_recall(index, share):
    """On a corpus too large for an approximate index to answer by looking at all of it."""
    value, X = index.fresh(), clusters(LARGE, seed=4)
    value.fit(X)
    value.add(X, np.arange(LARGE))
    allowed = np.flatnonzero(np.random.default_rng(5).random(LARGE) < share)
    S = np.full((len(QUERIES), LARGE), -np.inf)
    S[:, allowed] = scores_of(value, QUERIES, X[allowed])
    assert recall(value.search(QUERIES, 10, allowed=None if share == 1 else allowed).rows, S, 10) >= FLOOR


def test_scores_are_the_similarity(index):
    hits = filled(index).search(QUERIES, 10)
    row = {id: i for i, id in enumerate(spread())}
    S = scores_of(index.value, QUERIES, corpus())
    told = np.array([[S[i, row[id]] for id in rows] for i, rows in enumerate(hits.rows)])
    np.testing.assert_allclose(hits.scores, told, rtol=1e-5, atol=1e-5)


def test_scale_travels_with_the_scores(index):
    value = filled(index)
    assert value.search(QUERIES, 3).scale == value.scale


def test_more_than_there_are(index):
    hits = filled(index).search(QUERIES[:2], N + 50)
    assert all(0 < len(answers) <= N for answers in hits)
    assert all(len({hit.row for hit in answers}) == len(answers) for answers in hits)


@pytest.mark.parametrize("k", [0, -1])
def test_k_below_one_refused(index, k):
    with pytest.raises(CosimoError, match="k"):
        filled(index).search(QUERIES, k)


def test_empty_index_answers_nothing(index):
    value = index.fresh()
    value.fit(corpus())
    hits = value.search(QUERIES[:3], 5)
    assert [len(answers) for answers in hits] == [0, 0, 0]


def test_allowed_respected(index):
    allowed = np.sort(spread()[::5])
    hits = filled(index).search(QUERIES, 10, allowed=allowed)
    assert all(len(answers) == 10 for answers in hits)
    assert {hit.row for answers in hits for hit in answers} <= set(allowed.tolist())


def test_nothing_allowed(index):
    hits = filled(index).search(QUERIES[:2], 5, allowed=np.empty(0, np.int64))
    assert [len(answers) for answers in hits] == [0, 0]


def test_min_score_respected(index):
    value = filled(index)
    cut = float(np.median(value.search(QUERIES, 10).scores))
    hits = value.search(QUERIES, 10, min_score=cut)
    told = [hit.score for answers in hits for hit in answers]
    assert told
    assert min(told) >= cut


def test_all_above_min_score(index):
    value = filled(index)
    S = scores_of(value, QUERIES[:3], corpus())
    cut = float(np.sort(S, axis=1)[:, -20].min())
    hits = value.search(QUERIES[:3], None, min_score=cut)
    found = np.array([len(answers) for answers in hits])
    there = np.count_nonzero(cut <= S, axis=1)
    assert (found <= there + 1).all()
    assert (found >= FLOOR * there - 1).all()


def test_removal_forgets(index):
    value, ids = filled(index), spread()
    gone = value.search(QUERIES, 1).rows[:, 0]
    assert value.remove(np.unique(gone)) == len(np.unique(gone))
    assert value.remove(np.unique(gone)) == 0
    assert len(value) == N - len(np.unique(gone))
    assert not set(value.search(QUERIES, 10).rows.ravel()) & set(gone)
    assert set(value.search(QUERIES, 10).rows.ravel()) <= set(ids)


def test_id_added_twice_refused(index):
    value = filled(index)
    with pytest.raises(CosimoError):
        value.add(corpus()[:2], spread()[:2])
    assert len(value) == N


def test_removed_id_comes_back_as_what_is_added(index):
    value, ids = filled(index), spread()
    value.remove(ids[:1])
    value.add(-corpus()[1:2], ids[:1])
    value.update()
    S = scores_of(value, QUERIES[:1], -corpus()[1:2])
    hits = value.search(QUERIES[:1], 1, allowed=ids[:1])
    np.testing.assert_allclose(hits.scores, S, rtol=1e-5, atol=1e-5)


def test_rows_do_not_depend_on_each_other(index):
    value = filled(index)
    together, last = value.search(QUERIES, 5), value.search(QUERIES[-1:], 5)
    np.testing.assert_array_equal(last.rows[0], together.rows[-1])


def test_other_dimension_refused(index):
    value = filled(index)
    with pytest.raises(ShapeError, match=str(DIM)):
        value.search(clusters(2, dim=DIM + 1), 5)
    with pytest.raises(ShapeError, match=str(DIM)):
        value.add(clusters(2, dim=DIM + 1), np.array([1, 2]))
    assert len(value) == N


def test_stats_are_numbers(index):
    stats = filled(index).stats()
    assert stats
    assert all(isinstance(number, int | float) for number in stats.values())


def test_save_and_load_answer_alike(index, tmp_path):
    value = filled(index)
    value.save(str(tmp_path / "index"))
    again = type(value).load(str(tmp_path / "index"))
    mine, theirs = value.search(QUERIES, 10), again.search(QUERIES, 10)
    np.testing.assert_array_equal(mine.rows, theirs.rows)
    np.testing.assert_array_equal(mine.scores, theirs.scores)
    assert again.scale == value.scale
