import itertools

import numpy as np
import pytest

from cosimo.compare import resolve
from cosimo.search import SqliteStore
from cosimo.search.passages import best_passages, by_meaning, by_words
from cosimo.types import Item, Tokens

TEXTS = ["rice and water", "", "late interaction, then rice, then rice and heat"]
SPANS = [[(0, 4), (5, 14)], [(0, 0)], [(0, 17), (17, 28), (28, 47)]]


@pytest.fixture
def store(tmp_path):
    made = SqliteStore.create(tmp_path / "items.db", passport={}, settings={})
    rng = np.random.default_rng(0)
    vectors = Tokens.stack([rng.normal(size=(len(spans), 4)).astype(np.float32) for spans in SPANS])
    items = [Item(-1, str(i), text) for i, text in enumerate(TEXTS)]
    made.add(items, {"chunk": vectors}, spans={"chunk": np.array([*itertools.chain(*SPANS)])})
    made.vectors_ = vectors
    yield made
    made.close()


@pytest.mark.parametrize("name", ["cosine", "dot", "euclidean"])
def test_by_meaning_equals_a_loop(store, name):
    Q = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    rows = np.array([[3, 1], [1, 3], [2, -1], [-1, -1], [3, 2]])
    found = best_passages(store, "chunk", rows, by_meaning(store, "chunk", Q, resolve(name)))
    for query in range(5):
        for place, row in enumerate(rows[query]):
            if row < 0:
                assert found[query, place].tolist() == [0, 0]
                continue
            scores = [resolve(name).pairs(Q[query : query + 1], x[None])[0] for x in store.vectors_[row - 1]]
            assert tuple(found[query, place].tolist()) == SPANS[row - 1][int(np.argmax(scores))]


def test_by_words_takes_the_passage_with_most_of_them(store):
    choice = by_words(["RICE, heat?", "nothing of it"], lambda row: TEXTS[row - 1])
    found = best_passages(store, "chunk", np.array([[3, 1], [3, 1]]), choice)
    assert found.tolist() == [[[28, 47], [0, 4]], [[0, 17], [0, 4]]]


def test_items_without_spans_are_left_alone(store):
    assert best_passages(store, "whole", np.array([[1, 2]]), by_words(["rice"], str)).tolist() == [[[0, 0], [0, 0]]]
