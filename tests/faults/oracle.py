"""What a collection must answer, computed anew from the texts it should hold."""

import numpy as np
import pytest

from assembly.toys import bag_of_words, toy_space
from cosimo import Collection

QUERIES = ["red apple", "rain wind snow", "stone"]


def correct(collection: Collection, live: dict[str, str]) -> None:
    """The collection holds these items and nothing else, and finds what a loop over them finds."""
    items = list(collection.scan())
    assert {item.id: item.text for item in items} == live
    assert len(items) == len(collection) == len(live)
    texts = {item.row: item.text for item in items}
    stored = {int(row): x for rows, X in collection.vectors() for row, x in zip(rows, X, strict=True)}
    assert stored.keys() == texts.keys()
    for k in (3, 1000):
        hits = collection.search(QUERIES, k)
        S = toy_space().similarity(QUERIES, list(texts.values())) if texts else np.empty((len(QUERIES), 0))
        for i in range(len(QUERIES)):
            true = dict(zip(texts, S[i].tolist(), strict=True))
            best = sorted(true.values(), reverse=True)[:k]
            assert [hit.score for hit in hits[i]] == pytest.approx(best, abs=1e-5)
            assert [hit.score for hit in hits[i]] == pytest.approx([true[hit.row] for hit in hits[i]], abs=1e-5)
            assert len({hit.id for hit in hits[i]}) == len(hits[i])
            assert all(live[hit.id] == hit.text for hit in hits[i])
    for row, x in stored.items():
        np.testing.assert_array_equal(x, bag_of_words([texts[row]])[0])
