"""Analogies: both rules by loops, the words asked with left out, pairs as clusters."""

import numpy as np
import pytest

from cosimo.encode import FunctionEncoder
from cosimo.errors import DataError, ShapeError
from cosimo.measure import Analogy

N = 12
PAIRS = [(f"base {i}", f"derived {i}") for i in range(N)]
QUADRUPLES = [(*PAIRS[i], *PAIRS[(i + 1) % N]) for i in range(N)]


def oracle(texts):
    """A word is its number and its kind."""
    rows = []
    for text in texts:
        kind, _, number = text.partition(" ")
        place = int(number) if number.isdigit() else 0
        rows.append([*np.eye(N)[place % N], 1.0 if kind == "derived" else -1.0])
    return rows


EXAMPLES = [Analogy(*(list(side) for side in zip(*QUADRUPLES, strict=True)))]
ORACLES = [oracle]
CHANCES = [1 / (2 * N - 3)]


def test_oracle_loops():
    rng = np.random.default_rng(0)
    words = [word for pair in PAIRS for word in pair]
    vectors = {word: rng.normal(size=5) for word in words}
    report = EXAMPLES[0].run(FunctionEncoder(lambda texts: [vectors.get(text, np.ones(5)) for text in texts]))

    def s(x, y):
        return float(vectors[x] @ vectors[y] / np.linalg.norm(vectors[x]) / np.linalg.norm(vectors[y]))

    for i, (a, b, c, d) in enumerate(QUADRUPLES):
        others = [word for word in words if word not in (a, b, c)]
        add = max(others, key=lambda w: s(w, b) - s(w, a) + s(w, c))
        mul = max(others, key=lambda w: (s(w, b) + 1) * (s(w, c) + 1) / 4 / ((s(w, a) + 1) / 2 + 1e-3))
        assert report.metrics["add"].per_item[i] == (add == d)
        assert report.metrics["mul"].per_item[i] == (mul == d)


def test_analogies_of_the_same_pairs_depend_on_each_other():
    assert EXAMPLES[0].run(FunctionEncoder(oracle)).clusters.shape == (N, 2)
    assert (
        Analogy(["a"], ["b"], ["c"], ["d"]).run(FunctionEncoder(lambda t: [[1.0, len(x)] for x in t])).clusters is None
    )


def test_other_words_are_candidates_too():
    task = Analogy(["base 0"], ["derived 0"], ["base 1"], ["derived 1"], others=["derived 1 too", "base 5"])
    assert task.run(FunctionEncoder(oracle)).settings["words"] == 6


def test_bad_analogies_are_refused():
    with pytest.raises(ShapeError, match=r"\[1, 1, 1, 0\]"):
        Analogy(["a"], ["b"], ["c"], [])
    with pytest.raises(DataError, match="holds no analogies"):
        Analogy([], [], [], [])


def test_reads_columns():
    rows = [{"w": "a", "x": "b", "y": "c", "z": "d"}]
    assert Analogy.read(rows, columns=("w", "x", "y", "z")).d == ["d"]
