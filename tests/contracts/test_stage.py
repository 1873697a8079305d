"""What every stage keeps. The search below it is a small exact one that notes what it was asked."""

from dataclasses import replace
from zlib import crc32

import numpy as np
import pytest

from contracts.collect import Example, Kind
from contracts.samples import items, shown, vectors
from cosimo.contracts import Stage
from cosimo.types import Hits, Query

CORPUS = vectors(40, seed=5)


class Searched:
    """An exact search over `CORPUS` by inner product; text is searched by what its bytes stand for."""

    def __init__(self) -> None:
        self.queries: list[Query] = []
        self.seen: set[int] = set()

    def __call__(self, query: Query) -> Hits:
        self.queries.append(query)
        S = self._vectors(query) @ CORPUS.T
        rows = np.argsort(-S, axis=1, kind="stable")[:, : query.k]
        self.seen.update(rows.ravel().tolist())
        return Hits(rows, np.take_along_axis(S, rows, axis=1), "dot" if query.by == "vector" else "bm25")

    def _vectors(self, query: Query) -> np.ndarray:
        if query.by == "vector" and query.X is not None:
            return query.X
        seeds = [crc32(f"{query.by} {item}".encode()) for item in query.items]
        return np.concatenate([np.empty((0, 8), np.float32), *(vectors(1, seed=seed) for seed in seeds)])


def _inputs(example: Example, n: int, dtype: type) -> tuple:
    return (Query(tuple(items(n)), vectors(n, dtype), k=5),)


KIND = Kind("stage", Stage, inputs=_inputs, answer=lambda value, query: shown(value(query, Searched()), query.k))

QUERY = Query(tuple(items(4)), vectors(4), k=5, where="year >= 2020")


def test_hits_sorted(stage):
    hits = stage.value(QUERY, Searched())
    assert (np.diff(hits.scores, axis=1) <= 0).all()


def test_one_row_of_hits_a_query(stage):
    assert len(stage.value(QUERY, Searched())) == len(QUERY)


@pytest.mark.parametrize("k", [1, 5, 100])
def test_k_respected(stage, k):
    hits = stage.value(replace(QUERY, k=k), Searched())
    assert max(map(len, hits)) <= k


def test_no_row_invented(stage):
    search = Searched()
    hits = stage.value(QUERY, search)
    assert {hit.row for answers in hits for hit in answers} <= search.seen


def test_no_row_twice(stage):
    hits = stage.value(QUERY, Searched())
    for answers in hits:
        assert len({hit.row for hit in answers}) == len(answers)


def test_filter_passed_through(stage):
    search = Searched()
    stage.value(QUERY, search)
    assert search.queries
    assert {query.where for query in search.queries} == {QUERY.where}


def test_scale_is_named(stage):
    assert stage.value(QUERY, Searched()).scale
